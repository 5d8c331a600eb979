"""The lines that open a volume, run as a reader would run them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.sealed import open_sealed
from mirror.app.example import example_of
from mirror.app.page import page_of
from mirror.app.reading import published_file
from mirror.app.sync import SyncRequest, sync
from mirror.config import Settings
from mirror.objects import Tally
from mirror.report.html.page import Checked, Container, InBucket, Level, Volume, Wholeness
from mirror.selection import SelectionSpec, parse_formats, parse_scales


@pytest.mark.parametrize(("formats", "bucket"), [("n5", "b"), ("zarr", "a")])
def test_the_lines_open_a_volume_of_the_share(lab: Settings, formats: str, bucket: str) -> None:
    """Copied into Python they print the shape and the type of a whole level."""
    spec = SelectionSpec(scales=parse_scales("s1-"), formats=parse_formats(formats))
    asyncio.run(sync(lab, SyncRequest(("jrc_hela-2",), bucket, spec)))
    with open_sealed(published_file(lab.share_root())) as catalog:
        (dataset,) = page_of(catalog, lab.share_root(), None).here
    assert dataset.example is not None
    command = [sys.executable, "-W", "ignore", "-c", dataset.example.code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("(")


def volume(path: str, shows: str, *levels: tuple[str, Wholeness, int]) -> Volume:
    """Return a volume with levels of so many bytes."""
    made = tuple(Level(name, wholeness, Tally(1, size), 1) for name, wholeness, size in levels)
    return Volume(path, shows, made, (), (), Checked())


def bucket_of(form: str, *volumes: Volume) -> InBucket:
    """Return a dataset of one container."""
    container = Container(f"d.{form}", f"lab/d/d.{form}", form, volumes, ())
    return InBucket("s3://lab/d", "lab/d", (container,), Tally(), Checked(), None)


RAW = volume("em/raw", "EM", ("s0", Wholeness.WHOLE, 900), ("s1", Wholeness.WHOLE, 90), ("s2", Wholeness.PARTIAL, 9))
SEG = volume("labels/seg", "segmentation", ("s3", Wholeness.WHOLE, 1))
BROKEN = volume("em/raw", "EM", ("s0", Wholeness.PARTIAL, 1))


@pytest.mark.parametrize(
    ("buckets", "inside"),
    [
        pytest.param([bucket_of("n5", SEG, RAW)], "em/raw/s1", id="the-coarsest-whole-level-of-the-em"),
        pytest.param([bucket_of("zarr", RAW), bucket_of("n5", RAW)], "em/raw/s1", id="n5-first"),
        pytest.param([bucket_of("n5", BROKEN, SEG)], "labels/seg/s3", id="what-is-whole"),
        pytest.param([bucket_of("n5", BROKEN)], None, id="nothing-whole"),
        pytest.param([bucket_of("precomputed", RAW)], None, id="not-what-these-lines-open"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_which_volume_is_opened(buckets: list[InBucket], inside: str | None) -> None:
    """One that opens, is small, and is the first that people look at."""
    example = example_of(buckets, Path("/mnt/lab"))
    assert (example.volume if example else None) == inside
    if example and len(buckets) == 2:
        assert example.path == "/mnt/lab/lab/d/d.n5"


def test_a_path_with_quotes_stays_one_text() -> None:
    """What the lines hold is a Python text, whatever the share is called."""
    share = Path("""/mnt/it's "the" lab\\""")
    example = example_of([bucket_of("n5", RAW)], share)
    assert example is not None
    scope: dict[str, object] = {}
    exec(example.code.splitlines()[1], scope)
    assert scope["path"] == str(share / "lab/d/d.n5")

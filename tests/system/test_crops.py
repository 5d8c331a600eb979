"""`oomirror sync --crops`: what is fetched, what opens, what is said of it, and how the rest comes later."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mirror.app.inventory import list_levels
from mirror.app.listings import list_runs
from mirror.app.scan import scan
from mirror.app.sync import exit_code_of
from mirror.app.why.tell import why
from mirror.app.workplace import utc_now
from mirror.crops.spec import parse_crops
from mirror.demo.buckets import BUCKET_NAMES
from mirror.demo.specimen import Scale, Specimen, grow
from mirror.errors import ExitCode, UnknownNameError
from mirror.report.model import LevelLine
from mirror.report.text.inventory import render_levels
from tests.faults import BUCKET, OddServer, run_odd_server
from tests.servers import Bucket
from tests.system.choices import ROOTS
from tests.system.croplab import CROPS, RAW, hela_objects, keys_of_crops
from tests.system.invariants import catalog_equals_share, files_below, nothing_left_over, planning_again_gives_nothing
from tests.system.oddlab import ODD, OddLab, make_oddlab
from tests.system.workbench import Workbench, asking

# zarr 2 says that its N5 stores go with zarr 3, and it and fsspec disagree with NumPy 2 here and there.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
B = ROOTS["b"]


@pytest.fixture(scope="module")
def hela() -> Specimen:
    """The cell that the sample buckets show."""
    return grow("jrc_hela-2", Scale.TINY)


@pytest.fixture(scope="module")
def objects() -> dict[str, bytes]:
    """A dataset of real dimensions with two crops."""
    return hela_objects()


@pytest.fixture
def server(objects: dict[str, bytes]) -> Iterator[OddServer]:
    """A server that has it."""
    with run_odd_server() as running:
        for key, body in objects.items():
            running.put(key, body)
        yield running


@pytest.fixture
def big(server: OddServer, tmp_path: Path, blank_catalog: bytes) -> OddLab:
    """A lab that mirrors from it."""
    return make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog)


# The sample bucket: what is on the share, and how it opens


@pytest.fixture
def near(make_lab: Callable[[str], Workbench], sample_buckets: dict[str, Bucket]) -> Workbench:
    """A lab that reaches the sample buckets without a proxy."""
    return make_lab(sample_buckets["b"].endpoint_url)


@pytest.mark.parametrize(("scales", "padding"), [("all", 0), ("s0-s1", 30)])
def test_exactly_the_touched_blocks_come_and_open(
    near: Workbench, sources: dict[str, Mapping[str, bytes]], hela: Specimen, scales: str, padding: int
) -> None:
    """On a fresh catalog: the keys of a walk over the voxels, no more and no fewer; inside, zarr shows the source."""
    request = asking("b", scales=scales, crops=parse_crops("1", padding=padding))
    report = near.sync(request)
    assert exit_code_of(report) is ExitCode.DONE
    n_levels = 5 if scales == "all" else 2
    keys = _keys_by_voxels(sources["b"], hela, n_levels, padding)
    assert set(files_below(near.share / BUCKET_NAMES["b"])) == keys
    assert report.transferred.objects == len(keys)
    catalog_equals_share(near)
    nothing_left_over(near)
    planning_again_gives_nothing(near, request)
    _opens(near, hela)


def _keys_by_voxels(source: Mapping[str, bytes], hela: Specimen, n_levels: int, padding: int) -> set[str]:
    crop = hela.crop
    assert crop is not None
    sides = zip(crop.start_zyx, crop.shape_zyx, hela.cell.shape_zyx, strict=True)
    voxels_xyz = [range(max(0, a - padding), min(n, a + side + padding)) for a, side, n in sides][::-1]
    touched = {
        f"{B}volumes/raw/s{n}/" + "/".join(map(str, index))
        for n in range(n_levels)
        for index in product(*({i // 2**n // 64 for i in axis} for axis in voxels_xyz))
    }
    truth = {key for key in source if key.startswith(f"{B}volumes/groundtruth/0003/crop1/")}
    metadata = {f"{B}{name}attributes.json" for name in ("", "volumes/raw/")}
    metadata |= {f"{B}volumes/raw/s{n}/attributes.json" for n in range(n_levels)}
    loose = {
        key for key in source if key.startswith("heinrich-2021a/jrc_hela-2/") and ".n5/" not in key and key[-1] != "/"
    }
    return (touched | truth | metadata | loose) & set(source)


def _opens(lab: Workbench, hela: Specimen) -> None:
    import zarr

    container = zarr.open_group(zarr.N5FSStore(str(lab.share / BUCKET_NAMES["b"] / B)), "r")
    assert hela.crop is not None
    box = tuple(slice(a, a + n) for a, n in zip(hela.crop.start_zyx, hela.crop.shape_zyx, strict=True))
    np.testing.assert_array_equal(container["volumes/raw/s0"][box], hela.raw_uint8()[box])
    np.testing.assert_array_equal(container["volumes/groundtruth/0003/crop1/labels/all"][:], hela.ground_truth())
    assert not container["volumes/raw/s0"][:, :, 128:].any()


# Real dimensions: few requests, what is said, and the rest


def test_few_requests_find_the_blocks_among_half_a_million(
    big: OddLab, server: OddServer, objects: dict[str, bytes]
) -> None:
    """Two overlapping crops: each block comes once, whole levels are not listed, and nothing outside is fetched."""
    report = big.mirror(crops=parse_crops("1,23", padding=10)).report
    assert set(big.files()) == keys_of_crops(objects, "1", "23", padding=10)
    blocks = [ask.key for ask in server.asked("GET") if ask.key.startswith(f"{RAW}s0/") and ask.key[-1].isdigit()]
    assert len(blocks) == len(set(blocks))
    assert len(server.listings()) <= 45
    assert [(crop.number, crop.start_zyx) for crop in report.crops] == [
        (number, start[::-1]) for number, (start, _) in CROPS.items()
    ]


def test_partial_is_said_until_the_rest_is_there(big: OddLab, server: OddServer, objects: dict[str, bytes]) -> None:
    """One crop, another one, then all: each time only the rest comes; what is said of the levels is true each time."""
    first, both = keys_of_crops(objects, "1"), keys_of_crops(objects, "1", "23")
    assert big.mirror(crops=parse_crops("1")).report.transferred.objects == len(first)
    assert _line(big, "s0").state == "partial"
    n_here = len([key for key in first if key.startswith(f"{RAW}s0/")])
    assert f"partial {n_here} of at most 470,001" in _text(big)
    assert big.mirror(crops=parse_crops("23")).report.transferred.objects == len(both - first)
    assert set(big.files()) == both
    rest = big.mirror().report
    assert rest.transferred.objects == len(objects) - len(both)
    assert big.files() == objects
    assert {_line(big, f"s{n}").state for n in range(2)} == {"whole"}
    server.forget()
    assert big.mirror(crops=parse_crops("all", padding=50)).report.transferred.objects == 0
    assert server.asked("GET") == []
    # Listings of parts, twice, have not made forget what the whole was.
    big.mirror(crops=parse_crops("23"))
    assert {_line(big, f"s{n}").state for n in range(2)} == {"whole"}
    assert _line(big, "s0").listed is not None


def test_with_a_listing_of_all_partial_counts_what_the_bucket_has(big: OddLab, server: OddServer) -> None:
    """After a scan `ls` tells how much of the bucket's blocks is there; --max-age takes them from that listing."""
    asyncio.run(scan(big.settings(), (ODD,), bucket="b"))
    server.forget()
    report = big.mirror(crops=parse_crops("1"), max_age_seconds=3600).report
    assert server.listings() == [
        ask for ask in server.listings() if f"{ODD}/" not in ask.prefix or "s0" not in ask.prefix
    ]
    line = _line(big, "s0")
    assert (line.state, line.listed is not None and line.mirrored.objects < line.listed.objects) == ("partial", True)
    assert report.transferred.objects > 0
    assert big.mirror(crops=parse_crops("1")).report.transferred.objects == 0


def test_the_run_is_recorded_with_its_crops(big: OddLab) -> None:
    """`catalog runs` names crops and padding, and of each array the boxes of blocks; `why` believes it."""
    big.mirror(crops=parse_crops("23", padding=3))
    (run,) = list_runs(big.settings())
    chosen: Any = run.selection[ODD]
    assert ([one["number"] for one in chosen["crops"]], chosen["padding"]) == (["23"], 3)
    assert chosen["blocks_xyz"][f"{RAW}s0/"] == [[[107, 9, 10], [111, 12, 11]]]
    for block, chosen_by in (("107/9/10", run.run), ("106/9/10", None)):
        story = why(big.settings(), f"s3://{BUCKET}/{RAW}s0/{block}", here=big.folder)
        assert (story.chosen_by, story.runs[0].crops) == (chosen_by, ("23",))


def test_killed_between_crops_and_the_rest_nothing_is_lost(
    big: OddLab, server: OddServer, objects: dict[str, bytes]
) -> None:
    """A run for crops and a full one, both killed in mid-transfer: nothing is wrong, and the last run ends whole."""
    for words, n_blocks in ((("--crops", "1", "--scales", "s0"), 40), ((), 120)):
        _kill(big, server, words, n_blocks)
        assert [key for key, body in big.files().items() if objects[key] != body] == []
        assert _line(big, "s0").state != "whole"
    report = big.mirror(crops=parse_crops("1,23")).report
    assert (report.failed, set(big.files()) >= keys_of_crops(objects, "1", "23")) == ((), True)
    big.mirror()
    assert big.files() == objects
    assert {_line(big, f"s{n}").state for n in range(2)} == {"whole"}
    assert set(big.proofs()) == set(objects)


def _kill(big: OddLab, server: OddServer, words: tuple[str, ...], n_blocks: int) -> None:
    reached = threading.Event()
    server.forget()
    server.on_ask = lambda _: reached.set() if len(server.asked("GET")) >= n_blocks else None
    server.delay_seconds = 0.01
    with big.start("sync", ODD, "--bucket", "b", *words) as process:
        assert reached.wait(30)
        process.kill()
    server.on_ask, server.delay_seconds = (lambda _: None), 0.0


def test_of_a_level_that_was_stored_anew_no_old_block_stays_beside_new_metadata(big: OddLab, server: OddServer) -> None:
    """Upstream changes type and blocks: mirroring one crop brings all of the level that the share has up to date."""
    big.mirror(crops=parse_crops("1,23"))
    newer = hela_objects(data_type="uint16", generation=1)
    for key, body in newer.items():
        server.put(key, body)
    big.mirror(crops=parse_crops("23"))
    files = big.files()
    assert {key for key, body in files.items() if newer[key] != body} == set()
    assert set(files) == keys_of_crops(newer, "1", "23")


def test_a_crop_that_nothing_places_is_named(big: OddLab, objects: dict[str, bytes]) -> None:
    """Asked for by number it is exit 4, with the others mirrored; for `all` it is told, and the exit is 0."""
    with closing(sqlite3.connect(big.catalog)) as connection, connection:
        connection.execute("INSERT INTO crop (number, version, dataset, others) VALUES ('7', '0003', ?, '{}')", (ODD,))
    named = big.mirror(crops=parse_crops("1,7"))
    assert (named.exit_code, list(named.skipped)) == (ExitCode.INCOMPLETE, [f"crop 7 of {ODD}"])
    assert "no source places the crop" in named.skipped[f"crop 7 of {ODD}"]
    assert set(big.files()) == keys_of_crops(objects, "1")
    every = big.mirror(crops=parse_crops("all"))
    assert (every.exit_code, list(every.skipped)) == (ExitCode.DONE, [f"crop 7 of {ODD}"])
    assert set(big.files()) == keys_of_crops(objects, "1", "23")
    alone = big.mirror(crops=parse_crops("7"))
    assert (alone.exit_code, alone.report.planned.objects) == (ExitCode.INCOMPLETE, 0)


# Bucket A


@pytest.mark.parametrize("raw_format", ["n5", "zarr"])
def test_in_bucket_a_ground_truth_is_zarr_and_raw_is_what_there_is(
    server: OddServer, big: OddLab, raw_format: str
) -> None:
    """Ground truth in zarr comes with raw in N5 without `--formats`; without N5, raw comes in chunks of zarr."""
    server.objects.clear()
    for key, body in _dataset_of_a(raw_format).items():
        server.put(key, body)
    report = big.mirror("jrc_a", crops=parse_crops("9")).report
    assert [(crop.source, crop.start_zyx, crop.shape_zyx) for crop in report.crops] == [
        ("a_attribute", (10, 70, 130), (8, 8, 8))
    ]
    raw = {key for key in big.files() if "/em/" in key and key.rpartition("/")[2][0].isdigit()}
    place = (
        "jrc_a.n5/em/fibsem-uint16/s0/2/1/0" if raw_format == "n5" else "jrc_a.zarr/recon-1/em/fibsem-uint8/s0/0/1/2"
    )
    assert raw == {f"jrc_a/{place}"}
    truth = {key for key in server.objects if "/crop9/" in key}
    assert truth <= set(big.files())


def _dataset_of_a(raw_format: str) -> dict[str, bytes]:
    root = "jrc_a/jrc_a.zarr/"
    objects = {f"{root}.zgroup": b'{"zarr_format": 2}'}
    # The corner of the crop is that of raw voxel 10, 70, 130: its first centre lies a quarter of a voxel before.
    truth = [4.0 * start - 1.0 for start in (10, 70, 130)]
    objects |= _zarr_pyramid(f"{root}recon-1/labels/groundtruth/crop9/all/", (16, 16, 16), 2.0, truth)
    if raw_format == "zarr":
        return objects | _zarr_pyramid(f"{root}recon-1/em/fibsem-uint8/", (70, 150, 200), 4.0, [0.0, 0.0, 0.0])
    level = "jrc_a/jrc_a.n5/em/fibsem-uint16/s0/"
    placed = {"axes": ["z", "y", "x"], "scale": [4.0] * 3, "translate": [0.0] * 3, "units": ["nm"] * 3}
    form = {"dataType": "uint16", "compression": {"type": "raw"}, "blockSize": [64] * 3, "transform": placed}
    objects["jrc_a/jrc_a.n5/attributes.json"] = b'{"n5": "2.0.0"}'
    objects[f"{level}attributes.json"] = json.dumps({"dimensions": [200, 150, 70], **form}).encode()
    return objects | {f"{level}{x}/{y}/{z}": b"x" for x, y, z in product(range(4), range(3), range(2))}


def _zarr_pyramid(prefix: str, shape: tuple[int, ...], voxel: float, at: list[float]) -> dict[str, bytes]:
    steps = [{"type": "scale", "scale": [voxel] * 3}, {"type": "translation", "translation": at}]
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    scales = [{"version": "0.4", "axes": axes, "datasets": [{"path": "s0", "coordinateTransformations": steps}]}]
    form = {"zarr_format": 2, "dtype": "|u1", "compressor": None, "fill_value": 0, "filters": None, "order": "C"}
    array = {"shape": shape, "chunks": [64, 64, 64], "dimension_separator": "/", **form}
    counts = [range(-(-n // 64)) for n in shape]
    return {
        f"{prefix}.zgroup": b'{"zarr_format": 2}',
        f"{prefix}.zattrs": json.dumps({"multiscales": scales}).encode(),
        f"{prefix}s0/.zarray": json.dumps(array).encode(),
        **{f"{prefix}s0/{z}/{y}/{x}": b"chunk" for z, y, x in product(*counts)},
    }


def test_a_dataset_without_crops_is_exit_2(big: OddLab, server: OddServer) -> None:
    """`all` of a dataset of which nothing names a crop, and a number of another dataset."""
    server.put("jrc_b/jrc_b.n5/attributes.json", b"{}")
    with pytest.raises(UnknownNameError, match="no crop of the dataset is known: jrc_b"):
        big.mirror("jrc_b", crops=parse_crops("all"))
    with pytest.raises(UnknownNameError, match="no such crop in the dataset: crop 23 of jrc_b"):
        big.mirror("jrc_b", crops=parse_crops("23"))


def _line(lab: OddLab, level: str) -> LevelLine:
    lines = list_levels(lab.settings(), ODD, "b")
    return next(line for line in lines if line.volume == "volumes/raw" and line.level == level)


def _text(lab: OddLab) -> str:
    return render_levels(list_levels(lab.settings(), ODD, "b"), now=utc_now())

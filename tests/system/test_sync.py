"""Whole runs of `oomirror sync` on a real S3 server: what is on the share, what was asked of the bucket."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mirror.app.sync import exit_code_of
from mirror.demo.specimen import Scale, Specimen, grow
from mirror.errors import ExitCode
from mirror.report.model import SyncReport
from tests.proxy import ALWAYS, Proxy
from tests.system.choices import (
    ALL_A,
    ALL_B,
    CHOICES,
    COARSE_A,
    FIRST_RUN,
    ROOTS,
    SMALL_A,
    SMALL_B,
    SOME_B,
    Choice,
    voxels_of,
)
from tests.system.invariants import (
    catalog_equals_share,
    files_below,
    nothing_left_over,
    planning_again_gives_nothing,
    share_equals_bucket,
)
from tests.system.workbench import Workbench

# zarr 2 says that its N5 stores go with zarr 3, and it and fsspec disagree with NumPy 2 here and there.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

Sources = dict[str, Mapping[str, bytes]]
RAW_BLOCK = f"{ROOTS['b']}volumes/raw/s1/0/0/0"
RAW_METADATA = f"{ROOTS['b']}volumes/raw/s1/attributes.json"
OTHER_BLOCK = f"{ROOTS['b']}volumes/raw/s0/1/1/1"


@pytest.fixture(scope="module")
def hela() -> Specimen:
    """The cell that both sample buckets show."""
    return grow("jrc_hela-2", Scale.TINY)


def _all_is_well(lab: Workbench, choice: Choice, sources: Sources) -> None:
    source = sources[choice.letter]
    share_equals_bucket(lab.share, choice.bucket_name, source, choice.keys(source))
    catalog_equals_share(lab)
    nothing_left_over(lab)
    planning_again_gives_nothing(lab, choice.request())


def _opened(lab: Workbench, choice: Choice) -> Any:
    """Return the container on the share as the lab's notebooks open it."""
    import zarr

    return zarr.open_group(zarr.N5FSStore(str(lab.share / choice.bucket_name / ROOTS[choice.letter])), "r")


# What is on the share


@pytest.mark.parametrize("choice", [SMALL_A, SMALL_B, ALL_A, ALL_B, COARSE_A, SOME_B], ids=str)
def test_a_mirrored_subset_opens_and_shows_the_source(
    lab: Workbench, sources: Sources, hela: Specimen, choice: Choice
) -> None:
    """N5FSStore of zarr 2 sees each chosen array voxel by voxel, edges padded or cut, and no other array."""
    lab.sync(choice.request())
    container = _opened(lab, choice)
    for path, voxels in voxels_of(choice.letter, hela).items():
        if choice.arrays({path: voxels})[path]:
            np.testing.assert_array_equal(container[path][:], voxels, err_msg=path)
        else:
            assert path not in container
    _all_is_well(lab, choice, sources)


def test_a_level_that_is_not_whole_does_not_open(lab: Workbench, proxy: Proxy, sources: Sources) -> None:
    """A refused block is named, with exit 4, its level stays closed, the others open; the next run mends it."""
    proxy.denied[RAW_BLOCK] = ALWAYS
    report = lab.sync(FIRST_RUN.request())
    assert exit_code_of(report) is ExitCode.INCOMPLETE
    assert [one.key for one in report.failed] == [RAW_BLOCK]
    assert [one.key for one in report.skipped if "not whole" in one.reason] == [RAW_METADATA]
    container = _opened(lab, FIRST_RUN)
    assert ["volumes/raw/s1" in container, "volumes/raw/s0" in container, "volumes/raw/s2" in container] == [
        False,
        True,
        True,
    ]
    catalog_equals_share(lab)
    nothing_left_over(lab)

    proxy.denied.clear()
    report = lab.sync(FIRST_RUN.request())
    assert (report.transferred.objects, exit_code_of(report)) == (2, ExitCode.DONE)
    assert "volumes/raw/s1" in _opened(lab, FIRST_RUN)
    _all_is_well(lab, FIRST_RUN, sources)


def test_a_level_whose_metadata_was_not_readable_at_first_does_not_open_half(
    lab: Workbench, proxy: Proxy, sources: Sources
) -> None:
    """A level that discovery could not understand is mirrored as plain files, and still not opened by halves."""
    proxy.denied |= {RAW_METADATA: 1, RAW_BLOCK: ALWAYS}
    report = lab.sync(FIRST_RUN.request())
    assert [one.key for one in report.failed] == [RAW_BLOCK]
    assert "volumes/raw/s1" not in _opened(lab, FIRST_RUN)
    proxy.denied.clear()
    assert lab.sync(FIRST_RUN.request()).transferred.objects == 2
    _all_is_well(lab, FIRST_RUN, sources)


def test_a_document_that_came_damaged_is_not_believed(lab: Workbench, proxy: Proxy, sources: Sources) -> None:
    """Metadata that its ETag does not prove is read again before it is understood and kept."""
    proxy.damaged[RAW_METADATA] = 1
    assert exit_code_of(lab.sync(FIRST_RUN.request())) is ExitCode.DONE
    with closing(sqlite3.connect(lab.catalog)) as connection:
        kept = connection.execute("SELECT body FROM document WHERE key = ?", (RAW_METADATA,)).fetchall()
    assert kept == [(sources["b"][RAW_METADATA],)]
    _all_is_well(lab, FIRST_RUN, sources)


def test_a_body_that_breaks_off_or_is_damaged_is_fetched_again(lab: Workbench, proxy: Proxy, sources: Sources) -> None:
    """A body cut short and one with a turned bit never get a name; the next try does, and the exit is 0."""
    proxy.cut[RAW_BLOCK] = 1
    proxy.damaged[OTHER_BLOCK] = 2
    report = lab.sync(FIRST_RUN.request())
    assert exit_code_of(report) is ExitCode.DONE
    assert [proxy.keys("get").count(key) for key in (RAW_BLOCK, OTHER_BLOCK)] == [2, 3]
    assert report.verified.md5 == report.transferred
    _all_is_well(lab, FIRST_RUN, sources)


def test_the_command_says_what_failed(lab: Workbench, proxy: Proxy) -> None:
    """`oomirror sync` with a refused block ends with 4 and one JSON document that names the key."""
    proxy.denied[RAW_BLOCK] = ALWAYS
    done = lab.run("sync", "jrc_hela-2", *FIRST_RUN.words, "--json")
    report = SyncReport.model_validate_json(done.stdout)
    assert done.returncode == ExitCode.INCOMPLETE
    assert [one.key for one in report.failed] == [RAW_BLOCK]
    assert "Traceback" not in done.stderr


# Dry runs


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_dry_run_tells_what_the_run_then_transfers(lab: Workbench, choice: Choice) -> None:
    """Objects and bytes of a dry run are those that the run transfers; after it, a dry run finds them up to date."""
    shown = lab.sync(choice.request(dry_run=True))
    done = lab.sync(choice.request())
    again = lab.sync(choice.request(dry_run=True))
    assert (shown.run, shown.dry_run, shown.transferred.objects) == (None, True, 0)
    assert shown.planned == done.planned == done.transferred == again.up_to_date
    assert again.planned.objects == 0


def test_a_dry_run_writes_nothing(lab: Workbench) -> None:
    """Share and catalog are the same to the byte and to the time stamp, before a first run and in the middle."""
    for request in (FIRST_RUN.request(), SMALL_B.request()):
        before = _state_of(lab.folder)
        lab.sync(replace(request, dry_run=True))
        assert _state_of(lab.folder) == before
        lab.sync(request)


def test_a_dry_run_makes_no_catalog(lab: Workbench) -> None:
    """Where there is no catalog yet, a dry run plans as if nothing were known, and leaves none behind."""
    shutil.rmtree(lab.catalog.parent)
    before = _state_of(lab.folder)
    done = lab.run("sync", "jrc_hela-2", *FIRST_RUN.words, "-n", "--json")
    assert SyncReport.model_validate_json(done.stdout).planned.objects == 29
    assert (done.returncode, _state_of(lab.folder)) == (ExitCode.DONE, before)


def _state_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the time of each file and folder of the share, and each file's bytes, the catalog's included.

    SQLite's own shared memory beside the catalog is left out: who reads makes it.
    """
    share = folder / "share"
    times = {path: os.lstat(path).st_mtime_ns for path in [share, *share.rglob("*")]}
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".db-shm"}
    return {
        str(path): (times.get(path, 0), hashlib.md5(files.get(path, b"")).digest())
        for path in {*times, *(path for path, body in files.items() if body or path in times)}
    }


# Second runs


@pytest.mark.parametrize("choice", [SMALL_A, SMALL_B], ids=str)
def test_a_second_run_asks_for_listings_only(lab: Workbench, proxy: Proxy, choice: Choice) -> None:
    """The second run transfers nothing, and asks the bucket for no object and no header."""
    first = lab.sync(choice.request())
    proxy.forget()
    second = lab.sync(choice.request())
    assert (second.planned.objects, second.transferred.objects) == (0, 0)
    assert second.up_to_date == first.transferred
    assert {request.kind for request in proxy.seen} == {"list"}


def test_a_second_run_believes_the_catalog(lab: Workbench) -> None:
    """Without --verify-share no file is looked at: with all of them gone the run still finds them up to date."""
    first = lab.sync(FIRST_RUN.request())
    shutil.rmtree(lab.share / FIRST_RUN.bucket_name)
    second = lab.sync(FIRST_RUN.request())
    assert (second.up_to_date, second.transferred.objects) == (first.transferred, 0)
    assert not (lab.share / FIRST_RUN.bucket_name).exists()


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_second_run_makes_no_system_call_on_a_mirrored_file(lab: Workbench) -> None:
    """No path below a bucket's folder on the share is named to the kernel, by stat or otherwise."""
    lab.sync(FIRST_RUN.request())
    trace = lab.folder / "trace"
    done = lab.run(
        "sync", "jrc_hela-2", *FIRST_RUN.words, wrapper=("strace", "-f", "-qq", "-e", "trace=%file", "-o", str(trace))
    )
    if not trace.is_file() or not trace.stat().st_size:
        pytest.skip("strace may not trace here")
    calls = trace.read_text(errors="replace").splitlines()
    assert done.returncode == ExitCode.DONE
    assert any(f'"{lab.share}' in call for call in calls)
    assert [call for call in calls if f"{lab.share}/{FIRST_RUN.bucket_name}" in call] == []


def test_verify_share_finds_what_was_lost(lab: Workbench, proxy: Proxy, sources: Sources) -> None:
    """With --verify-share a file that is gone and one that is cut short are fetched again, and nothing else."""
    lab.sync(FIRST_RUN.request())
    root = lab.share / FIRST_RUN.bucket_name
    (root / RAW_BLOCK).unlink()
    (root / OTHER_BLOCK).write_bytes(b"short")
    proxy.forget()
    report = lab.sync(FIRST_RUN.request(verify_share=True))
    assert sorted(proxy.keys("get")) == sorted([RAW_BLOCK, OTHER_BLOCK])
    assert report.transferred.objects == 2
    _all_is_well(lab, FIRST_RUN, sources)


def test_what_was_lost_and_cannot_be_fetched_is_not_claimed(lab: Workbench, proxy: Proxy, sources: Sources) -> None:
    """A lost file that the bucket refuses to give again loses its row: the next plain run misses it, and fetches it."""
    lab.sync(FIRST_RUN.request())
    (lab.share / FIRST_RUN.bucket_name / RAW_BLOCK).unlink()
    proxy.denied[RAW_BLOCK] = ALWAYS
    report = lab.sync(FIRST_RUN.request(verify_share=True))
    assert [one.key for one in report.failed] == [RAW_BLOCK]
    catalog_equals_share(lab)
    proxy.denied.clear()
    assert lab.sync(FIRST_RUN.request()).transferred.objects == 1
    _all_is_well(lab, FIRST_RUN, sources)


# Adoption


@pytest.fixture
def copied(lab: Workbench, sources: Sources) -> Workbench:
    """A lab whose share was filled with raw by `aws s3 cp --recursive`, without a catalog that knows it."""
    source = sources["b"]
    for key in FIRST_RUN.keys(source):
        path = lab.share / FIRST_RUN.bucket_name / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source[key])
    return lab


def test_a_share_that_was_filled_before_is_adopted(copied: Workbench, proxy: Proxy, sources: Sources) -> None:
    """Files that others downloaded are compared by MD5 and recorded: none is fetched, none is touched."""
    root = copied.share / FIRST_RUN.bucket_name
    before = {path: _identity(path) for path in files_below(root).values()}
    shown = copied.sync(FIRST_RUN.request(dry_run=True))
    report = copied.sync(FIRST_RUN.request())
    assert (report.transferred.objects, report.adopted.objects) == (0, len(before))
    assert (shown.planned.objects, shown.adopted) == (0, report.adopted)
    assert report.verified.md5 == report.adopted
    assert _without_metadata(proxy.keys("get")) == []
    assert {path: _identity(path) for path in before} == before
    _all_is_well(copied, FIRST_RUN, sources)


def trashed_files(bench: Workbench) -> dict[str, Path]:
    """Return the files of the mirror that lie in the trash, without what says of which run they are."""
    files = files_below(bench.share / ".oomirror" / "trash")
    return {place: path for place, path in files.items() if not path.name.startswith(".")}


def test_damaged_and_missing_files_of_an_old_copy_are_fetched(
    copied: Workbench, proxy: Proxy, sources: Sources
) -> None:
    """Of a copied share, just a file with other bytes and one that is missing are fetched; the other bytes are kept."""
    root = copied.share / FIRST_RUN.bucket_name
    (root / RAW_BLOCK).unlink()
    damaged = bytes(len(sources["b"][OTHER_BLOCK]))
    (root / OTHER_BLOCK).write_bytes(damaged)
    report = copied.sync(FIRST_RUN.request())
    assert sorted(_without_metadata(proxy.keys("get"))) == sorted([RAW_BLOCK, OTHER_BLOCK])
    assert (report.transferred.objects, report.replaced.objects) == (2, 1)
    trash = trashed_files(copied)
    assert [path.read_bytes() for path in trash.values()] == [damaged]
    assert [name.partition("/")[2] for name in trash] == [f"{FIRST_RUN.bucket_name}/{OTHER_BLOCK}"]
    _all_is_well(copied, FIRST_RUN, sources)


def test_a_file_of_another_size_is_replaced_and_kept_in_the_trash(
    copied: Workbench, proxy: Proxy, sources: Sources
) -> None:
    """A file without a row and with a wrong size is planned as a fetch; the old one lies in the trash."""
    (copied.share / FIRST_RUN.bucket_name / RAW_BLOCK).write_bytes(b"half of it")
    shown = copied.sync(FIRST_RUN.request(dry_run=True))
    report = copied.sync(FIRST_RUN.request())
    assert shown.planned.objects == report.transferred.objects == report.replaced.objects == 1
    trash = trashed_files(copied)
    assert [path.read_bytes() for path in trash.values()] == [b"half of it"]
    _all_is_well(copied, FIRST_RUN, sources)


def _identity(path: Path) -> tuple[int, int]:
    """Return what changes when a file is written or replaced."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def _without_metadata(keys: list[str]) -> list[str]:
    """Return the keys that are no metadata documents: those are read to know what there is."""
    return [key for key in keys if not key.endswith("/attributes.json")]

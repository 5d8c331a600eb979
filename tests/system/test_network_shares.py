"""Shares of network file systems: what each error does to a run, and that the next run ends equal."""

from __future__ import annotations

import errno
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mirror.engine.crew import PROCESS_OBJECTS, n_cores
from mirror.errors import ExitCode, MirrorError
from mirror.objects import pack_etag
from tests.faults import BUCKET, OddServer, run_odd_server
from tests.shim import FOR_EVER, Fault, Ways, shim, variables
from tests.system.invariants import catalog_rows, nothing_left_over
from tests.system.oddlab import LEVEL, ODD, OddLab, make_oddlab, small_dataset, volumes_dataset

BLOCK = f"{LEVEL}1/0/1"
OF_BLOCK = f"{BUCKET}/.*/1/0/1$"
ROOM = "/tmp/[0-9a-f]{16}/"
"""Where unfinished files lie, below `.oomirror/`."""


@pytest.fixture(scope="module")
def server() -> Iterator[OddServer]:
    """A server that obeys."""
    with run_odd_server() as running:
        yield running


@pytest.fixture
def lab(server: OddServer, tmp_path: Path, blank_catalog: bytes) -> OddLab:
    """A lab with an ordinary share, and the small dataset in its bucket."""
    server.objects.clear()
    for key, body in small_dataset().items():
        server.put(key, body)
    return make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog)


def nothing_wrong(lab: OddLab, *bodies: dict[str, bytes]) -> None:
    """Check a share half-way: each file has one of the bodies that its object had, each row has its file."""
    files = lab.files() if lab.mirrored.is_dir() else {}
    assert all(any(one.get(key) == body for one in bodies) for key, body in files.items())
    assert {name.removeprefix(f"{BUCKET}/") for name in catalog_rows(lab.catalog)} <= set(files)


def goes_on(lab: OddLab, server: OddServer) -> None:
    """Check that the same run ends equal, once the share is as it should be, and leaves nothing behind."""
    assert lab.mirror(verify_share=True).exit_code is ExitCode.DONE
    assert lab.files() == {key: stored.body for key, stored in server.objects.items()}
    rows = catalog_rows(lab.catalog)
    assert {key: rows[f"{BUCKET}/{key}"].etag for key in server.objects} == {
        key: pack_etag(stored.tag) for key, stored in server.objects.items()
    }
    assert lab.mirror(verify_share=True, dry_run=True).report.planned.objects == 0
    nothing_left_over(lab)


# What a first run meets


@dataclass(frozen=True)
class Case:
    """What befalls a run, and what it comes to."""

    fault: Fault
    exit_code: ExitCode = ExitCode.DONE
    failed: frozenset[str] = frozenset()
    settings: dict[str, Any] = field(default_factory=dict)


DONE = (ExitCode.DONE, frozenset[str]())
UNSAFE = (ExitCode.UNSAFE, frozenset[str]())
FILE_BY_FILE = {"transfer": {"fsync": "each"}}
_BLOCK = frozenset({BLOCK, f"{LEVEL}attributes.json"})
"""The block, and what must not open its level while it is missing."""


CASES: dict[str, Case] = {
    # Tried again, or done without.
    "rename-ENOENT-once": Case(Fault("rename", errno.ENOENT, OF_BLOCK)),
    "utime-EPERM": Case(Fault("utime", errno.EPERM, n_times=FOR_EVER)),
    "fsync-EINVAL": Case(Fault("fsync", errno.EINVAL, n_times=FOR_EVER), settings=FILE_BY_FILE),
    "syncfs-ENOTSUP": Case(Fault("syncfs", errno.ENOTSUP, n_times=FOR_EVER)),
    "room-told-late": Case(Fault("stat", errno.ENOENT, f"{ROOM[:-1]}$", n_times=2)),
    # One object, named; all others are mirrored.
    "rename-EACCES": Case(Fault("rename", errno.EACCES, OF_BLOCK, n_times=FOR_EVER), ExitCode.INCOMPLETE, _BLOCK),
    "rename-done-and-ENOENT": Case(Fault("rename", errno.ENOENT, OF_BLOCK, is_done=True), ExitCode.INCOMPLETE, _BLOCK),
    "mkdir-EACCES": Case(
        Fault("mkdir", errno.EACCES, "/1/0$", n_times=FOR_EVER), ExitCode.INCOMPLETE, _BLOCK | {f"{LEVEL}1/0/0"}
    ),
    # The end, at once.
    "rename-ESTALE": Case(Fault("rename", errno.ESTALE, BUCKET, n_before=3), ExitCode.UNSAFE),
    "open-EIO": Case(Fault("open", errno.EIO, ROOM, n_before=3), ExitCode.UNSAFE),
    "write-ENOSPC": Case(Fault("write", errno.ENOSPC, ROOM, n_before=8), ExitCode.UNSAFE),
    "close-EDQUOT": Case(Fault("close", errno.EDQUOT, ROOM, n_before=8, is_done=True), ExitCode.UNSAFE),
    "fsync-EIO": Case(Fault("fsync", errno.EIO, ROOM, n_before=3), ExitCode.UNSAFE, settings=FILE_BY_FILE),
    "syncfs-EIO": Case(Fault("syncfs", errno.EIO), ExitCode.UNSAFE),
    "scandir-EIO": Case(Fault("scandir", errno.EIO, f"locks/{BUCKET}"), ExitCode.UNSAFE),
    "statvfs-ESTALE": Case(Fault("statvfs", errno.ESTALE), ExitCode.UNSAFE),
    "lock-ENOLCK": Case(Fault("rename", errno.ENOLCK, r"\.lock$"), ExitCode.UNSAFE),
    "room-EACCES": Case(Fault("mkdir", errno.EACCES, "/tmp/"), ExitCode.UNSAFE),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_an_error_does_to_a_run(lab: OddLab, server: OddServer, case: Case) -> None:
    """It is tried again, or its object is named, or the run ends at once, as docs/reliability.md says; then it goes on.

    Nothing that is wrong is visible at any time, and no row lacks its file.
    """
    objects = small_dataset()
    with shim(lab.share, case.fault) as met:
        exit_code, failed = _run(lab, case.settings)
    assert met.faults[case.fault] > 0
    assert (exit_code, failed) == (case.exit_code, case.failed)
    nothing_wrong(lab, objects)
    if exit_code is not ExitCode.UNSAFE:
        assert set(objects) - set(lab.files()) <= failed
    goes_on(lab, server)


def _run(lab: OddLab, settings: dict[str, Any] | None = None, **knobs: Any) -> tuple[ExitCode, frozenset[str]]:
    """Run one sync; return its exit code and what it names as not mirrored."""
    try:
        outcome = lab.mirror(settings=lab.settings(**settings) if settings else None, **knobs)
    except MirrorError as error:
        return error.exit_code, frozenset()
    return outcome.exit_code, frozenset({*outcome.failed, *outcome.skipped})


# A file that is there, and open somewhere


IN_USE: dict[str, tuple[Fault, ExitCode]] = {
    "EACCES-for-a-while": (Fault("rename", errno.EACCES, OF_BLOCK, n_times=3), ExitCode.DONE),
    "ETXTBSY-for-ever": (Fault("rename", errno.ETXTBSY, OF_BLOCK, n_times=FOR_EVER), ExitCode.INCOMPLETE),
}


@pytest.mark.parametrize(("fault", "exit_code"), IN_USE.values(), ids=IN_USE.keys())
def test_a_changed_object_whose_file_is_open(lab: OddLab, server: OddServer, fault: Fault, exit_code: ExitCode) -> None:
    """It is waited for, not long; then its key is named, the old file stays whole, and the next run replaces it."""
    assert lab.mirror().exit_code is ExitCode.DONE
    before = lab.files()
    server.put(BLOCK, before[BLOCK] + b"more")
    with shim(lab.share, fault):
        assert _run(lab) == (exit_code, frozenset({BLOCK} if exit_code is ExitCode.INCOMPLETE else ()))
    nothing_wrong(lab, before, small_dataset() | {BLOCK: before[BLOCK] + b"more"})
    assert (lab.files()[BLOCK] == before[BLOCK]) == (exit_code is ExitCode.INCOMPLETE)
    goes_on(lab, server)


# What the share is read with


def test_a_share_that_cannot_be_listed(lab: OddLab, server: OddServer) -> None:
    """A run that looks at the share ends with 5, and changes nothing."""
    assert lab.mirror().exit_code is ExitCode.DONE
    before = lab.files()
    with shim(lab.share, Fault("scandir", errno.ESTALE, f"^/{BUCKET}/")):
        assert _run(lab, verify_share=True) == UNSAFE
    assert lab.files() == before
    goes_on(lab, server)


def test_listings_that_come_late(lab: OddLab, server: OddServer) -> None:
    """What has just got its name and is not listed yet is mirrored again at the most; never is it lost."""
    with shim(lab.share, ways=Ways(n_late_listings=1)):
        assert _run(lab) == DONE
        assert _run(lab, verify_share=True) == DONE
    nothing_wrong(lab, small_dataset())
    goes_on(lab, server)


WAYS = {
    "no-count-of-inodes": Ways(counts_inodes=False),
    "time-stamps-of-a-day": Ways(time_step_seconds=86_400),
}


@pytest.mark.parametrize("ways", WAYS.values(), ids=WAYS.keys())
def test_ways_that_decide_nothing(lab: OddLab, server: OddServer, ways: Ways) -> None:
    """Neither time stamps nor counts of inodes make any difference."""
    with shim(lab.share, ways=ways):
        assert _run(lab) == DONE
        goes_on(lab, server)


def test_names_of_143_bytes(server: OddServer, tmp_path: Path, blank_catalog: bytes) -> None:
    """The share is found out when it is marked; a longer name is refused by name, one of 143 bytes is not."""
    server.objects.clear()
    for key in (f"{ODD}/{'a' * 143}", f"{ODD}/{'b' * 144}", f"{ODD}/{'c' * 144}/d"):
        server.put(key, b"body")
    share = tmp_path / "lab" / "share"
    with shim(share, ways=Ways(max_name_bytes=143)):
        lab = make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog)
        exit_code, named = _run(lab)
    assert (exit_code, set(named)) == (ExitCode.INCOMPLETE, {f"{ODD}/{'b' * 144}", f"{ODD}/{'c' * 144}/d"})
    assert set(lab.files()) == {f"{ODD}/{'a' * 143}"}
    nothing_left_over(lab)


def test_processes_find_the_same_share(lab: OddLab) -> None:
    """The command as a process ends with 5 and one sentence; what it starts would meet the same."""
    fault = Fault("rename", errno.ESTALE, OF_BLOCK)
    environment = lab.variables | variables(lab.share, fault)
    command = [sys.executable, "-m", "oomirror", "sync", ODD]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=lab.folder)
    assert done.returncode == ExitCode.UNSAFE, done.stderr
    assert "The share went away" in done.stderr
    assert "Traceback" not in done.stderr


# Worker processes


@pytest.fixture(scope="module")
def crowd() -> dict[str, bytes]:
    """As many small objects as a crew of processes is for."""
    side = math.ceil(PROCESS_OBJECTS ** (1 / 3))
    return volumes_dataset({"volumes/raw/s0": (side, side, side)})


def _run_with_workers(lab: OddLab, *faults: Fault) -> subprocess.CompletedProcess[str]:
    """Run the command as a process that finds such a share, as its workers do: they are started with its variables."""
    # Its own folder comes first in a worker's path, too, so that Python reads the shim there at its start.
    environment = lab.variables | variables(lab.share, *faults, ways=Ways(n_late_listings=1, counts_inodes=False))
    command = [sys.executable, "-m", "oomirror", "sync", ODD, "--json"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=lab.folder)


@pytest.mark.skipif(n_cores() < 2, reason="a crew of processes needs two cores")
def test_worker_processes_on_such_a_share(lab: OddLab, server: OddServer, crowd: dict[str, bytes]) -> None:
    """A share that goes away under a worker ends the run with 5; one that is only odd is mirrored whole by them."""
    server.objects.clear()
    for key, body in crowd.items():
        server.put(key, body)
    # Of the files in the room only those of workers begin with the number of a process.
    gone = Fault("open", errno.ESTALE, f"{ROOM}[0-9a-f]+-", n_before=3)
    done = _run_with_workers(lab, gone)
    assert done.returncode == ExitCode.UNSAFE, done.stderr
    assert "The share went away" in json.loads(done.stdout)["error"]["hint"]
    nothing_wrong(lab, crowd)
    odd = (
        Fault("rename", errno.ENOENT, rf"/{LEVEL}\d+/\d+/\d+$", n_before=5),
        Fault("utime", errno.EPERM, n_times=FOR_EVER),
        Fault("syncfs", errno.ENOTSUP, n_times=FOR_EVER),
    )
    done = _run_with_workers(lab, *odd)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert json.loads(done.stdout)["failed"] == []
    assert lab.files() == crowd
    nothing_left_over(lab)

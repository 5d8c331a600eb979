"""The command killed (SIGKILL) in the middle of a large transfer, with processes of its own at work."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mirror.errors import ExitCode
from tests.faults import BUCKET, OddServer, run_odd_server
from tests.system.invariants import catalog_rows, files_below, nothing_left_over, row_of
from tests.system.oddlab import ODD, QUICK, OddLab, make_oddlab, volumes_dataset

OBJECTS = volumes_dataset({"volumes/raw/s0": (16, 16, 13), "volumes/raw/s1": (2, 2, 2)})
"""So many that a run starts processes."""
LEVELS = [key.removesuffix("attributes.json") for key in OBJECTS if "/s" in key and key.endswith("attributes.json")]
N_LISTINGS = 40
"""About how many requests a run makes before it transfers."""


@pytest.fixture
def server() -> Iterator[OddServer]:
    """A server that obeys, with the dataset in its bucket."""
    with run_odd_server() as running:
        for key, body in OBJECTS.items():
            running.put(key, body)
        yield running


@pytest.fixture
def lab(server: OddServer, tmp_path: Path, blank_catalog: bytes) -> OddLab:
    """A lab that mirrors from it."""
    return make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog)


@pytest.mark.parametrize("n_kills", [1, pytest.param(30, marks=pytest.mark.soak)])
def test_killed_with_the_processes_that_it_started(server: OddServer, lab: OddLab, n_kills: int) -> None:
    """Nothing wrong is visible, no process stays, and the run after the last one does the rest.

    Before each run all blocks are stored anew, every other one in its old length: files of two generations lie beside
    each other when the run is killed.
    """
    chance = random.Random(n_kills)
    before: dict[str, bytes] = {}
    n_workers = 0
    for number in range(n_kills):
        bodies = _store_anew(server, number)
        n_workers += _run_and_kill(server, lab, nth=chance.randint(N_LISTINGS, N_LISTINGS + len(OBJECTS)))
        before = _nothing_wrong_is_visible(lab, before, bodies)
    server.forget()
    assert lab.mirror(policy=QUICK).exit_code is ExitCode.DONE
    assert len(server.asked("GET")) <= len(OBJECTS) + len(LEVELS)
    assert lab.files() == {key: stored.body for key, stored in server.objects.items()}
    assert {key.removeprefix(f"{BUCKET}/"): row for key, row in catalog_rows(lab.catalog).items()} == {
        key: row_of(stored.body) for key, stored in server.objects.items()
    }
    nothing_left_over(lab)
    assert n_workers > 0 or len(os.sched_getaffinity(0)) == 1


def _store_anew(server: OddServer, number: int) -> dict[str, bytes]:
    """Give each block other bytes; return all objects as they are now."""
    for n, key in enumerate(OBJECTS):
        if not key.endswith(".json"):
            body = hashlib.shake_128(f"{number} {key}".encode()).digest(300 + (n % 2) * (number % 7))
            server.put(key, body)
    return {key: stored.body for key, stored in server.objects.items()}


def _run_and_kill(server: OddServer, lab: OddLab, *, nth: int) -> int:
    """Run the command, kill it at its n-th request, and return how many processes it had started."""
    reached = threading.Event()
    server.forget()
    server.on_ask = lambda _: reached.set() if len(server.asks) == nth else None
    with lab.start("sync", ODD) as process:
        while not reached.wait(0.05) and process.poll() is None:
            pass
        workers = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
    server.on_ask = lambda _: None
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []
    return len(workers)


def _nothing_wrong_is_visible(lab: OddLab, before: dict[str, bytes], bodies: dict[str, bytes]) -> dict[str, bytes]:
    """Check each file, each row and each level after a kill; return the files."""
    files = {key: path.read_bytes() for key, path in files_below(lab.mirrored).items()}
    assert {key for key, body in files.items() if body not in (bodies[key], before.get(key))} == set()
    rows = {name.removeprefix(f"{BUCKET}/"): row for name, row in catalog_rows(lab.catalog).items()}
    assert set(rows) - set(files) == set()
    assert {key for key, row in rows.items() if row.xxh3 is not None and row != row_of(files[key])} == set()
    for level in LEVELS:
        if f"{level}attributes.json" in set(files) - set(before):
            assert {key for key in bodies if key.startswith(level) and files.get(key) != bodies[key]} == set()
    return files

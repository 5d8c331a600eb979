"""A refresh of three mirrors that is crashed at random, again and again: the next one ends equal."""

from __future__ import annotations

import asyncio
import errno
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from mirror.app.refresh import RefreshRequest, refresh
from mirror.errors import ExitCode
from mirror.report.refresh import RefreshReport
from tests.faults import BUCKET, OddServer, Stored, run_odd_server
from tests.shim import FOR_EVER, Fault, shim
from tests.system.figures import add_figures
from tests.system.invariants import catalog_rows, nothing_left_over, row_of
from tests.system.oddlab import QUICK, OddLab, make_oddlab, volumes_dataset

DATASETS = ("jrc_one", "jrc_three", "jrc_two")
GRIDS = {"volumes/raw/s0": (3, 2, 1), "volumes/raw/s1": (1, 1, 1)}
N_CHANGES = 12
"""Objects that change upstream before each refresh, so that it has something to do."""
ROOM = "/tmp/[0-9a-f]{16}/"


class Crash(StrEnum):
    """How a refresh meets its end."""

    KILL = "kill -9"
    FULL = "full disk"
    SERVER = "lost server"
    SHARE = "lost share"


@dataclass
class Scene:
    """A lab of three mirrors, its bucket, and all that each key ever was in it."""

    server: OddServer
    lab: OddLab
    history: dict[str, set[bytes]] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)

    def put(self, key: str, body: bytes) -> None:
        """Store an object, or store it anew."""
        self.server.objects[key] = Stored(body)
        self.history.setdefault(key, set()).add(body)

    def change(self, chance: random.Random, number: int) -> None:
        """Change some objects upstream."""
        blocks = [key for key in sorted(self.history) if not key.endswith(".json")]
        for key in chance.sample(blocks, N_CHANGES):
            self.put(key, f"{key} {number}".encode() + b"." * chance.randrange(300))

    def crash(self, how: Crash, chance: random.Random) -> None:
        """Let a refresh of its own process meet its end, some time after its n-th request."""
        nth = chance.randint(1, 3 * N_CHANGES)
        n_writes = chance.randint(0, N_CHANGES) if how is Crash.FULL else None
        process = multiprocessing.get_context("forkserver").Process(target=refresh_there, args=(self.lab, n_writes))
        away = self.lab.share.with_name("away")
        acts: dict[Crash, Callable[[], object]] = {
            Crash.KILL: lambda: os.kill(process.pid or 0, signal.SIGKILL),
            Crash.SERVER: lambda: self.server.go_away(1.5),
            Crash.SHARE: lambda: self.lab.share.rename(away),
        }
        self.server.forget()
        if how in acts:
            self.server.on_ask = lambda _: acts[how]() if len(self.server.asks) == nth else None
        process.start()
        process.join(60)
        self.server.on_ask = lambda _: None
        if away.exists():
            assert not self.lab.share.exists()
            away.rename(self.lab.share)
        assert process.exitcode in _ENDS[how], (how, process.exitcode)
        self.ends[f"crashes: {how}"] += 1
        self.ends["refreshes that were crashed before their end"] += process.exitcode != 0
        process.close()

    def nothing_wrong_is_visible(self) -> None:
        """Check that each file is what its object is or was, and that each row has such a file."""
        files = self.lab.files() if self.lab.mirrored.is_dir() else {}
        assert {key for key, body in files.items() if body not in self.history[key]} == set()
        rows = {name.removeprefix(f"{BUCKET}/"): row for name, row in catalog_rows(self.lab.catalog).items()}
        assert set(rows) <= set(files)
        sure = {key: row for key, row in rows.items() if row.xxh3 is not None}
        assert {key for key, row in sure.items() if row_of(files[key]).xxh3 != row.xxh3} == set()

    def next_one_ends_equal(self) -> None:
        """Check that one more refresh brings all, byte for byte, and leaves nothing behind."""
        self.wait_for_server()
        report = refresh_here(self.lab)
        assert report.exit == ExitCode.DONE, report
        assert [line.state for line in report.mirrors] == ["done"] * len(DATASETS)
        objects = {key: stored.body for key, stored in self.server.objects.items()}
        assert self.lab.files() == objects
        assert catalog_rows(self.lab.catalog) == {f"{BUCKET}/{key}": row_of(body) for key, body in objects.items()}
        nothing_left_over(self.lab)

    def wait_for_server(self) -> None:
        """Wait until it listens again."""
        import socket
        import time
        from urllib.parse import urlsplit

        place = urlsplit(self.server.endpoint_url)
        for _ in range(200):
            try:
                socket.create_connection((place.hostname or "", place.port or 0), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return


_ENDS: dict[Crash, tuple[int, ...]] = {
    # A refresh may be done before its time has come.
    Crash.KILL: (-signal.SIGKILL, ExitCode.DONE),
    Crash.FULL: (ExitCode.UNSAFE, ExitCode.DONE),
    Crash.SERVER: (ExitCode.FAILED, ExitCode.INCOMPLETE, ExitCode.DONE),
    Crash.SHARE: (ExitCode.UNSAFE, ExitCode.DONE),
}


def refresh_here(lab: OddLab) -> RefreshReport:
    """Run one refresh."""
    mirrors: list[dict[str, Any]] = [{"dataset": name, "bucket": "b"} for name in DATASETS]
    settings = lab.settings(mirrors=mirrors, transfer={"max_outage": "0.2s"})
    return asyncio.run(refresh(settings, RefreshRequest(), policy=QUICK))


def refresh_there(lab: OddLab, n_writes: int | None) -> None:
    """Run one refresh, and end this process with its exit code; the disk is full after some writes."""
    faults = () if n_writes is None else (Fault("write", errno.ENOSPC, ROOM, n_before=n_writes, n_times=FOR_EVER),)
    with shim(lab.share, *faults):
        exit_code = refresh_here(lab).exit
    os._exit(exit_code)


@pytest.fixture
def scene(tmp_path: Path, blank_catalog: bytes) -> Iterator[Scene]:
    """Three small datasets in a bucket, and a lab that mirrors them."""
    multiprocessing.set_forkserver_preload(["aioboto3", "tests.system.test_refresh_crashes"])
    with run_odd_server() as server:
        one = Scene(server, make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog))
        for dataset in DATASETS:
            for key, body in volumes_dataset(GRIDS, dataset).items():
                one.put(key, body)
        yield one


@pytest.mark.parametrize("n_crashes", [5, pytest.param(50, marks=pytest.mark.soak)])
def test_a_refresh_that_is_crashed_converges(scene: Scene, n_crashes: int) -> None:
    """Whatever ends it, nothing wrong is visible then, and the next refresh ends equal."""
    chance = random.Random(n_crashes)
    for number in range(n_crashes):
        how = list(Crash)[number % len(Crash)]
        scene.change(chance, number)
        scene.crash(how, chance)
        scene.nothing_wrong_is_visible()
        if number % 5 == 4 or chance.random() < 0.4:
            scene.next_one_ends_equal()
        scene.wait_for_server()
    scene.next_one_ends_equal()
    if n_crashes > 5:
        add_figures(scene.ends)

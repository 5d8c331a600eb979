"""A lock that is lost in the middle of a run: nothing is written after, and command and catalog say the same."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from mirror.app import trash
from mirror.app.refresh import RefreshRequest, refresh
from mirror.app.verify import VerifyRequest, verify
from mirror.errors import ExitCode, LockedError
from mirror.lock import DatasetLock, Holder
from mirror.quantities import Limit
from mirror.store.share import Share
from mirror.view import open_volume
from tests.faults import BUCKET, Ask, OddServer, run_odd_server
from tests.shim import steps
from tests.system.invariants import catalog_rows
from tests.system.oddlab import LEVEL, ODD, OddLab, make_oddlab, small_dataset

ALL = Limit(percent=100)
BLOCK = f"{LEVEL}1/1/1"


@pytest.fixture(scope="module")
def running() -> Iterator[OddServer]:
    """A server that obeys."""
    with run_odd_server() as server:
        yield server


@pytest.fixture
def server(running: OddServer) -> Iterator[OddServer]:
    """The server with the small dataset in its bucket."""
    running.objects.clear()
    for key, body in small_dataset().items():
        running.put(key, body)
    yield running
    running.on_ask = lambda _: None


@pytest.fixture
def lab(server: OddServer, tmp_path: Path, blank_catalog: bytes) -> OddLab:
    """A lab with an ordinary share."""
    return make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog)


@pytest.fixture
def take_over(lab: OddLab) -> Iterator[Callable[[], None]]:
    """What takes the lock from the run that has it, as if that had been silent for a minute, and keeps it."""
    with ExitStack() as stack:

        def act() -> None:
            lock = DatasetLock(Share(lab.share), BUCKET, ODD, Holder.of_this_process(), sleep=lambda _: None)
            stack.enter_context(lock)

        yield act


def by_sync(lab: OddLab) -> ExitCode:
    """Run a sync."""
    return lab.mirror().exit_code


def by_refresh(lab: OddLab) -> int:
    """Run a refresh of the dataset."""
    report = asyncio.run(refresh(lab.settings(mirrors=[{"dataset": ODD}]), RefreshRequest()))
    assert [line.exit for line in report.mirrors] == [report.exit]
    return report.exit


def by_verify(lab: OddLab) -> ExitCode:
    """Run a repair of a lost block."""
    assert lab.mirror().exit_code is ExitCode.DONE
    (lab.mirrored / BLOCK).unlink()
    asyncio.run(verify(lab.settings(), VerifyRequest(repair=True)))
    return ExitCode.DONE


def by_view(lab: OddLab) -> ExitCode:
    """Let a reader fetch a block."""
    open_volume(f"{ODD}/volumes/raw", "s0", config=lab.folder / "oomirror.toml", fetch_missing=True)[3, 3, 3]
    return ExitCode.DONE


def _exit_code(run: Callable[[], int]) -> int:
    try:
        return int(run())
    except LockedError as error:
        return int(error.exit_code)


@pytest.mark.parametrize("run", [by_sync, by_refresh, by_verify, by_view])
def test_a_run_that_lost_its_lock_is_told_as_such_everywhere(
    lab: OddLab,
    server: OddServer,
    take_over: Callable[[], None],
    run: Callable[[OddLab], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command ends with 6, and the catalog keeps 6: another run holds the lock."""
    for name, value in lab.variables.items():
        monkeypatch.setenv(name, value)
    taken: list[Ask] = []

    def on_ask(ask: Ask) -> None:
        is_repair = run is not by_verify or ((lab.mirrored / LEVEL).exists() and not (lab.mirrored / BLOCK).exists())
        if ask.key == BLOCK and is_repair and not taken and list(lab.share.glob(".oomirror/tmp/*")):
            taken.append(ask)
            take_over()

    server.on_ask = on_ask
    code = _exit_code(lambda: run(lab))
    assert len(taken) == 1
    with closing(sqlite3.connect(lab.catalog)) as connection:
        (kept,) = connection.execute("SELECT state, exit_code FROM run ORDER BY id DESC LIMIT 1")
    assert (code, *kept) == (6, "failed", 6)
    assert not (lab.mirrored / BLOCK).exists()


def test_a_run_that_deletes_moves_nothing_after(lab: OddLab, server: OddServer, take_over: Callable[[], None]) -> None:
    """Of many files that vanished, those after the one that it was at stay: another run may have just fetched them."""
    assert lab.mirror().exit_code is ExitCode.DONE
    for key in [key for key in server.objects if "/s0/1/" in key]:
        del server.objects[key]
    with steps(lab.share, "rename .*/trash/.*/1/0/1$", take_over), pytest.raises(LockedError):
        lab.mirror(delete=True, max_delete=ALL)
    assert {key for key in small_dataset() if key not in lab.files()} <= {f"{LEVEL}1/0/0", f"{LEVEL}1/0/1"}
    assert {name.removeprefix(f"{BUCKET}/") for name in catalog_rows(lab.catalog)} <= set(lab.files())


def test_a_run_that_restores_moves_nothing_after(lab: OddLab, server: OddServer, take_over: Callable[[], None]) -> None:
    """Of many files in the trash, those after the one that it was at stay there."""
    assert lab.mirror().exit_code is ExitCode.DONE
    for key in [key for key in server.objects if "/s0/1/" in key]:
        del server.objects[key]
    lab.mirror(delete=True, max_delete=ALL)
    (folder,) = (lab.share / ".oomirror" / "trash").iterdir()
    with steps(lab.share, f"rename {lab.mirrored}/.*/1/0/1$", take_over), pytest.raises(LockedError):
        asyncio.run(trash.restore(lab.settings(), folder.name))
    assert {key for key in lab.files() if "/s0/1/" in key} <= {f"{LEVEL}1/0/0", f"{LEVEL}1/0/1"}

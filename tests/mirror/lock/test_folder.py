"""The folder that is a lock: on file systems of many kinds, and whatever lies in its place."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mirror.errors import ExitCode, LockedError, UnsafeError
from mirror.lock import STALE_SECONDS, read_holder
from mirror.store.share import Share
from tests.mirror.lock.labs import dead_here, far_away, lock, lock_file, write_holder
from tests.shim import FOR_EVER, Fault, shim


def test_somebodys_file_under_the_locks_name(share: Share) -> None:
    """It is waited for as a lock is, and then removed."""
    lock_file(share).parent.mkdir(parents=True)
    lock_file(share).write_text("a file")
    naps: list[float] = []
    with lock(share, sleep=naps.append):
        assert read_holder(lock_file(share)) is not None
    assert sum(naps) == STALE_SECONDS


def test_a_share_that_cannot_be_written(tmp_path: Path) -> None:
    """It is told as what it is, with 5."""
    (tmp_path / ".oomirror").write_text("a file stands there")
    with pytest.raises(UnsafeError) as told, lock(Share(tmp_path)):
        pass
    assert told.value.exit_code is ExitCode.UNSAFE


def test_a_share_that_goes_away_while_the_lock_is_asked_for(share: Share) -> None:
    """It is told, with 5, not waited for."""
    write_holder(share, far_away())
    with pytest.raises(UnsafeError), lock(share, sleep=lambda _: shutil.rmtree(share.own, ignore_errors=True)):
        pass


Call = Callable[..., Any]


def _unsupported(_: Call) -> Call:
    def call(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    return call


def _granted_to_all(_: Call) -> Call:
    return lambda *_, **__: None


def _refuses_empty_folders(rename: Call) -> Call:
    def call(old: Path, new: Path) -> None:
        if os.path.exists(new):
            raise OSError(errno.EACCES, "as SMB says it", str(new))
        rename(old, new)

    return call


def _fails_once(number: int) -> Callable[[Call], Call]:
    def make(real: Call) -> Call:
        numbers = itertools.count()

        def call(*arguments: Any) -> Any:
            if next(numbers) == 0:
                raise OSError(number, os.strerror(number))
            return real(*arguments)

        return call

    return make


def _answer_is_lost(rename: Call) -> Call:
    def call(old: Path, new: Path) -> None:
        rename(old, new)
        raise OSError(errno.ENOTEMPTY, "asked again, the server finds it done", str(new))

    return call


SERVERS: dict[str, tuple[tuple[tuple[Any, str], ...], Callable[[Call], Call]]] = {
    "flock-granted-to-all": (((fcntl, "flock"), (fcntl, "lockf")), _granted_to_all),
    "no-locks": (((fcntl, "flock"), (fcntl, "lockf")), _unsupported),
    "no-hard-links": (((os, "link"),), _unsupported),
    "no-modes": (((os, "chmod"),), _unsupported),
    "no-renaming-over-an-empty-folder": (((os, "rename"),), _refuses_empty_folders),
    "rename-fails-once": (((os, "rename"),), _fails_once(errno.ENOENT)),
    "rename-is-told-twice": (((os, "rename"),), _answer_is_lost),
}


@pytest.mark.parametrize(("names", "make"), SERVERS.values(), ids=SERVERS.keys())
def test_servers_of_many_kinds(
    share: Share,
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[tuple[Any, str], ...],
    make: Callable[[Call], Call],
) -> None:
    """Whatever else they know or not: one run gets the lock, a second is refused, a dead one is taken over."""
    lock_file(share).mkdir(parents=True)  # Left by a run that was killed while it let go.
    for module, name in names:
        monkeypatch.setattr(module, name, make(getattr(module, name)))
    with (
        lock(share, beat_seconds=0.001),
        pytest.raises(LockedError),
        lock(share, sleep=lambda _: time.sleep(0.01)),
    ):
        pass
    write_holder(share, dead_here())
    with lock(share):
        pass
    assert list(lock_file(share).parent.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "n_times", "is_told"),
    [(errno.ESTALE, 1, False), (errno.ESTALE, 99, True), (errno.EACCES, 1, True), (errno.EIO, 1, True)],
    ids=["stale once", "stale", "not ours to read", "input and output"],
)
def test_a_lock_that_cannot_be_read(
    share: Share, monkeypatch: pytest.MonkeyPatch, number: int, n_times: int, is_told: bool
) -> None:
    """It is never taken over: whoever cannot see the counter cannot say that it stands still. Exit 5."""
    write_holder(share, far_away())
    real, numbers = Path.read_bytes, itertools.count()

    def read(path: Path) -> bytes:
        if path.name == far_away().token and next(numbers) < n_times:
            raise OSError(number, os.strerror(number), str(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    if is_told:
        with pytest.raises(UnsafeError), lock(share):
            pass
        assert (lock_file(share) / far_away().token).exists()
    else:
        with lock(share):
            pass


def test_a_share_that_went_away_before_is_not_made_anew(share: Share) -> None:
    """No lock is made on the disk below the mount point."""
    shutil.rmtree(share.own)
    with pytest.raises(UnsafeError), lock(share):
        pass
    assert list(share.root.iterdir()) == []


def test_a_folder_that_cannot_be_replaced_is_told_in_the_end(share: Share) -> None:
    """An empty one that somebody has open over SMB: waited for as long as a holder is, and then told, with 5."""
    lock_file(share).mkdir(parents=True)
    naps: list[float] = []
    faults = [Fault(call, errno.EACCES, r"\.lock$", n_times=FOR_EVER) for call in ("rename", "rmdir")]
    with shim(share.root, *faults), pytest.raises(UnsafeError, match="nobody holds it"), lock(share, sleep=naps.append):
        pass
    assert STALE_SECONDS <= sum(naps) < STALE_SECONDS + 1
    with lock(share):
        pass

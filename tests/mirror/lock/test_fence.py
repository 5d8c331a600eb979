"""A run whose lock is stale: it is shut out before another one has the lock, wherever either of them stands still."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import count
from typing import NoReturn

import pytest

from mirror.errors import LockedError, UnsafeError
from mirror.lock import DatasetLock, Holder, check_held, live_tokens
from mirror.store.share import MARKER, Share
from mirror.store.staging import FilePolicy, Staging, sweep
from tests.mirror.lock.labs import BUCKET, far_away, free, lock, lock_file, write_holder
from tests.shim import FOR_EVER, Fault, shim, steps

KEY = f"{BUCKET}/key"


def room_of(share: Share, holder: Holder) -> Staging:
    """Return the room of a run, not yet open."""
    held = partial(check_held, share, holder.token)
    return Staging(share, holder.token, FilePolicy(), check_held=held, sleep=lambda _: None)


def own_files(share: Share) -> set[str]:
    """Return what lies in the share's own folder, but the marker and the folders that stay."""
    paths = {str(path.relative_to(share.own)) for path in share.own.rglob("*")}
    return paths - {MARKER, "tmp", "locks", f"locks/{BUCKET}", "locks/other"}


def test_a_stale_run_loses_what_it_could_write_with(share: Share) -> None:
    """Its room is gone, and all its locks, before another run has any of them."""
    write_holder(share, far_away())
    room = room_of(share, far_away())
    room.open()
    unfinished = room.write(b"verified")
    other = share.own / "locks" / "other" / "jrc_cos7.lock"
    other.mkdir(parents=True)
    (other / far_away().token).write_bytes(far_away().to_json())
    with lock(share):
        assert not other.exists()
        assert list((share.own / "tmp").iterdir()) == []
        for act in (
            lambda: room.publish(unfinished, KEY, 0),
            lambda: room.write(b"more"),
            lambda: room.to_trash(KEY),
            room.sync,
        ):
            with pytest.raises(UnsafeError):
                act()
    assert not (share.root / BUCKET).exists()
    with pytest.raises(LockedError, match="lost its lock"):
        check_held(share, far_away().token)


# Two runs, one of which stands still at each step that it takes


def test_a_run_that_wakes_up_while_it_is_shut_out_writes_nothing_after(share: Share) -> None:
    """Before whichever call of the other's takeover it makes its room: once the lock is another's, it cannot write."""
    for number in count(1):
        write_holder(share, far_away())
        room = room_of(share, far_away())

        def wake_up(room: Staging = room) -> None:
            with suppress(UnsafeError, LockedError):
                room.open()

        with steps(share.root, number, wake_up) as calls, lock(share):
            n_calls = len(calls)
            with suppress(UnsafeError):
                room.publish(room.write(b"late"), KEY, 0)
            assert not (share.root / KEY).exists(), calls[number - 1]
        room.close()
        assert own_files(share) == set()
        if n_calls < number:
            assert number > 50
            return


def a_whole_run(share: Share, holder: Holder) -> None:
    """Take the lock, write a file, and let go; whoever has the lock meanwhile is seen to live."""

    def sleep(_: float) -> None:
        for path in lock_file(share).glob("*"):
            other = Holder.of_file(path.name, path.read_bytes())
            path.write_bytes(replace(other, beat=other.beat + 1).to_json())

    with lock(share, holder, sleep=sleep), room_of(share, holder) as room:
        room.publish(room.write(b"written"), KEY, 0)
        room.sync()


@contextmanager
def ended(stack: ExitStack) -> Iterator[None]:
    """Let go of what a test's other run holds."""
    try:
        yield
    finally:
        stack.close()


def test_a_run_that_stands_still_at_any_step_writes_nothing_after(share: Share) -> None:
    """Another one takes over before whichever of its calls: it ends with 6, or had ended, and the lock is the other's.

    A file that it wrote before stays.
    """
    n_lost = 0
    for number in count(1):
        stack = ExitStack()
        me, other = (replace(far_away(), token=letter * 16) for letter in "ab")
        before: list[bool] = []

        def take_over(stack: ExitStack = stack, other: Holder = other, before: list[bool] = before) -> None:
            stack.enter_context(lock(share, other))
            before.append((share.root / KEY).exists())

        with ended(stack):
            with steps(share.root, number, take_over) as calls:
                try:
                    a_whole_run(share, me)
                except LockedError:
                    n_lost += 1
            if not before:
                break
            assert (share.root / KEY).exists() == before[0], calls[number - 1]
            assert set(live_tokens(share)) == {other.token}, calls[number - 1]
        (share.root / KEY).unlink(missing_ok=True)
        assert own_files(share) == set(), calls[number - 1]
    assert n_lost > 30


class KilledError(BaseException):
    """The end of a process, in its place."""


def killed() -> NoReturn:
    """Be killed."""
    raise KilledError


def takes_over(share: Share) -> None:
    """Take over from one that is stale, with a room, and let go."""
    with lock(share, replace(far_away(), token="a" * 16)):
        pass


def lets_go(share: Share) -> None:
    """Hold the lock of a run that is there already, write, and let go."""
    a_whole_run(share, replace(far_away(), token="a" * 16))


@pytest.mark.parametrize("run", [takes_over, lets_go], ids=["takes over", "is alone"])
def test_whatever_a_run_that_was_killed_left_the_next_one_takes(share: Share, run: Callable[[Share], None]) -> None:
    """Before whichever of its calls it was killed: the next has the lock, and after it nothing is left."""
    for number in count(1):
        if run is takes_over:
            write_holder(share, far_away())
            room_of(share, far_away()).open()
        with steps(share.root, number, killed) as calls, suppress(KilledError):
            run(share)
        if len(calls) < number:
            break
        with lock(share):
            pass
        sweep(share, lambda: live_tokens(share))
        assert own_files(share) == set(), calls[number - 1]
    assert number > 40


# What servers do to it


def test_a_room_in_which_a_file_is_open_is_emptied(share: Share) -> None:
    """SMB renames no folder with an open file in it: its files are removed one by one, and the lock is taken."""
    write_holder(share, far_away())
    room = room_of(share, far_away())
    room.open()
    unfinished = room.write(b"verified")
    fault = Fault("rename", errno.EACCES, "/tmp/", n_times=FOR_EVER)
    with shim(share.root, fault), lock(share), pytest.raises(UnsafeError):
        room.publish(unfinished, KEY, 0)
    assert own_files(share) == set()


def test_a_room_that_cannot_be_removed_keeps_the_lock(share: Share) -> None:
    """Who could still write is not taken over: exit 5, and the lock is as it was, for the next to try."""
    write_holder(share, far_away())
    room_of(share, far_away()).open()
    refused = (Fault("rename", errno.EACCES, "/tmp/", n_times=FOR_EVER), Fault("rmdir", errno.EACCES, "/tmp/"))
    with shim(share.root, *refused), pytest.raises(UnsafeError, match="process 4711 on another-host"), lock(share):
        pass
    assert set(live_tokens(share)) == {far_away().token}
    with lock(share):
        pass
    assert own_files(share) == set()


@pytest.mark.parametrize("call", ["rename", "unlink"])
def test_a_file_that_another_one_reads_is_waited_for(share: Share, call: str) -> None:
    """SMB, and NFS on one machine, refuse for a moment what somebody has open."""
    write_holder(share, far_away())
    fault = Fault(call, errno.EBUSY, rf"\.lock/{far_away().token}", n_times=2)
    with shim(share.root, fault) as met, lock(share):
        pass
    assert met.faults[fault] == 2
    assert own_files(share) == set()


def test_a_lock_that_another_one_reads_is_let_go(share: Share) -> None:
    """The end of a run waits a moment, too, and leaves no lock behind."""
    with lock(share, far_away()):
        fault = Fault("unlink", errno.EBUSY, r"\.lock/", n_times=2)
        made = shim(share.root, fault)
        met = made.__enter__()
    made.__exit__(None, None, None)
    assert met.faults[fault] == 2
    assert own_files(share) == set()


# What is said


def test_what_could_not_be_written_without_the_lock_is_said_so(share: Share) -> None:
    """A run that finds its share shut, because another one took over, ends with 6."""
    write_holder(share, far_away())

    def write() -> NoReturn:
        free(share)
        raise UnsafeError("cannot write on the share")

    with pytest.raises(LockedError, match="lost its lock") as told, room_of(share, far_away()):
        write()
    assert isinstance(told.value.__cause__, UnsafeError)


def test_what_could_not_be_written_with_the_lock_is_said_as_it_is(share: Share) -> None:
    """A share that is full, or not there any more, is no lost lock."""
    write_holder(share, far_away())

    def go_away() -> NoReturn:
        shutil.rmtree(share.own)
        raise UnsafeError("cannot write on the share")

    with pytest.raises(UnsafeError, match="full"), room_of(share, far_away()):
        raise UnsafeError("the share is full")
    with pytest.raises(UnsafeError, match="cannot write"), room_of(share, far_away()):
        go_away()
    assert not share.own.exists()


def test_a_beat_that_finds_no_lock_gives_up_all(share: Share) -> None:
    """Whoever took it over may be of a kind that knows no fence: room and other locks go, too."""
    me = Holder.of_this_process()
    with (
        lock(share, me, beat_seconds=0.001),
        DatasetLock(share, "other", "jrc_cos7", me, beat_seconds=1000.0),
        room_of(share, me) as room,
    ):
        free(share)
        while room.folder.exists() or live_tokens(share):
            pass
    assert own_files(share) == set()

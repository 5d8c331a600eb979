"""The lock of a dataset: one holder, taken over when it is dead or silent, never from one that lives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mirror.errors import ExitCode, LockedError
from mirror.lock import STALE_SECONDS, DatasetLock, Holder, live_tokens, read_holder
from mirror.store.share import Share
from tests.mirror.lock.labs import BUCKET, DATASET, dead_here, far_away, free, lock, lock_file, write_holder


def test_held_and_let_go(share: Share) -> None:
    """The file names its holder while the lock is held, and is gone after; nothing else is left."""
    me = Holder.of_this_process()
    with lock(share, me):
        assert read_holder(lock_file(share)) == me
        assert live_tokens(share) == {me.token: me}
    assert list(lock_file(share).parent.iterdir()) == []


def test_two_datasets_side_by_side(share: Share) -> None:
    """Locks of different datasets do not meet."""
    with lock(share), DatasetLock(share, BUCKET, "jrc_hela-3", Holder.of_this_process()):
        assert len(live_tokens(share)) == 2


def test_a_holder_that_lives_is_left_alone(share: Share) -> None:
    """Exit 6, with process and host, as soon as the counter is seen to move; the lock stays the other's."""
    write_holder(share, far_away())
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 7:
            write_holder(share, far_away(beat=1))

    with pytest.raises(LockedError, match="process 4711 on another-host") as told, lock(share, sleep=sleep):
        pass
    assert told.value.exit_code is ExitCode.LOCKED
    assert len(naps) == 7
    assert read_holder(lock_file(share)) == far_away(beat=1)


def test_a_silent_holder_is_taken_over(share: Share) -> None:
    """After 60 s of our own clock without a beat, and the caller is told from whom."""
    write_holder(share, far_away())
    naps: list[float] = []
    stale: list[Holder] = []
    me = Holder.of_this_process()
    with lock(share, me, sleep=naps.append, on_takeover=stale.append):
        assert read_holder(lock_file(share)) == me
    assert sum(naps) == STALE_SECONDS
    assert stale == [far_away()]


NOT_UNDERSTOOD = {
    "empty": b"",
    "cut": far_away().to_json()[:30],
    "garbage": b"\xff\x00\xfe",
    "a-list": b"[]",
    "process-0": json.dumps(asdict(replace(far_away(), pid=0))).encode(),
    "process-of-another-type": json.dumps(asdict(far_away()) | {"pid": "1"}).encode(),
}


@pytest.mark.parametrize("text", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_a_lock_that_nobody_understands_is_waited_for(share: Share, text: bytes) -> None:
    """A file that is being written, or damaged, counts as a holder that may live; a takeover is said."""
    write_holder(share, far_away(), text)
    assert list(live_tokens(share)) == [far_away().token]
    naps: list[float] = []
    said: list[Holder] = []
    with lock(share, sleep=naps.append, on_takeover=said.append):
        pass
    assert sum(naps) == STALE_SECONDS
    assert [str(holder) for holder in said] == ["a run that does not say its name"]


def newer(beat: int) -> bytes:
    """Return what a version to come may write."""
    return json.dumps(asdict(far_away()) | {"schema": 9, "pulse": beat}).encode()


@pytest.mark.parametrize("text", [newer(1), b"another form"], ids=["more-fields", "not-understood"])
def test_a_holder_of_a_newer_version_that_lives_is_left_alone(share: Share, text: bytes) -> None:
    """Any change of its file is seen, also of one that cannot be understood."""
    write_holder(share, far_away(), newer(0))
    with pytest.raises(LockedError), lock(share, sleep=lambda _: write_holder(share, far_away(), text)):
        pass
    assert read_holder(lock_file(share)) is not None


def test_a_lock_that_is_let_go_while_we_wait(share: Share) -> None:
    """It is taken at once."""
    write_holder(share, far_away())
    with lock(share, sleep=lambda _: free(share)):
        assert read_holder(lock_file(share)) is not None


def test_one_of_many_gets_it(share: Share) -> None:
    """Of twelve that find a dead lock at one time, exactly one holds it at any time."""
    write_holder(share, dead_here())
    held, most, refused = 0, 0, 0
    guard, start = threading.Lock(), threading.Barrier(12)

    def run() -> None:
        nonlocal held, most, refused
        start.wait()
        try:
            with lock(share, stale_seconds=1e9):
                with guard:
                    held += 1
                    most = max(most, held)
                threading.Event().wait(0.05)
                with guard:
                    held -= 1
        except LockedError:
            refused += 1

    # A holder that lives is one whose counter moves: here each nap of a waiting one lets the holder's file change.
    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lock_that_was_taken_over_is_not_removed(share: Share) -> None:
    """A run that was silent too long does not take the lock away from its successor."""
    with lock(share):
        free(share)
        write_holder(share, far_away())
    assert read_holder(lock_file(share)) == far_away()


def test_another_process_is_seen(share: Share) -> None:
    """The lock belongs to the process that took it, and ends with it."""
    program = (
        "import sys, time, pathlib; from mirror.lock import *; from mirror.store.share import Share\n"
        f"with DatasetLock(Share(pathlib.Path(sys.argv[1])), {BUCKET!r}, {DATASET!r}, Holder.of_this_process()):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(share.root)], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        holder = read_holder(lock_file(share))
        assert holder is not None
        assert (holder.pid, holder.is_known_dead) == (process.pid, False)
        process.kill()
        process.wait()
        assert holder.is_known_dead
    with lock(share):
        pass


def test_a_holder_that_wakes_up_does_not_take_its_lock_back(share: Share) -> None:
    """Suspended for so long that another run took over, a holder leaves the lock alone when it goes on."""
    with lock(share, beat_seconds=0.01) as _:
        free(share)
        write_holder(share, far_away())
        threading.Event().wait(0.1)
        assert live_tokens(share) == {far_away().token: far_away()}


@pytest.mark.parametrize("seconds", [-1e9, -7200, 7200, 1e9], ids=str)
def test_clocks_decide_nothing(share: Share, seconds: float) -> None:
    """However far the time stamps of the share are off, a holder that beats lives, and one that does not is stale."""
    write_holder(share, far_away())

    def set_times(_: float) -> None:
        now = time.time()
        for path in (lock_file(share), lock_file(share) / far_away().token):
            os.utime(path, (now + seconds, now + seconds))

    naps: list[float] = []

    def beat(_: float) -> None:
        naps.append(1)
        write_holder(share, far_away(beat=len(naps)))
        set_times(0)

    with pytest.raises(LockedError), lock(share, sleep=beat):
        pass
    assert len(naps) == 1
    stale: list[Holder] = []
    with lock(share, sleep=set_times, on_takeover=stale.append):
        pass
    assert stale == [far_away(beat=1)]

"""The lock of a dataset: one holder, taken over when it is dead or silent, never from one that lives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mirror.errors import ExitCode, LockedError, UnsafeError
from mirror.lock import STALE_SECONDS, DatasetLock, Holder, live_tokens, read_holder
from mirror.store.share import Share

BUCKET, DATASET = "bucket", "jrc_hela-2"


@pytest.fixture
def share(tmp_path: Path) -> Share:
    """A share of a test's own."""
    return Share(tmp_path)


def lock_file(share: Share) -> Path:
    """Return the lock's place."""
    return share.own / "locks" / BUCKET / f"{DATASET}.lock"


def write_holder(share: Share, holder: Holder) -> None:
    """Let somebody hold the lock."""
    lock_file(share).parent.mkdir(parents=True, exist_ok=True)
    lock_file(share).write_text(json.dumps(asdict(holder)))


def lock(share: Share, holder: Holder | None = None, **knobs: object) -> DatasetLock:
    """Return a lock whose clock does not wait."""
    knobs.setdefault("sleep", lambda _: None)
    return DatasetLock(share, BUCKET, DATASET, holder or Holder.of_this_process(), **knobs)  # type: ignore[arg-type]


def far_away(beat: int = 0) -> Holder:
    """Return a holder on another machine."""
    return Holder("f" * 16, "another-host", "boot", 4711, "", beat)


def dead_here() -> Holder:
    """Return a holder of this machine whose process has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(Holder.of_this_process(), pid=process.pid)


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


@pytest.mark.parametrize("kind", ["process is gone", "machine was started anew"])
def test_a_dead_holder_of_this_machine_is_taken_over_at_once(share: Share, kind: str) -> None:
    """Its process number says so, or the number of the machine's start."""
    me = Holder.of_this_process()
    dead = dead_here() if kind == "process is gone" else replace(me, token="0" * 16, boot="before")
    write_holder(share, dead)
    naps: list[float] = []
    assert live_tokens(share) == {}
    with lock(share, me, sleep=naps.append):
        assert read_holder(lock_file(share)) == me
    assert naps == []


def test_a_lock_that_nobody_understands_is_waited_for(share: Share) -> None:
    """A file that is being written, or damaged, counts as a holder that may live."""
    write_holder(share, far_away())
    lock_file(share).write_text("{")
    naps: list[float] = []
    with lock(share, sleep=naps.append):
        pass
    assert sum(naps) == STALE_SECONDS


def test_a_lock_that_is_let_go_while_we_wait(share: Share) -> None:
    """It is taken at once."""
    write_holder(share, far_away())
    with lock(share, sleep=lambda _: lock_file(share).unlink()):
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
        write_holder(share, far_away())
    assert read_holder(lock_file(share)) == far_away()


def test_a_share_that_cannot_be_written(tmp_path: Path) -> None:
    """It is told as what it is, with 5."""
    (tmp_path / ".oomirror").write_text("a file stands there")
    with pytest.raises(UnsafeError) as told, lock(Share(tmp_path)):
        pass
    assert told.value.exit_code is ExitCode.UNSAFE


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


def test_a_holder_that_wakes_up_does_not_take_its_lock_back(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    """Suspended for so long that another run took over, a holder leaves the lock alone when it goes on."""
    monkeypatch.setattr("mirror.lock.BEAT_SECONDS", 0.05)
    with lock(share):
        write_holder(share, far_away())
        threading.Event().wait(0.3)
        assert live_tokens(share) == {far_away().token: far_away()}


def test_a_process_of_another_container_is_not_called_dead(share: Share) -> None:
    """A process number of another process name space says nothing: only a counter that stands still does."""
    assert not replace(dead_here(), pid_space="pid:[1]").is_known_dead
    assert dead_here().is_known_dead

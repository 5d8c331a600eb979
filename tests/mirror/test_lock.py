"""The lock of a dataset: one holder, taken over when it is dead or silent, never from one that lives."""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mirror.errors import ExitCode, LockedError, UnsafeError
from mirror.keys import ShareRules
from mirror.lock import STALE_SECONDS, DatasetLock, Holder, check_held, live_tokens, read_holder, sweep_locks
from mirror.store.share import Share
from mirror.store.staging import FilePolicy, Staging

BUCKET, DATASET = "bucket", "jrc_hela-2"


@pytest.fixture
def share(tmp_path: Path) -> Share:
    """A share of a test's own."""
    return Share(tmp_path)


def lock_file(share: Share) -> Path:
    """Return the lock's place."""
    return share.own / "locks" / BUCKET / f"{DATASET}.lock"


def write_holder(share: Share, holder: Holder, text: bytes | None = None) -> None:
    """Let somebody hold the lock, by a file that says so, or says something else."""
    lock_file(share).mkdir(parents=True, exist_ok=True)
    (lock_file(share) / holder.token).write_bytes(holder.to_json() if text is None else text)


def free(share: Share) -> None:
    """Let somebody let go of the lock."""
    shutil.rmtree(lock_file(share))


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


@pytest.mark.parametrize("kind", ["process is gone", "process number is used again"])
def test_a_dead_holder_of_this_machine_is_taken_over_at_once(share: Share, kind: str) -> None:
    """No process has its number, or one that began at another time."""
    me = Holder.of_this_process()
    dead = dead_here() if kind == "process is gone" else replace(me, token="0" * 16, started=me.started - 1)
    write_holder(share, dead)
    naps: list[float] = []
    assert live_tokens(share) == {}
    with lock(share, me, sleep=naps.append):
        assert read_holder(lock_file(share)) == me
    assert naps == []


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


def test_somebodys_file_under_the_locks_name(share: Share) -> None:
    """It is waited for as a lock is, and then removed."""
    lock_file(share).parent.mkdir(parents=True)
    lock_file(share).write_text("a file")
    naps: list[float] = []
    with lock(share, sleep=naps.append):
        assert read_holder(lock_file(share)) is not None
    assert sum(naps) == STALE_SECONDS


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


def test_a_holder_that_wakes_up_does_not_take_its_lock_back(share: Share) -> None:
    """Suspended for so long that another run took over, a holder leaves the lock alone when it goes on."""
    with lock(share, beat_seconds=0.01) as _:
        free(share)
        write_holder(share, far_away())
        threading.Event().wait(0.1)
        assert live_tokens(share) == {far_away().token: far_away()}


def test_a_process_of_another_container_is_not_called_dead(share: Share) -> None:
    """A process number of another process name space says nothing: only a counter that stands still does."""
    assert not replace(dead_here(), pid_space="pid:[1]").is_known_dead
    assert dead_here().is_known_dead


def test_a_machine_of_our_name_is_not_called_dead(share: Share) -> None:
    """One that runs since another time may be another machine of that name: its counter is waited for."""
    write_holder(share, replace(Holder.of_this_process(), token="0" * 16, boot="another"))
    naps: list[float] = []
    with lock(share, sleep=naps.append):
        pass
    assert sum(naps) == STALE_SECONDS


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


def test_locks_of_the_dead_are_swept(share: Share) -> None:
    """Those of processes that are known to be dead, and their drafts; of others of which nothing is known, none."""
    kept = {"far": far_away(), "near": Holder.of_this_process()}
    for name, holder in {**kept, "dead": dead_here(), f"draft.lock.{'a' * 16}.new": dead_here()}.items():
        folder = share.own / "locks" / ".trash" / (name if name.endswith(".new") else f"{name}.lock")
        folder.mkdir(parents=True)
        (folder / holder.token).write_bytes(holder.to_json())
    sweep_locks(share)
    assert {path.name for path in (share.own / "locks" / ".trash").iterdir()} == {f"{name}.lock" for name in kept}
    assert live_tokens(share).keys() == {holder.token for holder in kept.values()}


def test_a_stale_run_loses_what_it_could_write_with(share: Share) -> None:
    """Its room is gone, and all its locks, before another run has any of them."""
    room = Staging(share, far_away().token, FilePolicy())
    room.open()
    unfinished = room.write(b"verified")
    write_holder(share, far_away())
    other = share.own / "locks" / "other" / "jrc_cos7.lock"
    other.mkdir(parents=True)
    (other / far_away().token).write_bytes(far_away().to_json())
    with lock(share):
        assert not other.exists()
        assert list((share.own / "tmp").iterdir()) == []
        for act in (
            lambda: room.publish(unfinished, f"{BUCKET}/key", 0),
            lambda: room.write(b"more"),
            lambda: room.to_trash(f"{BUCKET}/key"),
            room.sync,
        ):
            with pytest.raises(UnsafeError):
                act()
    assert not (share.root / BUCKET).exists()
    with pytest.raises(LockedError, match="lost its lock"):
        check_held(share, far_away().token)


def test_what_could_not_be_written_without_the_lock_is_said_so(share: Share) -> None:
    """A run that finds its share shut, because another one took over, ends with 6 and names that one."""
    share.write_marker(ShareRules())

    def fail() -> NoReturn:
        free(share)
        write_holder(share, far_away())
        raise UnsafeError("cannot write on the share")

    with pytest.raises(LockedError, match="process 4711 on another-host") as told, lock(share):
        fail()
    assert isinstance(told.value.__cause__, UnsafeError)
    assert read_holder(lock_file(share)) == far_away()


def test_what_could_not_be_written_with_the_lock_is_said_as_it_is(share: Share) -> None:
    """A share that is full, or not there any more, is no lost lock."""
    share.write_marker(ShareRules())

    def go_away() -> NoReturn:
        shutil.rmtree(share.own)
        raise UnsafeError("the share went away")

    with pytest.raises(UnsafeError, match="full"), lock(share):
        raise UnsafeError("the share is full")
    with pytest.raises(UnsafeError, match="went away"), lock(share):
        go_away()


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


def test_a_share_that_goes_away_while_the_lock_is_asked_for(share: Share) -> None:
    """It is told, with 5, not waited for."""
    write_holder(share, far_away())
    with pytest.raises(UnsafeError), lock(share, sleep=lambda _: shutil.rmtree(share.own, ignore_errors=True)):
        pass

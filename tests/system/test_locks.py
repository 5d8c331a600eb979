"""Locks between processes and hosts: one holder at a time, a dead or paused one taken over, nothing written after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mirror.errors import ExitCode, LockedError
from mirror.keys import ShareRules
from mirror.lock import STALE_SECONDS, DatasetLock, Holder, live_tokens, read_holder
from mirror.store.share import Share
from tests.faults import BUCKET, OddServer, run_odd_server
from tests.system.invariants import catalog_rows, nothing_left_over
from tests.system.oddlab import LEVEL, ODD, OddLab, make_oddlab, small_dataset
from tests.system.workbench import CHECKOUT

OTHER_HOST = "another-host"
N_RACERS = 6
N_RACES = 25

HOLD = """
import sys, pathlib
from mirror.errors import MirrorError
from mirror.lock import DatasetLock, Holder, check_held
from mirror.store.share import Share
from mirror.store.staging import FilePolicy, Staging

share, holder = Share(pathlib.Path(sys.argv[1])), Holder.of_this_process()
try:
    with DatasetLock(share, sys.argv[2], sys.argv[3], holder, beat_seconds=0.02):
        with Staging(share, holder.token, FilePolicy(), check_held=lambda: check_held(share, holder.token)) as staging:
            print("held", flush=True)
            for line in sys.stdin:
                staging.publish(staging.write(line.encode()), f"{sys.argv[2]}/{line.strip()}", 0)
                staging.sync()
                print("written", flush=True)
except MirrorError as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
"""
"""Holds a lock, and writes a file for each line of its input."""

RACE = """
import os, sys, pathlib
from multiprocessing import get_context
from mirror.errors import LockedError
from mirror.lock import DatasetLock, Holder
from mirror.store.share import Share

class TooLate(Exception): pass

def race(share, barrier, wins, n_races):
    for number in range(n_races):
        stale = share.own / "locks" / "b" / f"d{number}.lock" / ("f" * 16)

        def sleep(_):
            if not stale.exists():
                raise TooLate

        barrier.wait()
        lock = DatasetLock(share, "b", f"d{number}", Holder.of_this_process(), sleep=sleep)
        try:
            lock.__enter__()
        except (TooLate, LockedError):
            barrier.wait()
        else:
            with wins.get_lock():
                wins[number] += 1
            barrier.wait()
            lock.__exit__(None, None, None)

share, n_racers, n_races = Share(pathlib.Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
context = get_context("fork")
barrier, wins = context.Barrier(n_racers), context.Array("i", n_races)
racers = [context.Process(target=race, args=(share, barrier, wins, n_races)) for _ in range(n_racers)]
for racer in racers: racer.start()
for racer in racers: racer.join()
print(list(wins))
"""
"""Processes that see the same stale locks, and go for each at one time; a nap is no time for them."""


@pytest.fixture
def share(tmp_path: Path) -> Share:
    """A marked share of a test's own."""
    share = Share(tmp_path / "share")
    share.write_marker(ShareRules())
    return share


@pytest.fixture(scope="module")
def on_another_host() -> tuple[str, ...]:
    """Words that let a command run under another host name; skips the test where that is not allowed."""
    words = ("unshare", "--uts", "sh", "-c", f'hostname {OTHER_HOST} && exec "$@"', "sh")
    try:
        done = subprocess.run([*words, "hostname"], capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no unshare here: {error}")
    if done.stdout.strip() != OTHER_HOST:
        pytest.skip(f"no host names of our own here: {done.stderr.strip()}")
    return words


def python(program: str, *words: str, wrapper: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a program in Python."""
    return subprocess.Popen(
        [*wrapper, sys.executable, "-c", program, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )


@contextmanager
def holding(
    share: Share, bucket: str = BUCKET, dataset: str = ODD, wrapper: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """Let a process hold a lock; it is killed at the end if it still runs."""
    with python(HOLD, str(share.root), bucket, dataset, wrapper=wrapper) as process:
        try:
            assert said_by(process) == "held"
            yield process
        finally:
            process.kill()


def said_by(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process says."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str], word: str) -> str:
    """Let a holder write a file of that name, and return what it says."""
    assert process.stdin is not None
    process.stdin.write(f"{word}\n")
    process.stdin.flush()
    return said_by(process)


def taking(share: Share, sleep: Callable[[float], None], stale: list[Holder] | None = None) -> DatasetLock:
    """Return the lock, asked for by us."""
    heard = [] if stale is None else stale
    return DatasetLock(share, BUCKET, ODD, Holder.of_this_process(), sleep=sleep, on_takeover=heard.append)


def test_two_hosts_on_one_share(share: Share, on_another_host: tuple[str, ...]) -> None:
    """Who lives on another host is left alone and named; who was killed there is taken over after 60 s, which is said.

    Nothing tells that his process is gone: its number means nothing here.
    """
    with holding(share, wrapper=on_another_host) as process:
        with pytest.raises(LockedError, match=f"process {process.pid} on {OTHER_HOST}"), taking(share, time.sleep):
            pass
        assert tell(process, "key") == "written"
        process.kill()
        process.wait()
    naps: list[float] = []
    stale: list[Holder] = []
    with taking(share, naps.append, stale):
        assert [(holder.pid, holder.host) for holder in stale] == [(process.pid, OTHER_HOST)]
    assert sum(naps) == STALE_SECONDS
    assert [path.name for path in (share.root / BUCKET).iterdir()] == ["key"]


@pytest.mark.parametrize("is_let_go", [False, True], ids=["the other still runs", "the other has ended"])
def test_a_holder_that_was_paused_writes_nothing_more(share: Share, is_let_go: bool) -> None:
    """Taken over while it stood still, a run ends with 6 at its next file: that gets no name, and nothing is left."""
    with holding(share) as process:
        assert tell(process, "before") == "written"
        process.send_signal(signal.SIGSTOP)
        stale: list[Holder] = []
        with taking(share, lambda _: None, stale) as _:
            assert [holder.pid for holder in stale] == [process.pid]
            if not is_let_go:
                process.send_signal(signal.SIGCONT)
                assert "lost its lock" in tell(process, "after")
        if is_let_go:
            process.send_signal(signal.SIGCONT)
            assert "lost its lock" in tell(process, "after")
        assert process.wait(10) == ExitCode.LOCKED
    assert [path.name for path in (share.root / BUCKET).iterdir()] == ["before"]
    assert [path for path in share.own.rglob("*") if path.is_file() and path.name != "marker.json"] == []


def test_a_holder_that_was_paused_and_not_taken_over_goes_on(share: Share) -> None:
    """It has its lock as before."""
    with holding(share) as process:
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGCONT)
        assert tell(process, "after") == "written"


def test_one_of_many_processes_takes_over(share: Share) -> None:
    """However many see a stale lock at one time, one has it then."""
    far = Holder("f" * 16, OTHER_HOST, "boot", 4711, "")
    for number in range(N_RACES):
        lock = share.own / "locks" / "b" / f"d{number}.lock"
        lock.mkdir(parents=True)
        (lock / far.token).write_bytes(far.to_json())
    with python(RACE, str(share.root), str(N_RACERS), str(N_RACES)) as process:
        assert said_by(process) == str([1] * N_RACES)
    assert live_tokens(share) == {}


# Whole runs


@pytest.fixture
def server() -> Iterator[OddServer]:
    """A server that obeys, with the small dataset in its bucket."""
    with run_odd_server() as running:
        for key, body in small_dataset().items():
            running.put(key, body)
        yield running


@pytest.fixture
def lab(server: OddServer, tmp_path: Path, blank_catalog: bytes) -> OddLab:
    """A lab with an ordinary share."""
    return make_oddlab(tmp_path / "lab", server.endpoint_url, BUCKET, blank_catalog)


def test_a_run_beside_one_of_another_host(lab: OddLab, on_another_host: tuple[str, ...]) -> None:
    """It ends with 6 and one sentence that names host and process; nothing is written."""
    with holding(Share(lab.share), wrapper=on_another_host) as process:
        done = lab.run("sync", ODD)
    assert done.returncode == ExitCode.LOCKED
    assert f"process {process.pid} on {OTHER_HOST}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not lab.mirrored.exists()


def test_a_run_that_was_paused_too_long(lab: OddLab, server: OddServer) -> None:
    """Taken over in the middle of its transfer, it ends with 6: files whole, no row without one; then it goes on."""
    objects, share = small_dataset(), Share(lab.share)
    pids: list[int] = []

    def pause(process: subprocess.Popen[str]) -> Callable[[object], None]:
        def on_ask(_: object) -> None:
            if not pids and any(ask.key == f"{LEVEL}1/1/1" for ask in server.asks):
                pids.append(process.pid)
                process.send_signal(signal.SIGSTOP)

        return on_ask

    with lab.start("sync", ODD, "--concurrency", "1") as process:
        server.on_ask = pause(process)
        while not pids and process.poll() is None:
            time.sleep(0.01)
        with taking(share, lambda _: None):
            before = lab.files()
            process.send_signal(signal.SIGCONT)
            _, stderr = process.communicate(timeout=30)
            assert lab.files() == before
            mine = read_holder(share.own / "locks" / BUCKET / f"{ODD}.lock")
            assert mine is not None
            assert mine.pid == os.getpid()
    assert process.returncode == ExitCode.LOCKED, stderr
    assert "lost its lock" in stderr
    assert "Traceback" not in stderr
    assert all(objects[key] == body for key, body in before.items())
    assert {name.removeprefix(f"{BUCKET}/") for name in catalog_rows(lab.catalog)} <= set(before)
    server.on_ask = lambda _: None
    assert lab.mirror().exit_code is ExitCode.DONE
    assert lab.files() == objects
    nothing_left_over(lab)


def test_a_run_takes_over_from_a_dead_one_and_says_so(lab: OddLab) -> None:
    """A process of this machine that is gone is not waited for."""
    share = Share(lab.share)
    with holding(share) as process:
        process.kill()
        process.wait()
    done = lab.run("sync", ODD)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert f"Took over the lock of a run that ended without a word (process {process.pid} on " in done.stderr
    nothing_left_over(lab)

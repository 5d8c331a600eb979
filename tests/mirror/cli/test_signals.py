"""Signals end a run quickly, with their code, whatever its threads do."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.cli.signals import InterruptedRunError, TerminatedRunError, Watchdog, on_stop, run
from mirror.errors import MirrorError, UnsafeError


@pytest.fixture
def deaf_server() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def watchdogs() -> Iterator[None]:
    """Give Python's wake-up pipe back afterwards."""
    yield
    signal.set_wakeup_fd(-1)


def _kill_soon(number: int) -> None:
    threading.Timer(0.2, os.kill, (os.getpid(), number)).start()


async def _wait_and_save(saved: list[str]) -> None:
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.01)
        saved.append("state")


async def _fail() -> None:
    raise UnsafeError("no room")


@pytest.mark.parametrize(
    ("number", "error"),
    [
        pytest.param(signal.SIGINT, InterruptedRunError, id="SIGINT"),
        pytest.param(signal.SIGHUP, InterruptedRunError, id="SIGHUP"),
        pytest.param(signal.SIGTERM, TerminatedRunError, id="SIGTERM"),
    ],
)
def test_a_signal_cancels_the_work(number: int, error: type[MirrorError]) -> None:
    """The coroutine is cancelled, may save its state, and the signal's own error comes out."""
    saved: list[str] = []
    _kill_soon(number)
    with pytest.raises(error):
        run(_wait_and_save(saved))
    assert saved == ["state"]


def test_an_error_without_a_signal_is_itself() -> None:
    """What the work raises by itself comes out as it is."""
    with pytest.raises(UnsafeError):
        run(_fail())


def test_handlers_are_given_back() -> None:
    """After the work the process handles signals as before."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)]
    with on_stop(lambda _: None):
        pass
    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)]


def test_an_ignored_hang_up_stays_ignored() -> None:
    """Under nohup a hang-up does not end the run."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with on_stop(lambda _: None):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("watchdogs")
def test_the_watchdog_ends_what_does_not_end() -> None:
    """When the work is done and the process is still there after the grace, it is ended with the work's exit code."""
    left = threading.Event()
    codes: list[int] = []
    watchdog = Watchdog(lambda code: (codes.append(code), left.set()), grace_seconds=0.05)  # type: ignore[arg-type,func-returns-value]
    watchdog.start()
    watchdog.end_with(4)
    assert left.wait(5)
    assert codes == [4]


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        pytest.param([signal.SIGTERM], 143, id="SIGTERM"),
        pytest.param([signal.SIGHUP], 130, id="SIGHUP"),
        pytest.param([signal.SIGINT, signal.SIGINT], 130, id="Ctrl-C twice"),
    ],
)
def test_a_thread_that_hangs_does_not_keep_the_process(numbers: list[int], code: int) -> None:
    """With a thread stuck for ever the process ends within five seconds, with the signal's code; twice is at once."""
    program = (
        "import sys, threading, time\n"
        "from mirror.cli.signals import program\n"
        "def work():\n"
        "    threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "    print('ready', flush=True)\n"
        "    try: time.sleep(60)\n"
        "    except Exception as error: return int(error.exit_code)\n"
        "sys.exit(program(work))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        started = time.monotonic()
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.3)
        assert process.wait(10) == code
        assert time.monotonic() - started < (2 if len(numbers) > 1 else 5.5)


@pytest.mark.parametrize(
    ("number", "code"), [pytest.param(signal.SIGINT, 130, id="SIGINT"), pytest.param(signal.SIGTERM, 143, id="SIGTERM")]
)
def test_a_command_is_stopped_while_it_waits(number: int, code: int, deaf_server: str, tmp_path: Path) -> None:
    """A command that waits for a server that does not answer ends at once, in one sentence."""
    own = {
        "OOMIRROR_BUCKETS__B__ENDPOINT_URL": deaf_server,
        "OOMIRROR_CATALOG": f"sqlite:///{tmp_path}/catalog.db",
        "PYTHONPATH": str(Path.cwd()),
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
    }
    log = tmp_path / "log"
    words = [sys.executable, "-m", "oomirror", "scan", "x", "--log-json", str(log)]
    with subprocess.Popen(words, env=own, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while not log.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        started = time.monotonic()
        process.send_signal(number)
        said = process.communicate(timeout=10)[1]
    assert process.returncode == code
    assert time.monotonic() - started < 5
    assert said.startswith(f"oomirror: stopped by {signal.Signals(number).name}.")
    assert said.count("\n") == 1

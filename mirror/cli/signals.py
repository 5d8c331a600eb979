"""Ctrl-C, SIGHUP and SIGTERM: the work is cancelled, state is saved, and the process ends within five seconds."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TypeVar

from mirror.errors import ExitCode, MirrorError

GRACE_SECONDS = 4.5
"""After a signal, and after the end: threads that hang on a lost mount would keep the process for ever."""
_END = 0
_LAST_STREAM = 2
T = TypeVar("T")


class InterruptedRunError(MirrorError):
    """Stopped by Ctrl-C or because the terminal hung up."""

    exit_code = ExitCode.INTERRUPTED


class TerminatedRunError(MirrorError):
    """Stopped by SIGTERM."""

    exit_code = ExitCode.TERMINATED


_STOPS: dict[int, type[MirrorError]] = {
    signal.SIGINT: InterruptedRunError,
    signal.SIGHUP: InterruptedRunError,
    signal.SIGTERM: TerminatedRunError,
}


def stop_error(number: int) -> MirrorError:
    """Return the error that a signal stands for."""
    return _STOPS[number](
        f"stopped by {signal.Signals(number).name}", hint="What was done is saved; the same command goes on from there."
    )


def raise_stop(number: int) -> None:
    """Raise the error that a signal stands for, wherever the main thread is."""
    raise stop_error(number)


@contextmanager
def on_stop(act: Callable[[int], None]) -> Iterator[None]:
    """Call `act` with the number of each signal that stops us; in the main thread, between two of its steps.

    A hang-up that is ignored (`nohup`) stays ignored. Outside the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _STOPS}
    for number, handler in before.items():
        if not (number == signal.SIGHUP and handler is signal.SIG_IGN):
            signal.signal(number, lambda number, _: act(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end, and return its result; a signal cancels it.

    Raises
    ------
    InterruptedRunError, TerminatedRunError
        It was cancelled by a signal, and has saved its state.
    """
    import asyncio

    return asyncio.run(_stoppable(work))


async def _stoppable(work: Coroutine[Any, Any, T]) -> T:
    import asyncio

    loop = asyncio.get_running_loop()
    loop.set_default_executor(_NobodyWaits(thread_name_prefix="oomirror-side"))
    task = asyncio.ensure_future(work)
    received: list[int] = []

    def cancel(number: int) -> None:
        received.append(number)
        loop.call_soon_threadsafe(task.cancel)

    with on_stop(cancel):
        try:
            return await task
        except (asyncio.CancelledError, Exception) as error:
            if not received:
                raise
            # Whatever came of the cancelling, the signal is what the user did.
            raise stop_error(received[0]) from error


class _NobodyWaits(ThreadPoolExecutor):
    """Threads that asyncio does not join at its end: one that hangs on a silent server would hold up our last words."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Take no more work, and drop what has not begun."""
        super().shutdown(wait=False, cancel_futures=True)


class Watchdog:
    """Ends the process when its main thread, or a thread that it waits for, does not come to an end.

    A thread of its own reads the signals' numbers from Python's wake-up pipe, so that it works even while the main
    thread is inside a call that does not return. A second Ctrl-C ends the process at once.
    """

    def __init__(self, leave: Callable[[int], None] | None = None, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self._leave = leave or leave_at_once
        self._grace_seconds = grace_seconds
        self._exit_code = int(ExitCode.FAILED)
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        self._thread = threading.Thread(target=self._watch, name="oomirror-watchdog", daemon=True)

    def start(self) -> None:
        """Watch the signals from now on; in the main thread."""
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        self._thread.start()

    def end_with(self, exit_code: int) -> None:
        """Say that the work is done: the process has the grace left to exit by itself."""
        self._exit_code = exit_code
        os.write(self._write_end, bytes([_END]))

    def _watch(self) -> None:
        number = self._next(None)
        code = self._exit_code if number == _END else int(_STOPS[number].exit_code)
        deadline = time.monotonic() + self._grace_seconds
        while (left := deadline - time.monotonic()) > 0:
            # Only Ctrl-C counts as impatience: shells and systemd send SIGHUP and SIGTERM in pairs.
            if (number := self._next(left)) == signal.SIGINT:
                break
            if number == _END:
                code = self._exit_code
        self._leave(code)

    def _next(self, seconds: float | None) -> int:
        """Return the number of the next signal that stops us, `_END` at the end, -1 when the time is over."""
        while select.select([self._read_end], [], [], seconds)[0]:
            for number in os.read(self._read_end, 1):
                if number == _END or number in _STOPS:
                    return number
        return -1


def leave_at_once(exit_code: int) -> None:
    """End the process without waiting for threads; a terminal gets its cursor back."""
    try:
        if os.isatty(2):
            os.write(2, b"\x1b[?25h\n")
    except OSError:
        pass
    os._exit(exit_code)


def program(work: Callable[[], int]) -> NoReturn:
    """Run `work` as a process's main function, and end the process with what it returns, for certain and at once.

    Signals raise their error in it. Python's own end is left out: it would join threads in a read that nobody wants
    any more, and take 0.15 s to take everything apart.
    """
    _fill_closed_streams()
    watchdog = Watchdog()
    watchdog.start()
    with on_stop(raise_stop):
        exit_code = work()
    if threading.current_thread() is threading.main_thread():
        # From here on a Ctrl-C is the watchdog's alone; Python's own would end in a traceback of the shutdown.
        signal.signal(signal.SIGINT, lambda _number, _frame: None)
    watchdog.end_with(exit_code)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # It is where it was closed before we began: `oomirror >&-`, as daemons do.
            with suppress(OSError, ValueError):  # Nobody reads any more: then there is nothing left to say.
                stream.flush()
    os._exit(exit_code)


def _fill_closed_streams() -> None:
    """Let the three streams that were closed before we began lead nowhere.

    Else the next file that is opened, be it the catalog, gets the number of one, and our processes write words into it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _LAST_STREAM:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)

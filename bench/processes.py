"""A command and all that it starts: memory while they run, and the CPU of those that it did not wait for."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_INTERVAL_SECONDS = 0.1
_SHARE_OF_ONE_CORE = 0.02
"""What looking may cost, for the tools share the cores with it."""
_ORPHAN_SECONDS = 5.0
_PR_SET_CHILD_SUBREAPER = 36


class MemoryWatch:
    """Looks at the memory of a process and its descendants now and then, in a thread: `with MemoryWatch(pid)`.

    One process counts with the most that it ever had resident, several with their proportional shares, so that pages
    which a fork left shared count once.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak_bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watch")

    @property
    def peak_bytes(self) -> int:
        """The most that was seen; 0 for a process that ended before the first look."""
        return self._peak_bytes

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        pause = _INTERVAL_SECONDS
        while not self._over.wait(pause):
            started = time.thread_time()
            self._peak_bytes = max(self._peak_bytes, memory_of_tree(self._pid))
            pause = max(_INTERVAL_SECONDS, (time.thread_time() - started) / _SHARE_OF_ONE_CORE)


def memory_of_tree(pid: int) -> int:
    """Return the bytes that a process and its descendants take; 0 when it is gone."""
    try:
        process = psutil.Process(pid)
        descendants = process.children(recursive=True)
        if not descendants:
            return _high_water_bytes(pid)
    except (psutil.Error, OSError):
        return 0
    return sum(map(_proportional_bytes, (process, *descendants)))


def _high_water_bytes(pid: int) -> int:
    # Not ru_maxrss: a process inherits that of the one that started it, which is the bench with all its digests.
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"^VmHWM:\s+([0-9]+) kB$", status, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def _proportional_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0  # It ended between two looks.


def adopt_orphans() -> None:
    """Make this process the parent of what its children leave behind (Linux), so that `reap_orphans` finds it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children() -> frozenset[int]:
    """Return the processes that this one is the parent of."""
    return frozenset(child.pid for child in psutil.Process().children())


def reap_orphans(known: frozenset[int]) -> tuple[float, tuple[int, ...]]:
    """Wait for the children that are not `known`; return their CPU seconds, and who had to be killed after 5 s."""
    cpu_seconds = 0.0
    killed: frozenset[int] = frozenset()
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while orphans := children() - known:
        for pid in orphans:
            cpu_seconds += sum(_cpu_of_ended(pid))
        if time.monotonic() > deadline:
            killed |= _kill(children() - known)
        time.sleep(0.01)
    return cpu_seconds, tuple(sorted(killed))


def _cpu_of_ended(pid: int) -> Iterator[float]:
    with contextlib.suppress(ChildProcessError):
        ended, _, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            yield usage.ru_utime + usage.ru_stime


def _kill(pids: frozenset[int]) -> frozenset[int]:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pids

"""One command from its start to its exit: seconds, CPU, memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from resource import struct_rusage
from typing import IO, Self

from bench import processes
from mirror.errors import MirrorError

_LAST_WORDS = 2000
_LIMIT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run took, or the medians of several."""

    seconds: float
    cpu_seconds: float
    """User and system, of the process and of all that it started."""
    peak_bytes: float
    """Memory of the process and its descendants together, at its highest; looked at ten times a second."""

    @classmethod
    def median(cls, runs: Sequence[Self]) -> Self:
        """Return the median of each figure."""
        return cls(
            statistics.median(run.seconds for run in runs),
            statistics.median(run.cpu_seconds for run in runs),
            statistics.median(run.peak_bytes for run in runs),
        )


def measure(command: Sequence[str], environment: Mapping[str, str]) -> tuple[Measured, str]:
    """Return what a command took, and its standard output. One that runs for an hour is killed.

    Raises
    ------
    MirrorError
        It did not exit with 0, or left processes behind that did not end by themselves.
    """
    processes.adopt_orphans()
    known = processes.children()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as words:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=words
        )
        with processes.MemoryWatch(process.pid) as memory:
            usage = _wait(process)
            seconds = time.perf_counter() - started
        orphans_cpu_seconds, killed = processes.reap_orphans(known)
        if process.returncode or killed:
            left = f", and left {len(killed)} processes behind" if killed else ""
            found = f"{process.returncode}{left}: {_text(words).strip()[-_LAST_WORDS:]}"
            raise MirrorError("the command failed", " ".join(command), expected="exit 0", found=found)
        cpu_seconds = usage.ru_utime + usage.ru_stime + orphans_cpu_seconds
        return Measured(seconds, cpu_seconds, memory.peak_bytes), _text(output)


def _wait(process: subprocess.Popen[bytes]) -> struct_rusage:
    """Wait for the end; return the usage of the process and of the children that it waited for."""
    watchdog = threading.Timer(_LIMIT_SECONDS, process.kill)
    watchdog.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        watchdog.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")

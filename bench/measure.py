"""One command from its start to its exit: seconds, CPU, memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from mirror.errors import MirrorError


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run took, or the medians of several."""

    seconds: float
    cpu_seconds: float
    """User and system, of the process and the children that it waited for."""
    peak_bytes: float
    """Resident memory, at its highest."""

    @classmethod
    def median(cls, runs: Sequence[Self]) -> Self:
        """Return the median of each figure."""
        return cls(
            statistics.median(run.seconds for run in runs),
            statistics.median(run.cpu_seconds for run in runs),
            statistics.median(run.peak_bytes for run in runs),
        )


def measure(command: Sequence[str], environment: Mapping[str, str]) -> tuple[Measured, str]:
    """Return what a command took, and its standard output.

    Raises
    ------
    MirrorError
        It did not exit with 0.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as words:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=words
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            words.seek(0)
            said = words.read().decode("utf-8", "replace").strip()[-2000:]
            raise MirrorError("the command failed", " ".join(command), expected="exit 0", found=f"{status}: {said}")
        output.seek(0)
        # Linux counts ru_maxrss in KiB.
        measured = Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
        return measured, output.read().decode()

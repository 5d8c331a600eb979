"""What a command took, together with all that it starts."""

from __future__ import annotations

import os
import sys

import pytest

from bench.measure import Measured, measure
from mirror.errors import MirrorError

_BUSY = "import time\nwhile time.process_time() < 0.3: pass\n"
_LARGE = "held = b'x' * 40_000_000\n"


def _run(script: str) -> Measured:
    measured, _ = measure([sys.executable, "-I", "-S", "-c", script], dict(os.environ))
    return measured


def _started(script: str, then: str) -> str:
    command = [sys.executable, "-I", "-S", "-c", script]
    return f"import subprocess, time\nchildren = [subprocess.Popen({command!r}) for _ in range(2)]\n{then}"


def test_output_is_returned() -> None:
    """Standard output comes back as text."""
    _, output = measure([sys.executable, "-c", "print('höchst')"], dict(os.environ))
    assert output == "höchst\n"


def test_failure_carries_the_last_words() -> None:
    """What a failing command said is in the error."""
    with pytest.raises(MirrorError, match="found 3: no luck"):
        _run("import sys; print('no luck', file=sys.stderr); sys.exit(3)")


def test_cpu_of_children_counts() -> None:
    """Children that are waited for count in full."""
    assert _run(_started(_BUSY, "for child in children: child.wait()")).cpu_seconds >= 0.6


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
def test_cpu_of_children_that_are_left_behind_counts() -> None:
    """A command that ends before its children does not hide their CPU."""
    assert _run(_started(_BUSY, "time.sleep(0.1)")).cpu_seconds >= 0.6


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_memory_of_children_adds_up() -> None:
    """Two children of 40 MB each are more than 80 MB, and one process of 40 MB is not."""
    script = _LARGE + "import time; time.sleep(0.5)"
    one = _run(script).peak_bytes
    assert 40e6 < one < 80e6
    assert _run(_started(script, "for child in children: child.wait()")).peak_bytes > 80e6


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_memory_of_the_bench_itself_does_not_count() -> None:
    """A small command stays small however much the process holds that started it."""
    held = bytearray(b"x" * 100_000_000)
    assert _run("import time; time.sleep(0.3)").peak_bytes < len(held) / 2

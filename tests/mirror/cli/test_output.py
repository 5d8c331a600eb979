"""Readers that go away, streams that are closed and terminals that cannot show all end no run."""

from __future__ import annotations

import subprocess
import sys

PUT = "from mirror.cli.output import *; make_streams_robust(); "


def _shell(line: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["sh", "-c", line], capture_output=True, check=False)


def test_a_reader_that_goes_away_is_no_error() -> None:
    """A pipe that is closed early gives neither a traceback nor another exit code."""
    program = f"{PUT}[put_result('x' * 80) for _ in range(10_000)]; print('still here', file=sys.stderr)"
    done = _shell(f'{{ {sys.executable} -c "{program}"; echo $? >&2; }} | head -1')
    assert done.stderr.splitlines() == [b"still here", b"0"]


def test_a_closed_stdout_is_no_error() -> None:
    """Without a stdout the result goes nowhere."""
    done = _shell(f"{sys.executable} -c \"{PUT}put_result('x')\" >&-")
    assert (done.returncode, done.stderr) == (0, b"")


def test_what_the_encoding_lacks_is_escaped() -> None:
    """A key beyond ASCII is shown on an ASCII terminal, escaped."""
    done = _shell(f"PYTHONIOENCODING=ascii {sys.executable} -c \"{PUT}put_result(chr(0x3bc) + 'm')\"")
    assert done.stdout == b"\\u03bcm\n"

"""Readers that go away, streams that are closed and terminals that cannot show all end no run."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

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


OOMIRROR = f"{sys.executable} -m oomirror"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_command_with_closed_streams_ends_as_it_should(closed: str, tmp_path: Path) -> None:
    """As daemons start their jobs: good work is exit 0, and nothing is written where it does not belong."""
    catalog = f"OOMIRROR_CATALOG=sqlite:///{tmp_path}/catalog.db OOMIRROR_CONFIG={tmp_path}/oomirror.toml"
    done = _shell(f"{catalog} {OOMIRROR} init --share {tmp_path}/share {closed}")
    assert (done.returncode, done.stderr) == (0, b"")
    assert _shell(f"{catalog} {OOMIRROR} catalog check").returncode == 0
    assert _shell(f"{catalog} {OOMIRROR} ls nothing {closed}").returncode == 2


def test_a_closed_stream_is_not_the_next_file() -> None:
    """What a program opens first would else get its number, and the words of others."""
    program = (
        "import os; from mirror.cli.signals import program; "
        "program(lambda: os._exit(os.open(os.devnull, 0) > 2 and os.get_inheritable(2)))"
    )
    assert _shell(f'{sys.executable} -c "{program}" >&- 2>&-').returncode == 1


@pytest.mark.parametrize("form", ["", "--json"])
def test_a_result_without_room_is_a_failure(form: str, tmp_path: Path) -> None:
    """It is lost: exit 1, and stderr says why. So is an error's document, whose exit code stays."""
    world = f"OOMIRROR_CATALOG=sqlite:///{tmp_path}/catalog.db OOMIRROR_CONFIG={tmp_path}/oomirror.toml"
    assert _shell(f"{world} {OOMIRROR} init --share {tmp_path}/share").returncode == 0
    done = _shell(f"{world} {OOMIRROR} catalog runs {form} > /dev/full")
    assert done.returncode == 1
    assert done.stderr.startswith(b"oomirror: cannot write the result: stdout; found No space left on device")
    if form:
        done = _shell(f"{world} {OOMIRROR} why nothing {form} > /dev/full")
        assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)


def test_a_terminal_that_hung_up_is_no_error() -> None:
    """Who closed it while the work went on wants no result: what was done is done."""
    terminal, ours = pty.openpty()
    os.close(terminal)
    program = f"{PUT}put_result('x'); print('still here', file=sys.stderr)"
    with open(ours, "w") as stdout:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "still here\n")


def test_words_without_room_are_no_failure() -> None:
    """The mirror matters more."""
    done = _shell(f"{sys.executable} -c \"{PUT}put_words('x'); put_result('y')\" 2> /dev/full")
    assert (done.returncode, done.stdout) == (0, b"y\n")

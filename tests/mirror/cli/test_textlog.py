"""The log for people: lines with times, turned over once, whoever writes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mirror.cli.textlog import TextLog
from mirror.errors import UsageError

_WRITER = """
import sys
from pathlib import Path
from mirror.cli.textlog import TextLog
log = TextLog(Path(sys.argv[1]), max_bytes=2000, kept=99)
for number in range(200):
    log.write(f"{sys.argv[2]} {number}")
"""


def texts_of(file: Path) -> list[str]:
    """Return the lines of a log and of what it was before, oldest first, without times and processes."""
    older = sorted(file.parent.glob(f"{file.name}.*"), key=lambda one: -int(one.suffix[1:]))
    lines = [line for one in (*older, file) for line in one.read_text().splitlines()]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \[\d+\] ", line) for line in lines)
    return [line.split("] ", 1)[1] for line in lines]


def test_each_line_has_its_time(tmp_path: Path) -> None:
    """A text of several lines is as many lines of the log; half a character breaks nothing."""
    log = TextLog(tmp_path / "x.log")
    log.write("one\ntwo")
    log.write("\udcff")
    assert texts_of(tmp_path / "x.log") == ["one", "two", "\\udcff"]


def test_it_is_turned_over_when_it_is_full_and_the_oldest_go(tmp_path: Path) -> None:
    """No file is larger than the limit, unless one text is, and no more are kept than were meant."""
    log = TextLog(tmp_path / "x.log", max_bytes=200, kept=2)
    for number in range(50):
        log.write(str(number))
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["x.log", "x.log.1", "x.log.2"]
    assert max(path.stat().st_size for path in tmp_path.iterdir()) <= 200
    numbers = texts_of(tmp_path / "x.log")
    assert numbers == [str(number) for number in range(50 - len(numbers), 50)]
    log.write("long " * 100)
    assert texts_of(tmp_path / "x.log")[-1] == ("long " * 100)


def test_two_processes_lose_no_line(tmp_path: Path) -> None:
    """Both write and turn over the same file at once: every line of both is there, in its order."""
    file = tmp_path / "x.log"
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, file, name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    texts = texts_of(file)
    for name in "ab":
        assert [text for text in texts if text.startswith(name)] == [f"{name} {number}" for number in range(200)]


def test_a_place_that_takes_no_file_is_refused_at_once(tmp_path: Path) -> None:
    """And a log that goes away later ends no run."""
    with pytest.raises(UsageError, match="cannot write the log"):
        TextLog(tmp_path / "nowhere" / "x.log")
    folder = tmp_path / "folder"
    folder.mkdir()
    log = TextLog(folder / "x.log")
    (folder / "x.log").unlink()
    folder.rmdir()
    log.write("lost")
    assert log.is_broken

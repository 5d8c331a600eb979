"""Every error becomes one sentence or one document."""

from __future__ import annotations

import json

import pytest

from catalog.errors import CatalogLockedError
from mirror.cli.faults import is_verbose, tell, wants_json
from mirror.cli.main import main
from mirror.errors import LockedError, UnsafeError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(UnsafeError("no room", "/share", expected="2 B", found="1 B"), 5, id="ours"),
        pytest.param(CatalogLockedError("the catalog is locked", "file"), 1, id="the catalog's"),
        pytest.param(LockedError("another run holds the lock"), 6, id="lock"),
        pytest.param(ZeroDivisionError("x\ny"), 1, id="unexpected"),
        pytest.param(KeyboardInterrupt(), 130, id="Ctrl-C"),
    ],
)
def test_an_error_is_one_line(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it is, it is told in one line on stderr; the exit code is its own."""
    assert tell(error, ["sync", "x"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1


def test_a_command_that_was_misspelt_is_asked_after(capsys: pytest.CaptureFixture[str]) -> None:
    """What click asks ends as a question, and the way to the help follows."""
    assert main(["snyc"]) == 2
    words = "oomirror: no such command 'snyc'. Did you mean 'sync'? `oomirror --help` says what there is.\n"
    assert capsys.readouterr().err == words


def test_json_has_the_parts(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the parts of the error are fields."""
    tell(UnsafeError("no room", "/share", expected="2 B", found="1 B", hint="Make room."), ["sync", "x", "--json"])
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "error": {
            "exit": 5,
            "what": "no room",
            "thing": "/share",
            "expected": "2 B",
            "found": "1 B",
            "hint": "Make room.",
        },
    }


def test_only_a_fault_has_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """With -v the traceback of a fault of ours is shown, and never that of a user's mistake."""
    tell(ZeroDivisionError("x"), ["sync", "-nv"])
    assert "ZeroDivisionError: x" in capsys.readouterr().err
    tell(UnsafeError("no room"), ["sync", "-v"])
    assert capsys.readouterr().err == "oomirror: no room\n"


def test_words_after_two_dashes_are_no_options() -> None:
    """A dataset named like an option is none."""
    assert not wants_json(["sync", "--", "--json"])
    assert not is_verbose(["sync", "--", "-v"])


def test_control_characters_are_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A key cannot send commands to the terminal through an error."""
    tell(UnsafeError("cannot write", "a\x1b[2Jb"), [])
    assert capsys.readouterr().err == "oomirror: cannot write: a\\x1b[2Jb\n"

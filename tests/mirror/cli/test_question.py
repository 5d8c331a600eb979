"""The question before a large transfer: asked of a person at a terminal, and of nobody else."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from mirror.cli.confirm import Confirmation
from mirror.cli.question import can_ask
from mirror.cli.talk import Manner, Talk
from mirror.diff import Kind
from mirror.objects import Tally
from mirror.plan import Part, plan_of

LARGE = plan_of("b", ("d",), [Part("d", "raw", "s0", {Kind.NEW: Tally(1, 10**12)})])
ASK = (
    "import sys\n"
    "from mirror.cli.question import ask, can_ask\n"
    "assert can_ask()\n"
    "try: print(ask('Fetch 1.0 TB?'))\n"
    "except Exception as error: sys.exit(int(error.exit_code))\n"
)


def _at_a_terminal(answer: bytes, number: int | None = None) -> tuple[int, str]:
    """Run the question at a terminal; type the answer or send a signal; return exit code and stdout."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-c", ASK], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True
        ) as process:
            shown = b""
            while b"[y/N] " not in shown:
                shown += os.read(ours, 1000)
            os.write(ours, answer)
            if number is not None:
                time.sleep(0.3)
                process.send_signal(number)
            assert process.stdout is not None
            out = process.stdout.read()
        return process.returncode, out.strip()
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(b"y\n", "True", id="y"),
        pytest.param(b"YES\n", "True", id="YES"),
        pytest.param(b"\n", "False", id="only Enter"),
        pytest.param(b"no\n", "False", id="no"),
        pytest.param(b"\x04", "False", id="end of input"),
    ],
)
def test_only_yes_is_yes(answer: bytes, said: str) -> None:
    """Everything else than y or yes means no."""
    assert _at_a_terminal(answer) == (0, said)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_waiting(number: int, code: int) -> None:
    """A signal at the question is not waited out."""
    assert _at_a_terminal(b"", number) == (code, "")


def test_nobody_is_asked_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """In a script a large plan is shown on stderr, and run."""
    assert not can_ask()
    with Talk(Manner(), "sync") as talk:
        assert Confirmation(talk, is_dry_run=False, yes=False)(LARGE)
    said = capsys.readouterr()
    assert "To fetch: 1 object (1.0 TB)" in said.err
    assert said.out == ""


@pytest.mark.parametrize("as_json", [False, True])
def test_a_dry_run_shows_its_plan_as_the_result(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not said on stderr as well; JSON is one document, which comes at the end."""
    with Talk(Manner(as_json=as_json), "sync") as talk:
        assert Confirmation(talk, is_dry_run=True, yes=False)(LARGE)
    said = capsys.readouterr()
    assert ("To fetch: 1 object (1.0 TB)" in said.out) is not as_json
    assert said.err == ""

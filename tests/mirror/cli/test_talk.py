"""A command's conversation: what is said, what is logged, what is kept quiet."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from mirror.cli.options import ProgressKind
from mirror.cli.progress import LineDisplay
from mirror.cli.talk import Manner, Talk
from mirror.engine.events import Listed, Note, ObjectFailed, ObjectsDone, Retried, TransferStarted
from mirror.errors import UnsafeError
from mirror.objects import Tally
from mirror.report.numbers import Units

EVENTS = (
    Note("Took over a lock."),
    Retried("s3://b/k", "slow", 1.5),
    ObjectFailed("k", "gone"),
)


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        pytest.param(Manner(), ["Took over a lock."], id="as it is"),
        pytest.param(Manner(quiet=True), [], id="quiet"),
        pytest.param(
            Manner(verbose=True),
            ["Took over a lock.", "again in 1.5 s: s3://b/k: slow", "failed: k: gone"],
            id="verbose",
        ),
    ],
)
def test_what_is_said(manner: Manner, said: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Notes are said unless quiet; tries and failures as they happen only when verbose; all on stderr."""
    with Talk(manner, "sync") as talk:
        for event in EVENTS:
            talk.sink(event)
    seen = capsys.readouterr()
    assert seen.err.splitlines() == said
    assert seen.out == ""


def test_the_log_has_every_event_with_its_time(tmp_path: Path) -> None:
    """Each event is a JSON line of its own, with its time in UTC, also those that are not said."""
    log = tmp_path / "log.jsonl"
    with Talk(Manner(quiet=True, log_json=log), "sync") as talk:
        for event in (*EVENTS, ObjectsDone(Tally(2, 10))):
            talk.sink(event)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["started", "note", "retried", "object_failed", "objects_done"]
    assert all(line["time"].endswith("Z") for line in lines)
    assert lines[-1]["done"] == {"objects": 2, "bytes": 10}


def test_the_log_has_the_traceback_of_a_fault(tmp_path: Path) -> None:
    """A fault of the program leaves its traceback in the log; an error that is the user's does not."""
    log = tmp_path / "log.jsonl"
    for error in (ZeroDivisionError("x"), UnsafeError("no room")):
        with pytest.raises(type(error)), Talk(Manner(log_json=log), "sync"):
            raise error
    first, second = [json.loads(line) for line in log.read_text().splitlines() if '"failed"' in line]
    assert "ZeroDivisionError" in first["traceback"]
    assert "traceback" not in second
    assert second["exit"] == 5


def test_a_line_a_time_says_how_far_it_is() -> None:
    """The plain display writes lines by its own clock, first of the listing, then of the transfer, until stopped."""
    said: list[str] = []
    display = LineDisplay(said.append, Units.SI, every_seconds=0.05)
    display.take(Listed(1200, 3, 40))
    _wait_for(said, "listing: 1,200 objects, 3 of 40 folders")
    display.take(TransferStarted(Tally(10, 5_000_000)))
    display.take(ObjectsDone(Tally(5, 2_500_000)))
    _wait_for(said, "mirroring: 5 of 10 objects, 2.5 MB of 5.0 MB")
    display.stop()
    time.sleep(0.2)
    n_said = len(said)
    time.sleep(0.2)
    assert len(said) == n_said


def test_no_progress_is_none() -> None:
    """`--progress none` shows nothing of the progress."""
    with Talk(Manner(progress=ProgressKind.NONE), "sync") as talk:
        talk.sink(Listed(1, 1, 1))
        assert not isinstance(talk._display, LineDisplay)


def _wait_for(said: list[str], words: str) -> None:
    deadline = time.monotonic() + 10
    while not any(words in line for line in said):
        assert time.monotonic() < deadline, said
        time.sleep(0.02)

"""Notices: what receivers get, and that none of them is ever in the way of a run, or a way for a secret to leak."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mirror.app.notices import Notice, notify
from mirror.config import NotifySettings
from mirror.engine.events import Note
from mirror.report.schemas import schema_text
from tests.receivers import SECRET, receiving

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
WELL = Notice("refresh", 0, False, "All is well.", AT, AT, "/share", {"exit": 0}, is_watched=True)
FAILED = Notice("refresh", 4, False, "1 object failed.", AT, AT, "/share", {"exit": 4}, is_watched=True)
CHANGED = Notice("refresh", 0, True, "1 object came.", AT, AT, "/share", {"exit": 0}, is_watched=True)


def told(notice: Notice, *, all_seconds: float = 10.0, **settings: Any) -> list[str]:
    """Tell the receivers of these settings, and return the notes."""
    notes: list[str] = []

    def take(event: object) -> None:
        """Keep a note."""
        assert isinstance(event, Note)
        notes.append(event.text)

    asyncio.run(notify(NotifySettings(**settings), notice, take, all_seconds=all_seconds))
    return notes


def test_the_webhook_gets_a_document_that_fits_its_schema() -> None:
    """One POST of JSON, with the answer as `text` and the report below `report`."""
    with receiving() as receiver:
        assert told(FAILED, webhook=f"{receiver.url}/hook/{SECRET}?token={SECRET}") == []
    ((method, path, body),) = receiver.got
    assert (method, path) == ("POST", f"/hook/{SECRET}?token={SECRET}")
    document = json.loads(body)
    Draft202012Validator(json.loads(schema_text("notice"))).validate(document)
    assert (document["state"], document["exit"], document["text"]) == ("failed", 4, "1 object failed.")
    assert (document["started_at"], document["report"]) == ("2026-01-02T03:00:00Z", {"exit": 4})


def test_the_command_gets_the_document_and_variables(tmp_path: Path) -> None:
    """A line goes through the shell, a list of words does not; what they print goes nowhere, and ours is untouched."""
    line = f"cat > {tmp_path}/body; env | grep OOMIRROR_NOTICE_ | sort > {tmp_path}/variables; echo {SECRET}"
    assert told(CHANGED, on="change", command=line) == []
    assert json.loads((tmp_path / "body").read_text())["state"] == "changed"
    assert (tmp_path / "variables").read_text().splitlines() == [
        "OOMIRROR_NOTICE_COMMAND=refresh",
        "OOMIRROR_NOTICE_EXIT=0",
        "OOMIRROR_NOTICE_STATE=changed",
        "OOMIRROR_NOTICE_TEXT=1 object came.",
    ]
    assert told(CHANGED, on="always", command=["/usr/bin/touch", f"{tmp_path}/a b; c"]) == []
    assert (tmp_path / "a b; c").exists()


@pytest.mark.parametrize(
    ("on", "told_of"),
    [("failure", [FAILED]), ("change", [FAILED, CHANGED]), ("always", [FAILED, CHANGED, WELL])],
    ids=["failure", "change", "always"],
)
def test_who_wants_to_know_is_told(on: str, told_of: list[Notice]) -> None:
    """The webhook gets what it asked for; the health check all that it waits for, with /fail after failures."""
    with receiving() as receiver:
        for notice in (FAILED, CHANGED, WELL, dataclasses.replace(WELL, is_watched=False)):
            told(notice, on=on, webhook=f"{receiver.url}/hook", healthcheck=f"{receiver.url}/ping?a=b")
    posts = [json.loads(one.body)["text"] for one in receiver.got if one.method == "POST"]
    assert posts == [notice.text for notice in told_of] + [WELL.text] * (on == "always")
    pings = [one.path for one in receiver.got if one.method == "GET"]
    assert pings == ["/ping/fail?a=b", "/ping?a=b", "/ping?a=b"]


@pytest.mark.parametrize(
    ("statuses", "n_asked", "words"),
    [
        pytest.param((503, 200), 2, None, id="second-try"),
        pytest.param((500,), 2, "it answered 500", id="broken"),
        pytest.param((404,), 1, "it answered 404", id="gone"),
        pytest.param((302,), 1, "it answered 302, a redirect, which is not followed", id="redirect"),
    ],
)
def test_a_receiver_that_answers_otherwise_is_a_note(
    statuses: tuple[int, ...], n_asked: int, words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked again where that may help; the note has scheme and host, and nothing that is secret."""
    monkeypatch.setattr("mirror.app.notices.PAUSE_SECONDS", 0.0)
    with receiving(*statuses) as receiver:
        address = receiver.url.replace("http://", f"http://user:{SECRET}@")
        notes = told(FAILED, webhook=f"{address}/{SECRET}?x={SECRET}")
    assert len(receiver.got) == n_asked
    assert len(notes) == (words is not None)
    for note in notes:
        assert note.startswith(f"Could not tell the webhook at {receiver.url}: {words}")
        assert SECRET not in note


def test_one_that_hangs_holds_up_nobody_for_long(tmp_path: Path) -> None:
    """All are told side by side: the time is that of the slowest, cut off, and the others have their notice."""
    with receiving(0) as deaf, receiving() as well:
        started = time.monotonic()
        notes = told(
            FAILED,
            all_seconds=0.5,
            webhook=f"{deaf.url}/{SECRET}",
            healthcheck=f"{well.url}/{SECRET}",
            command=f"echo $$ > {tmp_path}/pid; exec sleep 60",
        )
        assert time.monotonic() - started < 5
    assert sorted(notes) == [
        "Could not tell the command of [notify]: no end in 0.5 s.",
        f"Could not tell the webhook at {deaf.url}: no end in 0.5 s.",
    ]
    assert [one.path for one in well.got] == [f"/{SECRET}/fail"]
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param({"webhook": f"http://127.0.0.1:9/{SECRET}"}, "cannot connect: Connection refused", id="refused"),
        pytest.param({"webhook": f"http://host.invalid/{SECRET}"}, "cannot connect: ", id="no-host"),
        pytest.param({"webhook": f"http://127.0.0.1:99999/{SECRET}"}, "Could not tell the webhook at", id="odd-port"),
        pytest.param({"command": ["/nowhere", SECRET]}, "cannot be started: No such file", id="no-command"),
        pytest.param({"command": f"exit 3 # {SECRET}"}, "it ended with exit code 3", id="failing-command"),
    ],
)
def test_one_that_cannot_be_told_is_a_note_without_secrets(
    settings: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note says why, and neither path nor words of a command."""
    monkeypatch.setattr("mirror.app.notices.PAUSE_SECONDS", 0.0)
    (note,) = told(FAILED, **settings)
    assert words in note
    assert SECRET not in note


def test_settings_do_not_show_their_secrets() -> None:
    """Neither as text nor as a dump."""
    settings = NotifySettings.model_validate(
        {"webhook": f"https://h/{SECRET}", "command": f"tell {SECRET}", "healthcheck": f"https://h/{SECRET}"}
    )
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"

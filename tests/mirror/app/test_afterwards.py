"""The word of a run: of which ends and errors it is told, and what it holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from catalog.errors import CatalogError
from mirror.app.afterwards import MOST_OBJECTS, Word, cut, is_told, told
from mirror.cli.signals import stop_error
from mirror.config import NotifySettings, Settings
from mirror.engine.events import ignore
from mirror.errors import LockedError, UnsafeError, UsageError
from mirror.report.schemas import schema_text
from tests.receivers import receiving


class _Done(BaseModel):
    """The report of a run of these tests."""

    count: int = 1


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(UnsafeError("cannot write", "/s", found="no marker"), "Cannot write: /s;", id="share"),
        pytest.param(CatalogError("cannot open the catalog", "/c.db"), "Cannot open the catalog: /c.db.", id="catalog"),
        pytest.param(ZeroDivisionError("a fault\nof ours"), "ZeroDivisionError: a fault.", id="ours"),
        pytest.param(UsageError("no such dataset", "jrc_x"), None, id="usage"),
        pytest.param(LockedError("another run is at work", "jrc_x"), None, id="locked"),
        pytest.param(stop_error(15), None, id="sigterm"),
    ],
)
def test_of_which_errors_someone_is_told(error: Exception, text: str | None) -> None:
    """Of those that ended a run, not of what was never begun or what somebody stopped; all are raised."""

    async def run() -> _Done:
        """Fail."""
        raise error

    with receiving() as receiver:
        settings = Settings(notify=NotifySettings.model_validate({"webhook": receiver.url}))
        with pytest.raises(type(error)):
            asyncio.run(told(settings, "verify", run(), lambda _: None, ignore))
    assert len(receiver.got) == (text is not None)
    is_told_of_a_job = text is not None or isinstance(error, UsageError)
    assert is_told(error, is_watched=True) == is_told_of_a_job
    for one in receiver.got:
        document = json.loads(one.body)
        Draft202012Validator(json.loads(schema_text("notice"))).validate(document)
        assert (document["command"], document["state"]) == ("verify", "failed")
        assert document["exit"] == getattr(error, "exit_code", 1)
        assert document["text"].startswith("verify: ")
        assert text is not None
        assert text in document["text"]


@pytest.mark.parametrize(
    ("word_of", "states"),
    [
        pytest.param(lambda _: Word(0, True, "One came."), ["changed"], id="changed"),
        pytest.param(lambda _: Word(3, False, "One is damaged."), ["failed"], id="differences"),
        pytest.param(lambda _: None, [], id="nothing-was-done"),
    ],
)
def test_of_which_reports_someone_is_told(word_of: Callable[[_Done], Word | None], states: list[str]) -> None:
    """Of those that say a word; the report is returned, and is in the notice."""

    async def run() -> _Done:
        """Succeed."""
        return _Done()

    with receiving() as receiver:
        settings = Settings(notify=NotifySettings.model_validate({"webhook": receiver.url, "on": "change"}))
        assert asyncio.run(told(settings, "sync", run(), word_of, ignore)) == _Done()
    documents = [json.loads(one.body) for one in receiver.got]
    assert [(one["state"], one["report"]) for one in documents] == [(state, {"count": 1}) for state in states]


def test_lists_of_objects_are_cut_wherever_they_stand() -> None:
    """Other lists are whole: each mirror has its line."""
    many = list(range(MOST_OBJECTS + 1))
    report = {"mirrors": [{"failed": many, "seconds": 1.0}] * len(many), "lost": many, "seconds": 2.0}
    short = {"failed": many[:MOST_OBJECTS], "seconds": 1.0}
    assert cut(report) == {"mirrors": [short] * len(many), "lost": many[:MOST_OBJECTS], "seconds": 2.0}

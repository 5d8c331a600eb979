"""A run, and afterwards the word of it to those whom `[notify]` names and who were not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from catalog.errors import CatalogError
from mirror.app.notices import Notice, notify
from mirror.app.workplace import utc_now
from mirror.config import Settings
from mirror.engine.events import EventSink
from mirror.errors import ExitCode, MirrorError
from mirror.report.json import error_parts
from mirror.report.model import ErrorParts, ErrorReport
from mirror.report.text.errors import error_sentence

MOST_OBJECTS = 20
"""Of each list of objects in a notice."""
MOST_PROBLEMS = 4
"""Lines of what went wrong in a notice's text."""
_LISTS_OF_OBJECTS = frozenset({"failed", "skipped", "damaged", "lost", "unmended"})
_NOBODY_IS_TOLD = frozenset({ExitCode.LOCKED, ExitCode.INTERRUPTED, ExitCode.TERMINATED})
"""Another run is at it, or who stopped it knows."""
Report = TypeVar("Report", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Word:
    """What is said of a run that came to its end."""

    exit_code: int
    is_change: bool
    text: str


async def told(
    settings: Settings,
    command: str,
    run: Awaitable[Report],
    word_of: Callable[[Report], Word | None],
    sink: EventSink,
    *,
    is_watched: bool = False,
) -> Report:
    """Return what a run returns, after those who want to know of it were told.

    Parameters
    ----------
    word_of
        What is said of its report; None where nothing was done that is worth a word, as in a dry run.
    is_watched
        Whether the health check waits for this command's runs.

    Raises what the run raises. Of an error those are told who want to know of failures, if `is_told` says so.
    """
    started_at = utc_now()

    async def tell(word: Word, report: BaseModel) -> None:
        """Tell what is said of the run."""
        notice = _notice(settings, command, word, report, started_at)
        await notify(settings.notify, replace(notice, is_watched=is_watched), sink)

    try:
        report = await run
    except Exception as error:
        if is_told(error, is_watched=is_watched):
            parts = parts_of(error)
            word = Word(parts.exit, is_change=False, text=f"{command}: {error_sentence(parts)}")
            await tell(word, ErrorReport(error=parts))
        raise
    if (said := word_of(report)) is not None:
        await tell(said, report)
    return report


def is_told(error: Exception, *, is_watched: bool) -> bool:
    """Return whether somebody is told of a run that ended with this error.

    Not of a lock that is held, nor of a run that was stopped by a signal; and of usage (2) only where the command is
    watched: then nobody is there who typed it, and a configuration that is gone would end each night in silence.
    """
    if not isinstance(error, MirrorError | CatalogError):
        return True
    if error.exit_code == ExitCode.USAGE:
        return is_watched
    return error.exit_code not in _NOBODY_IS_TOLD


def _notice(settings: Settings, command: str, word: Word, report: BaseModel, started_at: datetime) -> Notice:
    return Notice(
        command=command,
        exit_code=int(word.exit_code),
        is_change=word.is_change,
        text=word.text,
        started_at=started_at,
        finished_at=utc_now(),
        share=str(settings.share) if settings.share else None,
        report=cut(report.model_dump(mode="json", by_alias=True)),
    )


def words_of(answer: str, problems: str) -> str:
    r"""Return the first line of an answer, and the first lines of what went wrong, as one line.

    >>> words_of("2 objects came.", "Failed: 1 object:\n  a/b: cut off")
    '2 objects came. Failed: 1 object: a/b: cut off'
    """
    said = [answer.partition("\n")[0], *problems.strip().splitlines()[:MOST_PROBLEMS]]
    return " ".join(line.strip() for line in said if line.strip())


def cut(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report's JSON values with no more of its lists of objects than a receiver wants to read."""

    def short(name: str, value: Any) -> Any:
        """Return one value, cut."""
        if isinstance(value, dict):
            return cut(value)
        if isinstance(value, list):
            values = value[:MOST_OBJECTS] if name in _LISTS_OF_OBJECTS else value
            return [short("", one) for one in values]
        return value

    return {name: short(name, value) for name, value in report.items()}


def parts_of(error: Exception) -> ErrorParts:
    """Return an error's parts; of one that is no error of ours, what can be said."""
    if isinstance(error, MirrorError | CatalogError):
        return error_parts(error)
    first_line = str(error).partition("\n")[0]
    return ErrorParts(
        exit=int(ExitCode.FAILED),
        what="something unexpected happened, a fault of oomirror",
        thing="",
        expected="",
        found=f"{type(error).__name__}: {first_line}",
        hint="Run it again with -v for the traceback, and report it, please.",
    )

"""The conversation of one command with its user: events to progress and log, the plan and the question, the answer."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mirror.cli.eventlog import EventLog
from mirror.cli.faults import is_unexpected, sentence, told, traceback_text
from mirror.cli.options import ProgressKind
from mirror.cli.output import is_terminal, put_result, put_words
from mirror.cli.progress import Display, LineDisplay, NoDisplay
from mirror.cli.textlog import TextLog
from mirror.engine.events import Event, Note, ObjectFailed, Retried
from mirror.report.numbers import Units, format_seconds
from mirror.report.text.table import plain

if TYPE_CHECKING:
    from pydantic import BaseModel


_LOGIN = re.compile(r"(://).*@", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Manner:
    """How the user wants to be talked to."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    log_json: Path | None = None
    progress: ProgressKind = ProgressKind.AUTO
    units: Units = Units.SI
    log: Path | None = None
    """A file of lines for people: all that is said, quiet or not."""


class Talk:
    """Use as `with Talk(manner, command) as talk`; `talk.sink` takes the engine's events."""

    def __init__(self, manner: Manner, command: str) -> None:
        self.manner = manner
        self._command = command
        self._log = EventLog(manner.log_json) if manner.log_json else None
        self._text_log = TextLog(manner.log) if manner.log else None
        self._display = _display(manner)
        self._log_display = LineDisplay(self.log, manner.units, stamp=str) if manner.log else NoDisplay(self.log)

    def __enter__(self) -> Self:
        if self._log:
            from mirror import __version__

            arguments = [without_login(one) for one in sys.argv[1:]]
            self._log.write("started", {"command": self._command, "version": __version__, "arguments": arguments})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop_displays()
        if error is not None:
            self._keep(error)
        if self._log:
            self._log.close()

    def sink(self, event: Event) -> None:
        """Take an event of the engine."""
        if self._log:
            self._log.take(event)
        self._display.take(event)
        self._log_display.take(event)
        if text := self._words(event):
            self._display.say(plain(text))
        if text := _logged(event):
            self.log(text)

    def pause(self) -> None:
        """Take the progress away, so that something else can be shown."""
        self._display.stop()

    def words(self, text: str) -> None:
        """Say something on stderr, unless the user wants quiet."""
        if not self.manner.quiet:
            self._display.say(text)

    def note(self, event: str, fields: dict[str, object]) -> None:
        """Write a line to the log, if there is one."""
        if self._log:
            self._log.write(event, fields)

    def log(self, text: str) -> None:
        """Write lines to the log for people, if there is one."""
        if self._text_log:
            self._text_log.write("\n".join(map(plain, text.splitlines())))

    def answer(self, reports: tuple[BaseModel, ...], as_json: str, as_text: Callable[[], str]) -> None:
        """Give the result: JSON, or text unless it is empty."""
        self._stop_displays()
        for report in reports:
            self.note("report", report.model_dump(mode="json", by_alias=True))
        text = as_json if self.manner.as_json else as_text()
        if text:
            put_result(text)

    def _stop_displays(self) -> None:
        self._display.stop()
        self._log_display.stop()

    def _words(self, event: Event) -> str:
        match event:
            case Note(text, is_detail):
                return "" if self.manner.quiet or (is_detail and not self.manner.verbose) else text
            case ObjectFailed(key, reason) if self.manner.verbose:
                return f"failed: {key}: {reason}"
            case Retried(thing, reason, wait_seconds) if self.manner.verbose:
                return f"again in {format_seconds(wait_seconds)}: {thing}: {reason}"
            case _:
                return ""

    def _keep(self, error: BaseException) -> None:
        parts = told(error)
        fields = {"exit": int(parts.exit_code), "what": parts.what, "thing": parts.thing, "found": parts.found}
        if is_unexpected(error):
            fields["traceback"] = traceback_text(error)
        self.note("failed", fields)
        self.log(f"failed, exit code {int(parts.exit_code)}: {sentence(parts)}")
        if is_unexpected(error):
            self.log(traceback_text(error))


def _logged(event: Event) -> str:
    """Return what the log for people has of an event: all notes, and what failed."""
    match event:
        case Note(text, _):
            return text
        case ObjectFailed(key, reason):
            return f"failed: {key}: {reason}"
        case _:
            return ""


def without_login(argument: str) -> str:
    """Return a word of the command line without the user and the password of an address in it.

    >>> without_login("mongodb://lab:p@ss@db/crops"), without_login("--volumes=a@b")
    ('mongodb://***@db/crops', '--volumes=a@b')
    """
    return _LOGIN.sub(r"\1***@", argument)


def _display(manner: Manner) -> Display:
    if manner.quiet or manner.progress is ProgressKind.NONE:
        return NoDisplay(put_words)
    if manner.progress is ProgressKind.AUTO and is_terminal(sys.stderr):
        import os

        if os.environ.get("TERM") not in (None, "", "dumb"):
            from mirror.cli.bars import BarDisplay

            return BarDisplay(manner.units)
    return LineDisplay(put_words, manner.units)

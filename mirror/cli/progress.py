"""Progress while a command works: a line a minute for logs and files, or nothing. Bars are in `bars`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from mirror.cli.pace import Pace
from mirror.engine.events import DocumentsSeen, Event, FolderFound, Listed, ObjectsDone, Paced, TransferStarted
from mirror.report.numbers import Units, format_bytes, format_count, format_rate, format_seconds, format_utc

LINE_SECONDS = 60.0


class Display(Protocol):
    """Shows how far the work is."""

    def take(self, event: Event) -> None:
        """Take one event; must return at once."""

    def say(self, text: str) -> None:
        """Show a sentence, without disturbing what is shown."""

    def stop(self) -> None:
        """Show nothing until the next event comes."""


class NoDisplay:
    """Shows nothing but sentences."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def take(self, event: Event) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


class State:
    """How far the work is, in one line."""

    def __init__(self, units: Units, clock: Callable[[], float] = time.monotonic) -> None:
        self._units = units
        self._clock = clock
        self.found: FolderFound | None = None
        self.listed: Listed | None = None
        self.documents: DocumentsSeen | None = None
        self.pace: Pace | None = None
        self.doing = ""
        """What is done with the objects."""
        self.limited_by = ""
        """What keeps the transfer from being faster; empty while nobody knows."""

    def take(self, event: Event) -> None:
        """Take what the event tells of the progress."""
        match event:
            case FolderFound():
                # The next of several runs has begun, where there was one.
                self.found, self.listed, self.pace = event, None, None
            case Listed():
                self.listed = event
            case DocumentsSeen():
                self.documents = event
            case TransferStarted(planned, doing):
                self.pace, self.doing = Pace(planned, self._clock()), doing
            case Paced(limited_by=limited_by):
                self.limited_by = limited_by
            case ObjectsDone(done) if self.pace is not None:
                self.pace.add(done, self._clock())
            case _:
                return

    def now(self) -> float:
        """Return the seconds on the clock that the pace goes by."""
        return self._clock()

    def line(self) -> str:
        """Return the state as a line; empty before there is one."""
        if self.pace is not None:
            return self._transfer_line(self.pace)
        if self.documents is not None:
            return f"importing: {format_count(self.documents.documents)} documents"
        if self.listed is None:
            return f"finding volumes: {format_count(self.found.folders)} folders" if self.found else ""
        one = self.listed
        return (
            f"listing: {format_count(one.objects)} objects, "
            f"{format_count(one.shards_done)} of {format_count(one.shards)} folders"
        )

    def _transfer_line(self, pace: Pace) -> str:
        done, planned, now = pace.done, pace.planned, self._clock()
        objects_per_second, bytes_per_second = pace.rates(now)
        left = pace.seconds_left(now)
        return (
            f"{self.doing}: {format_count(done.objects)} of {format_count(planned.objects)} objects, "
            f"{format_bytes(done.bytes, self._units)} of {format_bytes(planned.bytes, self._units)}, "
            f"{format_count(round(objects_per_second))} objects/s, {format_rate(bytes_per_second, self._units)}, "
            + (f"{format_seconds(left)} left" if left is not None else "waiting")
            + (f", limited by {self.limited_by}" if self.limited_by else "")
        )


class LineDisplay:
    """Writes one line a minute, from a thread of its own: a run that stands still says so, too.

    Parameters
    ----------
    stamp
        Gives what begins a line of progress: the time, unless what is written to has its own.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        units: Units,
        *,
        every_seconds: float = LINE_SECONDS,
        stamp: Callable[[], str] = lambda: f"{format_utc(datetime.now(UTC))} ",
    ) -> None:
        self.say = say
        self._stamp = stamp
        self._state = State(units)
        self._every_seconds = every_seconds
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, event: Event) -> None:
        """Take one event; the first one begins the minutes."""
        self._state.take(event)
        if self._thread is None:
            # A new one each time: the thread before may not have seen yet that it shall end.
            self._stopped = threading.Event()
            self._thread = threading.Thread(target=self._write, name="oomirror-progress", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Write no more lines until the next event."""
        self._stopped.set()
        self._thread = None

    def _write(self) -> None:
        stopped = self._stopped
        while not stopped.wait(self._every_seconds):
            if line := self._state.line():
                self.say(f"{self._stamp()}{line}")

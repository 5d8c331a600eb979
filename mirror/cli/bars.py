"""Progress on a terminal: one line that moves, for 80 columns and more."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from mirror.cli.output import put_words
from mirror.cli.progress import State
from mirror.engine.events import Event, FolderFound, Listed, TransferStarted
from mirror.report.numbers import Units, format_bytes, format_count, format_rate, format_seconds

_TICKS = 1000
"""A bar's length in its own steps: fractions of the work, not bytes."""


class BarDisplay:
    """A bar for the listing, then one for the transfer."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._console = Console(stderr=True, highlight=False)
        self._state = State(units)
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def take(self, event: Event) -> None:
        """Move the bar."""
        is_next_run = isinstance(event, FolderFound) and self._state.pace is not None
        self._state.take(event)
        if is_next_run or isinstance(event, TransferStarted):
            self.stop()
        if self._bar is None and isinstance(event, FolderFound | Listed | TransferStarted):
            self._start()
        if self._bar is not None and self._task is not None:
            self._show(self._bar, self._task)

    def say(self, text: str) -> None:
        """Show a sentence above the bar."""
        if self._bar is None:
            put_words(text)
        else:
            self._bar.console.print(text, markup=False, soft_wrap=True)

    def stop(self) -> None:
        """Take the bar away; what it showed is said by what follows."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None

    def _start(self) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[words]}"),
            console=self._console,
            expand=True,
            transient=True,
            refresh_per_second=4,
        )
        self._task = self._bar.add_task("looking", total=None, words="")
        self._bar.start()

    def _show(self, bar: Progress, task: TaskID) -> None:
        pace = self._state.pace
        if pace is not None:
            bar.update(
                task,
                description=self._state.doing,
                total=_TICKS,
                completed=pace.fraction * _TICKS,
                words=self._transfer_words(),
            )
        elif (documents := self._state.documents) is not None:
            words = f"{format_count(documents.documents)} documents"
            bar.update(task, description="importing", words=words)
        elif (listed := self._state.listed) is not None:
            words = f"{format_count(listed.objects)} objects, {listed.shards_done}/{listed.shards} folders"
            done = _TICKS * listed.shards_done / max(1, listed.shards)
            bar.update(task, description="listing", total=_TICKS, completed=done, words=words)
        elif (found := self._state.found) is not None:
            bar.update(task, words=f"for volumes, {format_count(found.folders)} folders")

    def _transfer_words(self) -> str:
        pace, now = self._state.pace, self._state.now()
        if pace is None:
            return ""
        left = pace.seconds_left(now)
        words = (
            f"{format_count(pace.done.objects)}/{format_count(pace.planned.objects)}",
            # Of how many the plan has said: what limits the transfer must fit into 80 columns, too.
            format_bytes(pace.done.bytes, self._units),
            format_rate(pace.rates(now)[1], self._units),
            f"{format_seconds(left)} left" if left is not None else "waiting",
            f"by {self._state.limited_by}" if self._state.limited_by else "",
        )
        return "  ".join(filter(None, words))

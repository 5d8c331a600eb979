"""All entries of `[[mirrors]]`, one after the other or some at once: one that fails ends no other, a lost share all."""

from __future__ import annotations

import asyncio
import hashlib
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

from catalog.errors import CatalogError
from catalog.session import Catalog
from mirror.app.afterwards import parts_of
from mirror.app.datasets import plain_errors
from mirror.app.publish import Publisher, origin_of
from mirror.app.refresh.entries import Entry, entries_of, in_turn
from mirror.app.refresh.history import history, upstream
from mirror.app.refresh.lines import Told, line_of_error, line_of_report, refresh_report, unreached_line
from mirror.app.refresh.told import SideBySide
from mirror.app.sync import sync
from mirror.app.workplace import Workplace, checked_marker, close_dead_runs, utc_now, workplace
from mirror.config import Settings
from mirror.engine.events import EventSink, Note, ignore
from mirror.engine.retry import PATIENT, RetryPolicy
from mirror.errors import LockedError, MirrorError
from mirror.lock import DatasetLock, Holder
from mirror.report.model import SyncReport
from mirror.report.refresh import MirrorLine, RefreshReport, Upstream
from mirror.report.text.refresh import line_words


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """What a user asks of one refresh."""

    names: tuple[str, ...] = ()
    """Of entries, `BUCKET/DATASET` or the dataset's alone; none are all."""
    jobs: int = 1
    """Entries at work at a time."""
    max_duration_seconds: float | None = None
    dry_run: bool = False
    force_catalog: bool = False


class RefreshRunsError(LockedError):
    """Another refresh of the same catalog is at work."""


async def refresh(
    settings: Settings,
    request: RefreshRequest,
    *,
    sink: EventSink = ignore,
    policy: RetryPolicy = PATIENT,
    clock: Callable[[], float] = time.monotonic,
    on_begin: Callable[[], None] = lambda: None,
) -> RefreshReport:
    """Bring all entries up to date, and return what became of each.

    Entries are begun in turn: who was longest not finished comes first. What goes wrong with one is told in its line;
    the others go on. A share that goes away ends all of them. The catalog is published once, at the end. `on_begin` is
    called once no other refresh can begin.

    Raises
    ------
    ConfigError, UnknownNameError
        There are no entries, or none of a name that was given; or no share is configured.
    RefreshRunsError
        Another refresh of this catalog is at work.
    UnsafeError, CatalogError
        Share or catalog cannot be used, and no entry was begun. What ends it later is the report's `problem`.

    Cancelling saves the state of all finished objects, as in `sync`.
    """
    one = _Round(settings, request, sink, policy, clock, entries_of(settings, request.names))
    started_at, started = utc_now(), clock()
    problem: Told | None = None
    try:
        async with plain_errors():
            with _held(settings, request, sink) as (place, room):
                on_begin()
                await one.run(place, started)
                if not request.dry_run and one.has_written:
                    await _publish(settings, place, room, sink)
    except (MirrorError, CatalogError) as error:
        if not one.has_begun:
            raise
        problem = error
    return refresh_report(
        one.all_lines(),
        dry_run=request.dry_run,
        problem=parts_of(problem) if problem else None,
        started_at=started_at,
        finished_at=utc_now(),
        seconds=clock() - started,
    )


@dataclass(slots=True)
class _Round:
    """The entries of one refresh, and what became of those that had their turn."""

    settings: Settings
    request: RefreshRequest
    sink: EventSink
    policy: RetryPolicy
    clock: Callable[[], float]
    entries: tuple[Entry, ...]
    has_written: bool = False
    """Whether a run was recorded, so that there is something to publish."""
    _started: float = 0.0
    _lines: dict[Entry, MirrorLine] = field(default_factory=dict)
    _waiting: list[Entry] = field(default_factory=list)
    _begun: list[Entry] = field(default_factory=list)
    _busy: set[tuple[str, str]] = field(default_factory=set)
    _turn: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def has_begun(self) -> bool:
        """Whether an entry had its turn, so that there is something to report."""
        return bool(self._begun)

    def all_lines(self) -> tuple[MirrorLine, ...]:
        """Return a line for each entry, in the order of the configuration."""
        return tuple(
            self._lines.get(entry) or unreached_line(entry, was_begun=entry in self._begun) for entry in self.entries
        )

    async def run(self, place: Workplace, started: float) -> None:
        """Let the entries have their turns.

        Raises
        ------
        UnsafeError
            The share went away.
        """
        self._started = started
        self._waiting = list(await asyncio.to_thread(_in_turn, place, self.entries))
        together = SideBySide(self.sink) if self.request.jobs > 1 else None
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.request.jobs, len(self.entries))):
                group.create_task(self._work(place, together))

    async def _work(self, place: Workplace, together: SideBySide | None) -> None:
        while (entry := await self._next()) is not None:
            sink = together.of(entry.name) if together else self.sink
            try:
                line = await self._one(entry, place, sink)
            finally:
                async with self._turn:
                    self._busy.discard(entry.lock)
                    self._turn.notify_all()
            self._lines[entry] = line
            self.sink(Note(line_words(line, dry_run=self.request.dry_run)))

    async def _next(self) -> Entry | None:
        """Return the next entry that can begin, once there is one; None where none is to begin any more."""
        async with self._turn:
            while self._waiting and self._seconds_left() > 0:
                entry = next((one for one in self._waiting if one.lock not in self._busy), None)
                if entry is not None:
                    self._waiting.remove(entry)
                    self._busy.add(entry.lock)
                    self._begun.append(entry)
                    return entry
                await self._turn.wait()
        return None

    def _seconds_left(self) -> float:
        limit = self.request.max_duration_seconds
        return float("inf") if limit is None else limit - (self.clock() - self._started)

    async def _one(self, entry: Entry, place: Workplace, sink: EventSink) -> MirrorLine:
        started = self.clock()
        self.sink(Note(f"{entry.name}: begun, {len(self._begun)} of {len(self.entries)}."))
        try:
            report = await self._sync(entry, sink)
            self.has_written |= report.run is not None
            found = None if report.run is None else await asyncio.to_thread(_upstream, place, report.run)
            is_first = entry in self._begun[: self.request.jobs]
            return line_of_report(entry, report, found, seconds=self.clock() - started, is_first=is_first)
        except (MirrorError, CatalogError) as error:
            line = line_of_error(entry, error, seconds=self.clock() - started)
            if line.state == "unsafe":
                self._lines[entry] = line
                # No room for this one may be room for the next; a share that is gone is gone for all.
                await asyncio.to_thread(checked_marker, place.share)
            return line
        except Exception as error:  # noqa: BLE001  a fault of ours with one mirror must not keep the others from theirs
            sink(Note("".join(traceback.format_exception(error)), is_detail=True))
            return line_of_error(entry, error, seconds=self.clock() - started)

    async def _sync(self, entry: Entry, sink: EventSink) -> SyncReport:
        left = self._seconds_left()
        request = entry.request(
            dry_run=self.request.dry_run, max_duration_seconds=None if left == float("inf") else max(left, 0.0)
        )
        return await sync(
            self.settings,
            request,
            sink=sink,
            policy=self.policy,
            force_catalog=self.request.force_catalog,
            publishes=False,
        )


def _in_turn(place: Workplace, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    if place.catalog is None:
        return tuple(entries)
    with place.catalog.read() as connection:
        return in_turn(entries, partial(history, connection))


def _upstream(place: Workplace, run_id: int) -> Upstream:
    with place.open_catalog.read() as connection:
        return upstream(connection, run_id)


async def _publish(settings: Settings, place: Workplace, room: str, sink: EventSink) -> None:
    publisher = Publisher.of(settings, place.open_catalog, place.share, room=room)
    for problem in await asyncio.to_thread(publisher.publish):
        sink(Note(problem))


@contextmanager
def _held(settings: Settings, request: RefreshRequest, sink: EventSink) -> Iterator[tuple[Workplace, str]]:
    """Yield share and catalog, and the room that is ours below `tmp/`, while no other refresh of the catalog can begin.

    A dry run holds nothing.
    """
    with workplace(settings, dry_run=request.dry_run, force_catalog=request.force_catalog) as place:
        if request.dry_run:
            yield place, ""
            return
        holder = Holder.of_this_process()
        with ExitStack() as stack:
            try:
                stack.enter_context(_lock(place, holder, sink))
            except LockedError as error:
                raise RefreshRunsError(
                    "another refresh is at work",
                    error.thing,
                    found=error.found,
                    hint="This one did nothing; the other one goes on.",
                ) from error
            close_dead_runs(place.open_catalog)
            yield place, holder.token


def _lock(place: Workplace, holder: Holder, sink: EventSink) -> DatasetLock:
    def say(stale: Holder) -> None:
        sink(Note(f"Took over from a refresh that ended without a word ({stale})."))

    return DatasetLock(place.share, "refresh", lock_name(place.open_catalog), holder, on_takeover=say)


def lock_name(catalog: Catalog) -> str:
    """Return the name of the lock of refreshes: of the catalog, for several machines may refresh parts of one share."""
    return hashlib.sha256(origin_of(catalog).encode()).hexdigest()[:16]

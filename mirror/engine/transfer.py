"""Running a plan: batches of objects through worker threads, a level's metadata last, a row after its bytes."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from mirror.engine.careful import CarefulFetcher
from mirror.engine.crew import Crew, crew_for
from mirror.engine.events import EventSink, ObjectFailed, ObjectsDone, Paced, ignore
from mirror.engine.fetch import Done, Fetcher, Item, NotBegunError, Outcome, Problem, UndecidedError, UnprovenError
from mirror.engine.recorder import Recorder
from mirror.engine.retry import Retrier
from mirror.engine.throttle import UNTHROTTLED, Throttle
from mirror.engine.window import Limit, Sample, Window
from mirror.engine.worker import Setup
from mirror.errors import BrokenTransferError, ExpiredCredentialsError, MirrorError, SlowDownError, UnreachableError
from mirror.objects import Tally, Verification

BATCH_OBJECTS = 128
"""Objects that are handed over at a time, at most: crossing into a thread costs as much as a small object."""
THREAD_OBJECTS = 8
"""The same where a thread fetches one after the other."""
N_BATCHES = 192
"""That are under way at a time, most of them waiting: for room, for another try, for a large object."""
CREW_TRIES = 4
"""Of the fast path; then it is the careful transport's turn."""
PACE_SECONDS = 0.05
MAX_SAMPLE_SECONDS = 5.0
_MUCH = 0.5


@dataclass(slots=True)
class Results:
    """What a transfer did, filled as it goes; what is in it is on the share and in the catalog."""

    transferred: Tally = field(default_factory=Tally)
    adopted: Tally = field(default_factory=Tally)
    replaced: Tally = field(default_factory=Tally)
    verified: Counter[Verification] = field(default_factory=Counter)
    verified_bytes: Counter[Verification] = field(default_factory=Counter)
    failed: list[Problem] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)
    """Metadata held back, because not all of their level is there."""
    is_complete: bool = True
    """False when it was stopped before all was tried."""

    def add(self, done: Iterable[Done]) -> None:
        """Count objects that are on the share and recorded."""
        for one in done:
            if one.is_adopted:
                self.adopted = self.adopted.plus(one.size)
            else:
                self.transferred = self.transferred.plus(one.size)
            if one.replaced:
                self.replaced = self.replaced.plus(one.size)
            self.verified[one.verification] += 1
            self.verified_bytes[one.verification] += one.size


@dataclass(frozen=True, slots=True)
class LevelWork:
    """Items that belong together: the metadata get their names when all the others have theirs.

    A missing block reads as 0, so a level that is half there must not open.
    """

    items: Callable[[], Iterator[Item]]
    """Gives the items again each time it is called."""
    publish_last: frozenset[str] = frozenset()
    """Full keys of the metadata."""
    is_whole: bool = True
    """False where some of it cannot be a file on the share: then the metadata are held back."""
    comes_last: bool = False
    """Metadata of all that lies below them (a volume of many scales): only when all other work is whole."""


class _Gate:
    """Counts one level's items until all of them are recorded."""

    def __init__(self) -> None:
        self.held: list[Item] = []
        self._open = 0
        self._is_fed = False
        self._is_whole = True
        self._settled = asyncio.Event()

    def expect(self, n_items: int) -> None:
        self._open += n_items

    def settle(self, n_items: int, *, is_whole: bool = True) -> None:
        self._open -= n_items
        self._is_whole &= is_whole
        self._check()

    def close(self, *, is_whole: bool) -> None:
        self._is_fed = True
        self._is_whole &= is_whole
        self._check()

    async def is_whole(self) -> bool:
        await self._settled.wait()
        return self._is_whole

    def _check(self) -> None:
        if self._is_fed and not self._open:
            self._settled.set()


class Transfer:
    """Runs the work of one plan once.

    Parameters
    ----------
    setup
        For worker processes; None where there shall be none.
    window
        How many requests there are at a time.
    cores
        That there are for worker processes; None asks the system.
    throttle
        The bandwidth limit that `fetcher` keeps: while it holds, the window learns nothing.
    may_go_on
        Asked before each batch; False stops the run cleanly (`--max-duration`).
    """

    def __init__(
        self,
        fetcher: Fetcher,
        careful: CarefulFetcher,
        recorder: Recorder,
        retrier: Retrier,
        *,
        window: Window,
        setup: Setup | None = None,
        cores: int | None = None,
        throttle: Throttle = UNTHROTTLED,
        may_go_on: Callable[[], bool] = lambda: True,
        sink: EventSink = ignore,
    ) -> None:
        self._fetcher = fetcher
        self._careful = careful
        self._recorder = recorder
        self._retrier = retrier
        self._window = window
        self._setup = setup
        self._cores = cores
        self._throttle = throttle
        self._may_go_on = may_go_on
        self._sink = sink
        self._queue: asyncio.Queue[tuple[_Gate, Sequence[Item]]]
        self._room: asyncio.Event
        self._n_ahead = 0
        """Items that are handed over and were not tried yet."""
        self._crew: Crew
        self._batch_objects = 1
        self.results = Results()

    async def run(self, work: Iterable[LevelWork], *, n_objects: int, n_bytes: int = 0) -> Results:
        """Return the results when all work was tried, or the run was stopped.

        Parameters
        ----------
        n_objects
            About how many there are, so that few are spread over all threads.
        n_bytes
            About how much they are: larger ones take more threads.

        Raises
        ------
        UnsafeError, LockedError, CatalogError
            What ends a run at once. Cancelling does, too: what was recorded by then is whole, the rest is left to the
            next run.
        """
        crew = self._crew = await asyncio.to_thread(
            partial(
                crew_for,
                self._fetcher,
                self._setup,
                self._window,
                n_objects=n_objects,
                n_bytes=n_bytes,
                cores=self._cores,
            )
        )
        self._batch_objects = _batch_objects(crew, n_objects, self._window.size)
        self._queue, self._room = asyncio.Queue(1), asyncio.Event()
        helpers: list[asyncio.Task[None]] = []
        try:
            await crew.start()
            async with asyncio.TaskGroup() as group:
                # The recorder or the crew may fail when all is submitted and a level waits: only this ends it then.
                helpers += [group.create_task(one) for one in (self._recorder.watch(), crew.attend(), self._pace())]
                helpers += [group.create_task(self._work()) for _ in range(N_BATCHES)]
                levels = list(work)
                await self._run_levels([level for level in levels if not level.comes_last])
                await self._run_last([level for level in levels if level.comes_last])
                for helper in helpers:
                    helper.cancel()
        finally:
            await crew.close()
        return self.results

    async def _run_levels(self, levels: Sequence[LevelWork]) -> None:
        async with asyncio.TaskGroup() as publishers:
            for level in levels:
                gate = await self._feed(level)
                publishers.create_task(self._publish(gate))
        await self._queue.join()

    async def _run_last(self, levels: Sequence[LevelWork]) -> None:
        results = self.results
        if results.is_complete and not results.failed and not results.unpublished:
            await self._run_levels(levels)
        else:
            results.unpublished += [item.key for level in levels for item in level.items()]

    async def _feed(self, level: LevelWork) -> _Gate:
        gate = _Gate()
        items = level.items()
        while self._goes_on() and (batch := list(islice(items, self._batch_objects))):
            gate.held += [item for item in batch if item.key in level.publish_last]
            batch = [item for item in batch if item.key not in level.publish_last]
            if batch:
                gate.expect(len(batch))
                self._n_ahead += len(batch)
                await self._queue.put((gate, batch))
                await self._find_room()
        gate.close(is_whole=self.results.is_complete and level.is_whole)
        return gate

    async def _find_room(self) -> None:
        """Wait until the crew could be short of work: more would only wait there, and be late when the time is up."""
        while self._n_ahead >= self._appetite():
            self._room.clear()
            await self._room.wait()

    def _appetite(self) -> int:
        n_requests = self._window.size
        return (2 * n_requests if self._crew.has_ring else n_requests * self._batch_objects) + self._batch_objects

    def _goes_on(self) -> bool:
        """Return whether there is time to begin more."""
        self.results.is_complete = self.results.is_complete and self._may_go_on()
        return self.results.is_complete

    async def _publish(self, gate: _Gate) -> None:
        if not gate.held:
            return
        if await gate.is_whole():
            self._n_ahead += len(gate.held)
            await self._queue.put((_Gate(), gate.held))
        else:
            self.results.unpublished += [item.key for item in gate.held]

    async def _work(self) -> None:
        while True:
            gate, batch = await self._queue.get()
            try:
                await self._do(gate, batch)
            finally:
                self._queue.task_done()

    async def _do(self, gate: _Gate, batch: Sequence[Item]) -> None:
        """Fetch and record a batch: what is small by the crew, what is large by ranges, one after the other."""
        large = [item for item in batch if self._fetcher.is_large(item)]
        await self._do_small(gate, [item for item in batch if not self._fetcher.is_large(item)])
        for item in large:
            if self._goes_on():
                await self._keep(gate, [await self._careful.fetch_large(item)])
            else:
                gate.settle(1, is_whole=False)
            self._is_behind(1)

    async def _do_small(self, gate: _Gate, items: Sequence[Item]) -> None:
        """Let the crew fetch; try again, and by other means, what did not come."""
        outage, tries = self._retrier.outage, 1
        n_seen = outage.n_seen
        try:
            problems = await self._try(gate, items)
        finally:
            self._is_behind(len(items))
        while problems:
            again = [one for one in problems if tries < self._crew_tries(one.error)]
            hard = [one for one in problems if tries >= self._crew_tries(one.error)]
            for number, one in enumerate(hard):
                if not self._goes_on():
                    gate.settle(len(hard) - number, is_whole=False)
                    break
                await self._keep(gate, [await self._careful.fetch_again(one.item, one.error, tries=tries)])
            if not again:
                return
            if not self._goes_on():
                gate.settle(len(again), is_whole=False)
                return
            if not await self._retrier.pause([(one.item.key, one.error) for one in again], tries, n_seen):
                tries += 1
            n_seen = outage.n_seen
            problems = await self._try(gate, [one.item for one in again])

    async def _try(self, gate: _Gate, items: Sequence[Item]) -> list[Problem]:
        """Let the crew fetch the items once; return those that are worth more."""
        if not items:
            return []
        problems: list[Problem] = []
        async for outcomes in self._crew.fetch(items):
            await self._keep(gate, outcomes)
            problems += [one for one in outcomes if isinstance(one, Problem) and not one.is_final]
        if late := [one for one in problems if isinstance(one.error, NotBegunError)]:
            self.results.is_complete = False
            gate.settle(len(late), is_whole=False)
        return [one for one in problems if not isinstance(one.error, NotBegunError)]

    def _is_behind(self, n_items: int) -> None:
        """Count items that were tried, so that others may be handed over."""
        self._n_ahead -= n_items
        self._room.set()

    def _crew_tries(self, error: MirrorError) -> int:
        """Return how often the crew tries before it is the careful transport's turn."""
        match error:
            case UnprovenError() | UndecidedError():
                return 0  # It takes HEAD to tell what is what.
            case SlowDownError() if self._crew.has_ring:
                # The ring, too, hears how long to wait; the careful transport would only ask beside the window.
                return self._retrier.policy.attempts
            case SlowDownError() | UnreachableError() | BrokenTransferError():
                return CREW_TRIES
            case _:
                return 0

    async def _keep(self, gate: _Gate, outcomes: Sequence[Outcome]) -> None:
        done = [outcome for outcome in outcomes if isinstance(outcome, Done)]
        if done:
            self._retrier.outage.seen()
            await self._recorder.submit(done, lambda: self._recorded(gate, done))
        for problem in outcomes:
            if isinstance(problem, Problem) and problem.is_final:
                self._give_up(gate, problem)

    def _recorded(self, gate: _Gate, done: Sequence[Done]) -> None:
        self.results.add(done)
        self._sink(ObjectsDone(Tally(len(done), sum(one.size for one in done))))
        gate.settle(len(done))

    def _give_up(self, gate: _Gate, problem: Problem) -> None:
        outage = self._retrier.outage
        is_gone = isinstance(problem.error, UnreachableError) and (outage.is_open or not outage.n_seen)
        if is_gone or isinstance(problem.error, ExpiredCredentialsError):
            # Every other object would fare the same: the run ends, and goes on when it is run again.
            raise problem.error
        self.results.failed.append(problem)
        self._sink(ObjectFailed(problem.item.key, str(problem.error)))
        gate.settle(1, is_whole=False)

    async def _pace(self) -> None:
        """Let the window see what comes of its size, and let the crew follow it."""
        crew, window = self._crew, self._window
        before, load, started = crew.counts, crew.load, time.monotonic()
        while True:
            await asyncio.sleep(PACE_SECONDS)
            if not self._may_go_on():
                crew.ask_no_more()
            counts, seconds = crew.counts.since(before), time.monotonic() - started
            if not counts.answers or (seconds < MAX_SAMPLE_SECONDS and counts.answers < window.least(counts.refused)):
                continue
            now = crew.load
            thread_seconds = seconds * crew.n_threads
            waiting = None if now.waited is None else (now.waited - (load.waited or 0.0)) / thread_seconds
            limit = Limit.BANDWIDTH
            if not self._throttle.is_closed():
                crew.set_in_flight(window.take(Sample(seconds, *counts, waiting)))
                self._room.set()
                limit = Limit.SHARE if (now.share - load.share) / thread_seconds > _MUCH else window.limit
            self._sink(Paced(window.size, limit.value))
            before, load, started = crew.counts, now, time.monotonic()


def _batch_objects(crew: Crew, n_objects: int, in_flight: int) -> int:
    """Return how many objects are handed over at a time: many, but few enough that all threads have some."""
    most = min(BATCH_OBJECTS, max(16, 2 * in_flight)) if crew.has_ring else THREAD_OBJECTS
    return max(1, min(most, n_objects // (8 * crew.n_threads)))

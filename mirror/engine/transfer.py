"""Running a plan: batches of objects through worker threads, a level's metadata last, a row after its bytes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import NamedTuple

from mirror.engine.careful import CarefulFetcher
from mirror.engine.events import EventSink, ObjectFailed, ObjectsDone, ignore
from mirror.engine.fetch import Done, Fetcher, Item, Outcome, Problem
from mirror.engine.recorder import Recorder
from mirror.errors import UnreachableError
from mirror.objects import Tally, Verification

BATCH_OBJECTS = 32
"""Objects that one thread takes at a time, at least: crossing into a thread costs as much as a small object."""
RING_TURNS = 8
"""Objects that a thread takes at a time, for each request that it keeps in flight: a batch's last ones come alone."""
MAX_BATCH_OBJECTS = 512
DEFAULT_CONCURRENCY = 64


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


class _Crew(NamedTuple):
    """How requests are shared out."""

    n_threads: int
    in_flight: int
    """Requests that each thread keeps in flight."""
    batch_objects: int


def _crew(n_threads: int, concurrency: int, n_objects: int) -> _Crew:
    in_flight = -(-concurrency // n_threads)
    batch = min(MAX_BATCH_OBJECTS, max(BATCH_OBJECTS, RING_TURNS * in_flight))
    return _Crew(n_threads, in_flight, max(1, min(batch, n_objects // (8 * n_threads))))


class Transfer:
    """Runs the work of one plan once.

    Parameters
    ----------
    may_go_on
        Asked before each batch; False stops the run cleanly (`--max-duration`).
    """

    def __init__(
        self,
        fetcher: Fetcher,
        careful: CarefulFetcher,
        recorder: Recorder,
        *,
        concurrency: int = DEFAULT_CONCURRENCY,
        may_go_on: Callable[[], bool] = lambda: True,
        sink: EventSink = ignore,
    ) -> None:
        self._fetcher = fetcher
        self._careful = careful
        self._recorder = recorder
        self._concurrency = concurrency
        self._may_go_on = may_go_on
        self._sink = sink
        self._crew = _Crew(1, 1, 1)
        self._queue: asyncio.Queue[tuple[_Gate, Sequence[Item]]]
        self._seats: asyncio.Semaphore
        self._executor: ThreadPoolExecutor
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
        mean_bytes = n_bytes // max(1, n_objects)
        n_threads = await asyncio.to_thread(self._fetcher.n_threads, self._concurrency, mean_bytes)
        crew = self._crew = _crew(n_threads, self._concurrency, n_objects)
        # One more than threads: the next batch is there when a thread comes back.
        self._queue, self._seats = asyncio.Queue(crew.n_threads + 1), asyncio.Semaphore(crew.n_threads + 1)
        self._executor = ThreadPoolExecutor(crew.n_threads, thread_name_prefix="oomirror-fetch")
        workers: list[asyncio.Task[None]] = []
        try:
            async with asyncio.TaskGroup() as group:
                # The recorder may fail when all is submitted and a level waits for its rows: only this ends it then.
                workers.append(group.create_task(self._recorder.watch()))
                workers += [group.create_task(self._work()) for _ in range(self._concurrency)]
                levels = list(work)
                await self._run_levels([level for level in levels if not level.comes_last], crew)
                await self._run_last([level for level in levels if level.comes_last], crew)
                for worker in workers:
                    worker.cancel()
        finally:
            self._fetcher.stop()
            self._executor.shutdown(wait=False, cancel_futures=True)
        return self.results

    async def _run_levels(self, levels: Sequence[LevelWork], crew: _Crew) -> None:
        async with asyncio.TaskGroup() as publishers:
            for level in levels:
                gate = await self._feed(level, crew.batch_objects)
                publishers.create_task(self._publish(gate))
        await self._queue.join()

    async def _run_last(self, levels: Sequence[LevelWork], crew: _Crew) -> None:
        results = self.results
        if results.is_complete and not results.failed and not results.unpublished:
            await self._run_levels(levels, crew)
        else:
            results.unpublished += [item.key for level in levels for item in level.items()]

    async def _feed(self, level: LevelWork, batch_size: int) -> _Gate:
        gate = _Gate()
        items = level.items()
        while self.results.is_complete and (batch := list(islice(items, batch_size))):
            if not self._may_go_on():
                self.results.is_complete = False
                break
            gate.held += [item for item in batch if item.key in level.publish_last]
            batch = [item for item in batch if item.key not in level.publish_last]
            if batch:
                gate.expect(len(batch))
                await self._queue.put((gate, batch))
        gate.close(is_whole=self.results.is_complete and level.is_whole)
        return gate

    async def _publish(self, gate: _Gate) -> None:
        if not gate.held:
            return
        if await gate.is_whole():
            await self._queue.put((_Gate(), gate.held))
        else:
            self.results.unpublished += [item.key for item in gate.held]

    async def _work(self) -> None:
        while True:
            async with self._seats:
                gate, batch = await self._queue.get()
                outcomes = await self._fetch(batch)
            try:
                await self._settle(gate, batch, outcomes)
            finally:
                self._queue.task_done()

    async def _fetch(self, batch: Sequence[Item]) -> list[Outcome]:
        small = [item for item in batch if not self._fetcher.is_large(item)]
        if not small:
            return []
        fetch = partial(self._fetcher.fetch_batch, small, in_flight=self._crew.in_flight)
        return await asyncio.get_running_loop().run_in_executor(self._executor, fetch)

    async def _settle(self, gate: _Gate, batch: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
        """Record what was fetched; try again, and by other means, what was not."""
        await self._keep(gate, outcomes)
        again = [(one.item, one.error) for one in outcomes if isinstance(one, Problem) and not one.is_final]
        for item, error in again:
            await self._keep(gate, [await self._careful.fetch_again(item, error)])
        for item in batch:
            if self._fetcher.is_large(item):
                await self._keep(gate, [await self._careful.fetch_large(item)])

    async def _keep(self, gate: _Gate, outcomes: Sequence[Outcome]) -> None:
        done = [outcome for outcome in outcomes if isinstance(outcome, Done)]
        if done:
            await self._recorder.submit(done, lambda: self._recorded(gate, done))
        for problem in outcomes:
            if isinstance(problem, Problem) and problem.is_final:
                self._give_up(gate, problem)

    def _recorded(self, gate: _Gate, done: Sequence[Done]) -> None:
        self.results.add(done)
        self._sink(ObjectsDone(Tally(len(done), sum(one.size for one in done))))
        gate.settle(len(done))

    def _give_up(self, gate: _Gate, problem: Problem) -> None:
        if isinstance(problem.error, UnreachableError):
            # Every other object would wait through the same tries: the run ends, and goes on when it is run again.
            raise problem.error
        self.results.failed.append(problem)
        self._sink(ObjectFailed(problem.item.key, str(problem.error)))
        gate.settle(1, is_whole=False)

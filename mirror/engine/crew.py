"""Who fetches small objects: threads of this process, or processes with a core each."""

from __future__ import annotations

import asyncio
import os
import pickle
import queue
import resource
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, NoReturn, Protocol

from mirror.engine.fetch import LARGE_BYTES, MAX_THREADS, Done, Fetcher, Item, Load, Outcome
from mirror.engine.hand import Inbox, Told, fetch_from, hand_out
from mirror.engine.retry import TRANSIENT
from mirror.engine.window import LIMIT, Window
from mirror.engine.worker import HEAD, Setup, done_of, pack, problem_of, row_of, share_of, unpack
from mirror.errors import MirrorError, SlowDownError, UnreachableError

Outcomes = AsyncIterator[list[Outcome]]
MAX_BATCH_OBJECTS = 1 << 16
END_SECONDS = 2.0
MAX_PROCESSES = 4
SPARE_FILES = 200
"""Of the files that a process may have open: for the share, the catalog, listings and Python itself."""
PROCESS_OBJECTS = 3_000
"""From here on it pays to start processes: each takes 0.1 s of a core to begin."""


class Crew(Protocol):
    """Fetches batches of small objects: `start`, then `fetch` while `attend` runs beside it, then `close`."""

    @property
    def n_threads(self) -> int:
        """That work at a time, in all processes."""
        ...

    @property
    def has_ring(self) -> bool:
        """Whether each thread keeps many requests in flight; else it is one at a time."""
        ...

    @property
    def load(self) -> Load:
        """What all threads did so far."""
        ...

    async def start(self) -> None:
        """Be ready. Raises MirrorError where the system has no room for it."""
        ...

    async def attend(self) -> NoReturn:
        """Wait for ever, or raise what ends the run: UnsafeError, or that a process is gone."""
        ...

    @property
    def counts(self) -> Counts:
        """What came so far."""
        ...

    def set_in_flight(self, n_requests: int) -> None:
        """Let there be so many requests at a time, at least one."""
        ...

    def fetch(self, items: Sequence[Item]) -> Outcomes:
        """Begin with the items, `MAX_BATCH_OBJECTS` at most; return their outcomes, as they come, in no order."""
        ...

    def ask_no_more(self) -> None:
        """Give back, with NotBegunError, what is not asked for yet, now and from now on."""
        ...

    async def close(self) -> None:
        """Stop all work; may be called at any time, also twice."""
        ...


class Counts(NamedTuple):
    """Answers so far, by what they say of the server."""

    objects: int = 0
    bytes: int = 0
    refused: int = 0
    """Wishes to slow down."""
    broken: int = 0
    """Other failures that are worth another try."""

    @property
    def answers(self) -> int:
        """All of them but objects' bytes."""
        return self.objects + self.refused + self.broken

    def __add__(self, other: Counts) -> Counts:  # type: ignore[override]
        return Counts(*map(sum, zip(self, other, strict=True)))

    def since(self, before: Counts) -> Counts:
        """Return what came after `before`."""
        return Counts(*(now - then for now, then in zip(self, before, strict=True)))


class _Batch:
    """Items that were handed over together, and the outcomes that nobody has taken yet."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.n_open = len(items)
        self._arrived: list[Outcome] = []
        self._has_come = asyncio.Event()

    def add(self, outcome: Outcome) -> None:
        self.n_open -= 1
        self._arrived.append(outcome)
        self._has_come.set()

    async def outcomes(self) -> Outcomes:
        """Yield what came since the last time, until all has."""
        while self.n_open or self._arrived:
            await self._has_come.wait()
            self._has_come.clear()
            arrived, self._arrived = self._arrived, []
            yield arrived


class _Ledger:
    """Batches that somebody works at. A ticket is the number of a batch and the place of an item in it."""

    def __init__(self) -> None:
        self._batches: dict[int, _Batch] = {}
        self._n_batches = 0
        self.n_open = 0
        """Items whose outcome is not known."""
        self._objects = self._bytes = self._refused = self._broken = 0

    @property
    def counts(self) -> Counts:
        return Counts(self._objects, self._bytes, self._refused, self._broken)

    def open(self, items: Sequence[Item]) -> tuple[list[int], Outcomes]:
        """Return a ticket for each item, and their outcomes."""
        number = self._n_batches
        batch = self._batches[number] = _Batch(items)
        self._n_batches += 1
        self.n_open += len(items)
        first = number * MAX_BATCH_OBJECTS
        return list(range(first, first + len(items))), batch.outcomes()

    def settle(self, ticket: int, outcome_of: Callable[[Item], Outcome]) -> None:
        number, place = divmod(ticket, MAX_BATCH_OBJECTS)
        batch = self._batches[number]
        outcome = outcome_of(batch.items[place])
        batch.add(outcome)
        self._count(outcome)
        self.n_open -= 1
        if not batch.n_open:
            del self._batches[number]

    def _count(self, outcome: Outcome) -> None:
        if isinstance(outcome, Done):
            self._objects += 1
            self._bytes += outcome.size
        elif isinstance(outcome.error, SlowDownError):
            self._refused += 1
        elif isinstance(outcome.error, TRANSIENT) and not isinstance(outcome.error, UnreachableError):
            # A server that is out of reach has not had enough: fewer requests would not bring it back.
            self._broken += 1


class ThreadCrew:
    """Threads of this process."""

    def __init__(self, fetcher: Fetcher, *, n_threads: int, in_flight: int) -> None:
        self._fetcher = fetcher
        self.n_threads = n_threads
        self.has_ring = fetcher.has_ring
        self._in_flight = in_flight
        self._inbox: Inbox = queue.SimpleQueue()
        self._ledger = _Ledger()
        self._loop: asyncio.AbstractEventLoop
        self._error: asyncio.Future[BaseException]

    @property
    def load(self) -> Load:
        """What the threads did so far; see `Crew`."""
        return self._fetcher.load

    @property
    def counts(self) -> Counts:
        """What came so far."""
        return self._ledger.counts

    async def start(self) -> None:
        """Start the threads."""
        self._loop = asyncio.get_running_loop()
        self._error = self._loop.create_future()
        for number in range(self.n_threads):
            # Nobody waits for them at the end: one may hang on a share or a server that went away.
            name = f"oomirror-fetch-{number}"
            threading.Thread(target=self._fetch, args=(number,), name=name, daemon=True).start()

    async def attend(self) -> NoReturn:
        """Wait for ever, or raise what a thread ended with; see `Crew`."""
        raise await self._error

    def set_in_flight(self, n_requests: int) -> None:
        """Let there be so many requests at a time; see `Crew`."""
        self._in_flight = n_requests

    def fetch(self, items: Sequence[Item]) -> Outcomes:
        """Begin with the items, and return their outcomes; see `Crew`."""
        tickets, outcomes = self._ledger.open(items)
        hand_out(self._inbox, list(zip(tickets, items, strict=True)), self.n_threads)
        return outcomes

    def ask_no_more(self) -> None:
        """Give back what is not asked for yet; see `Crew`."""
        self._fetcher.ask_no_more()

    async def close(self) -> None:
        """Let each thread end after its object; see `Crew`."""
        self._fetcher.stop()
        for _ in range(self.n_threads):
            self._inbox.put(None)

    def _fetch(self, number: int) -> None:
        def in_flight() -> int:
            return share_of(self._in_flight, number, self.n_threads)

        try:
            fetch_from(self._inbox, self._fetcher, in_flight=in_flight, tell=self._tell)
        except BaseException as error:  # noqa: BLE001 - raised by `attend`
            self._call(self._fail, error)

    def _tell(self, told: Sequence[Told]) -> None:
        self._call(self._take, told)

    def _call(self, function: Callable[[Any], None], argument: object) -> None:
        with suppress(RuntimeError):  # The loop is closed: the run has ended, and nobody asks any more.
            self._loop.call_soon_threadsafe(function, argument)

    def _take(self, told: Sequence[Told]) -> None:
        try:
            for ticket, outcome in told:
                self._ledger.settle(ticket, lambda _, outcome=outcome: outcome)  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 - raised by `attend`; else the batch would be waited for for ever
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self._error.done():
            self._error.set_result(error)


class ProcessCrew:
    """Processes of `mirror.engine.worker`, each with threads of its own.

    Parameters
    ----------
    setup
        `n_threads` and `in_flight` of all processes together.
    """

    def __init__(self, setup: Setup, *, n_processes: int) -> None:
        n_threads = -(-setup.n_threads // n_processes)
        self._setup = replace(setup, n_threads=n_threads, in_flight=max(1, setup.in_flight // n_processes))
        self._n_processes = n_processes
        self.n_threads = n_threads * n_processes
        self.has_ring = True
        self._lanes: list[_Lane] = []

    @property
    def load(self) -> Load:
        """What all threads did so far; see `Crew`."""
        loads = [lane.load for lane in self._lanes]
        return Load(sum(load.waited or 0.0 for load in loads), sum(load.share for load in loads))

    @property
    def counts(self) -> Counts:
        """What came so far."""
        return sum((lane.ledger.counts for lane in self._lanes), Counts())

    async def start(self) -> None:
        """Start the processes; see `Crew`."""
        for _ in range(self._n_processes):
            self._lanes.append(_Lane(await _start_worker(), self._setup))

    async def attend(self) -> NoReturn:
        """Take what the processes tell; see `Crew`."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(lane.receive())
        raise AssertionError("a worker's words came to an end without an error")

    def set_in_flight(self, n_requests: int) -> None:
        """Let there be so many requests at a time; see `Crew`."""
        for number, lane in enumerate(self._lanes):
            # One at least: a process without would keep for ever what it was given.
            lane.set_in_flight(max(1, share_of(n_requests, number, len(self._lanes))))

    def fetch(self, items: Sequence[Item]) -> Outcomes:
        """Begin with the items, and return their outcomes; see `Crew`."""
        return min(self._lanes, key=lambda lane: lane.ledger.n_open).fetch(items)

    def ask_no_more(self) -> None:
        """Give back what is not asked for yet; see `Crew`."""
        for lane in self._lanes:
            lane.ask_no_more()

    async def close(self) -> None:
        """End the processes, in the middle of what they do; nothing is written after that."""
        for lane in self._lanes:
            lane.kill()
        for lane in self._lanes:
            await lane.close()


class _Lane:
    """One process, and the batches that it has."""

    def __init__(self, process: asyncio.subprocess.Process, setup: Setup) -> None:
        if process.stdin is None or process.stdout is None:
            raise TypeError("a worker is spoken to by pipes")
        self._process = process
        self._in, self._out = process.stdin, process.stdout
        self.in_flight = setup.in_flight
        self._in.write(pack(pickle.dumps(setup)))
        self.ledger = _Ledger()
        self.load = Load(0.0, 0.0)

    def set_in_flight(self, n_requests: int) -> None:
        if n_requests != self.in_flight:
            self.in_flight = n_requests
            self._in.write(pack(("in_flight", n_requests)))

    def fetch(self, items: Sequence[Item]) -> Outcomes:
        tickets, outcomes = self.ledger.open(items)
        # Not drained: there is no more on its way than the transfer lets be open at a time.
        self._in.write(pack(("fetch", [row_of(ticket, item) for ticket, item in zip(tickets, items, strict=True)])))
        return outcomes

    async def receive(self) -> NoReturn:
        """Take frames for ever. Raises what ends the run."""
        while True:
            try:
                (length,) = HEAD.unpack(await self._out.readexactly(HEAD.size))
                data = await self._out.readexactly(length)
            except asyncio.IncompleteReadError as error:
                raise MirrorError(
                    "a worker process ended in the middle of its work",
                    f"process {self._process.pid}",
                    found=f"exit code {await self._process.wait()}",
                    hint="Was it killed, or the memory used up? Run the same command again; it goes on from there.",
                ) from error
            self._take(unpack(data))

    def _take(self, message: tuple[Any, ...]) -> None:
        match message:
            case ("came", done, problems, waited, share):
                self.load = Load(waited, share)
                for row in done:
                    self.ledger.settle(row[0], partial(done_of, row))
                for row in problems:
                    self.ledger.settle(row[0], partial(problem_of, row))
            case ("unsafe", error):
                raise pickle.loads(error)  # noqa: S301 - from a process of our own
            case ("fault", words):
                raise RuntimeError(words)

    def ask_no_more(self) -> None:
        self._in.write(pack(("ask_no_more",)))

    def kill(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        # A process inside a call to a share that went away ends when that call does, whoever waits.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.communicate(), END_SECONDS)


async def _start_worker() -> asyncio.subprocess.Process:
    # The same modules as here, wherever they came from.
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # Else a file in the user's folder could take the place of a module.
            "-m",
            "mirror.engine.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 22,
            env={**os.environ, "PYTHONPATH": path},
            # Not in the terminal's foreground: a Ctrl-C is for the run, which ends its workers.
            process_group=0,
        )
    except OSError as error:
        raise MirrorError("cannot start a worker process", sys.executable, found=str(error)) from error


def n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def connections_per_process() -> int:
    """Return how many sockets a process may have, after raising its limit as far as it may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = LIMIT + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        with suppress(ValueError, OSError):  # macOS has a limit of its own below the one that it tells.
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return LIMIT if soft == resource.RLIM_INFINITY else max(1, min(LIMIT, soft - SPARE_FILES))


def crew_for(
    fetcher: Fetcher, setup: Setup | None, window: Window, *, n_objects: int, n_bytes: int, cores: int | None = None
) -> Crew:
    """Return the crew that serves so many objects best; writes a few files to find out how fast the share is.

    Parameters
    ----------
    setup
        For worker processes; None where there shall be none.
    window
        How many requests there are at a time: now, and at the most.
    cores
        That there are; None asks the system.

    Raises
    ------
    UnsafeError
        The share is full, read-only or gone.
    """
    window.limit_to(connections_per_process() if fetcher.has_ring else MAX_THREADS)
    in_flight = window.size
    if not fetcher.has_ring:
        n_threads = min(MAX_THREADS, window.most, max(1, n_objects))
        return ThreadCrew(fetcher, n_threads=n_threads, in_flight=in_flight)
    cores = n_cores() if cores is None else cores
    mean_bytes = min(LARGE_BYTES, n_bytes // max(1, n_objects))
    n_threads = min(in_flight, fetcher.n_threads(mean_bytes, cores))
    n_processes = min(MAX_PROCESSES, in_flight, cores)
    if setup is None or n_processes < 2 or n_objects < PROCESS_OBJECTS or not sys.executable:
        return ThreadCrew(fetcher, n_threads=n_threads, in_flight=in_flight)
    return ProcessCrew(replace(setup, n_threads=n_threads, in_flight=in_flight), n_processes=n_processes)

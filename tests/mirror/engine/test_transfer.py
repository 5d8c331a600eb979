"""A transfer over real HTTP: faults end in correct files, levels open last, no more in flight than asked."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from mirror.diff import Kind
from mirror.engine.careful import CarefulFetcher, Sources
from mirror.engine.crew import PROCESS_OBJECTS
from mirror.engine.events import Event, Note, ObjectFailed, ObjectsDone, Paced, Retried
from mirror.engine.fetch import ChecksumMode, Done, Fetcher, Item
from mirror.engine.recorder import Recorder
from mirror.engine.retry import Outage, Retrier, RetryPolicy
from mirror.engine.tasks import first_error
from mirror.engine.throttle import UNTHROTTLED, Bandwidth
from mirror.engine.transfer import LevelWork, Results, Transfer
from mirror.engine.window import START, Window
from mirror.engine.worker import Setup
from mirror.errors import MirrorError, UnreachableError, UnsafeError
from mirror.objects import Tally
from mirror.quantities import Timetable
from mirror.store.bucket import Bucket
from mirror.store.share import Share
from mirror.store.staging import FilePolicy, Fsync, Staging
from tests.faults import (
    BUCKET,
    MODIFIED,
    Ask,
    Cut,
    Fault,
    Garble,
    OddServer,
    Refuse,
    Stall,
    SwapWith,
    at_times,
    run_odd_server,
)

QUICK = RetryPolicy(base_seconds=0.001)


@pytest.fixture
def server() -> Iterator[OddServer]:
    """A server that obeys."""
    with run_odd_server() as running:
        yield running


@dataclass
class Rig:
    """A transfer from the server to a share, with rows kept in a list."""

    server: OddServer
    share: Share
    rows: list[Done] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    commit: Callable[[Sequence[Done]], None] | None = None
    policy: RetryPolicy = QUICK
    outage: Outage = field(default_factory=Outage)
    sleeps: float = 0.0
    """Seconds that each wait takes here, whatever it was to be."""

    def items(self, keys: Sequence[str] | None = None) -> list[Item]:
        """Return the server's objects as a listing gives them."""
        return [
            Item(Kind.NEW, key, f"{BUCKET}/{key}", len(stored.body), stored.tag, MODIFIED, None, None)
            for key, stored in sorted(self.server.objects.items())
            if keys is None or key in keys
        ]

    async def run(self, *work: LevelWork, by_processes: bool = False, **knobs: Any) -> Results:
        """Run the work; without any, all of the server's objects."""
        items = self.items()
        if by_processes:
            knobs |= {"setup": self.setup(), "cores": 2}
        async with self.transfer(**knobs) as transfer:
            n_objects = PROCESS_OBJECTS if by_processes else len(items)
            return await transfer.run(work or (LevelWork(lambda: iter(items)),), n_objects=n_objects)

    def setup(self) -> Setup:
        """Return what worker processes are told."""
        connection = self.server.connection(read_timeout_seconds=0.5)
        return Setup(connection, self.share.root, BUCKET, "run", FilePolicy(Fsync.OFF), ChecksumMode.AUTO, ())

    @asynccontextmanager
    async def transfer(
        self, *, concurrency: int | None = 4, large_bytes: int = 1 << 24, **knobs: Any
    ) -> AsyncIterator[Transfer]:
        """Yield a transfer whose waits are noted and not waited for."""

        async def sleep(seconds: float) -> None:
            """Note the wait, and do not wait."""
            self.waits.append(seconds)
            await asyncio.sleep(self.sleeps)

        staging = Staging(self.share, "run", FilePolicy(Fsync.OFF))
        staging.open()
        async with Bucket(self.server.connection(read_timeout_seconds=0.3)) as bucket:
            throttle = knobs.get("throttle", UNTHROTTLED)
            fetcher = Fetcher(
                bucket.bulk, staging, str(self.share.root), str, large_bytes=large_bytes, throttle=throttle
            )
            sources = Sources(bucket.careful, bucket.bulk, str)
            retrier = Retrier(sleep, self.policy, self.take, lambda: 1.0, outage=self.outage)
            careful = CarefulFetcher(sources, fetcher, staging, retrier, range_bytes=1000, throttle=throttle)
            knobs.setdefault("window", Window(fixed=concurrency))
            async with Recorder(staging.sync, self.commit or self.rows.extend) as recorder:
                yield Transfer(fetcher, careful, recorder, retrier, sink=self.take, **knobs)
        staging.close()

    def take(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def files(self) -> dict[str, bytes]:
        """Return what lies on the share, by key."""
        root = self.share.root / BUCKET
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def rig(server: OddServer, tmp_path: Path) -> Rig:
    """A transfer to an empty share."""
    share = Share(tmp_path)
    share.own.mkdir()
    return Rig(server, share)


def fill(server: OddServer, n_objects: int) -> dict[str, bytes]:
    """Give the server some small objects, and return them."""
    bodies = {f"d/{n:03}": random.Random(n).randbytes(500 + n) for n in range(n_objects)}
    for key, body in bodies.items():
        server.put(key, body)
    return bodies


BY = pytest.mark.parametrize("by_processes", [False, True], ids=["by threads", "by processes"])


@pytest.mark.parametrize(
    ("large_bytes", "by_processes"),
    [(1 << 24, False), (1 << 24, True), (1500, False)],
    ids=["in one piece", "by processes", "by ranges"],
)
@pytest.mark.parametrize(
    "fault",
    [Refuse(retry_after="2"), Refuse(500, "InternalError"), Cut(), Stall(), Garble()],
    ids=["slow down", "error", "breaks off", "stalls", "wrong bytes"],
)
async def test_every_fault_ends_in_a_correct_file(
    rig: Rig, server: OddServer, fault: Fault, large_bytes: int, by_processes: bool
) -> None:
    """Whatever happens to the first two answers, the file is the bucket's object, and its row says so."""
    body = random.Random(1).randbytes(2500)
    server.put("key", body)
    n_bad = 1 if isinstance(fault, (Stall, Garble)) else 2
    server.fault = lambda ask: fault if ask.method == "GET" and ask.number <= n_bad else None
    results = await rig.run(large_bytes=large_bytes, by_processes=by_processes)
    assert rig.files() == {"key": body}
    assert results.transferred == Tally(1, 2500)
    assert [row.size for row in rig.rows] == [2500]
    assert results.failed == []
    assert len(rig.waits) >= 1


async def test_retry_after_as_numbers(rig: Rig, server: OddServer) -> None:
    """Three refusals that ask for 2 s: four requests, and each wait is 2 s and more."""
    server.put("key", b"body")
    server.fault = lambda ask: Refuse(retry_after="2") if ask.number <= 3 else None
    await rig.run()
    assert len(server.asked("GET", "key")) == 4
    assert rig.waits == pytest.approx([2.001, 2.001, 2.002], abs=0.003)


@BY
async def test_requests_at_25_per_cent_faults(rig: Rig, server: OddServer, by_processes: bool) -> None:
    """With one answer in four bad, all files are right, and the requests are less than three for each object."""
    bodies = fill(server, 200)
    server.fault = at_times(Refuse(), Refuse(500, "InternalError"), Cut(), Garble(), seed=5)
    results = await rig.run(by_processes=by_processes)
    assert rig.files() == bodies
    assert results.transferred.objects == 200
    assert len(server.asks) < 3 * 200
    assert sum(event.done.objects for event in rig.events if isinstance(event, ObjectsDone)) == 200


@BY
async def test_one_bad_object_is_told_and_all_others_come(rig: Rig, server: OddServer, by_processes: bool) -> None:
    """It is asked for six times, reported by its key, and has neither file nor row."""
    bodies = fill(server, 20)
    server.fault = lambda ask: Cut() if ask.key == "d/007" else None
    results = await rig.run(by_processes=by_processes)
    assert [problem.item.key for problem in results.failed] == ["d/007"]
    assert [event.key for event in rig.events if isinstance(event, ObjectFailed)] == ["d/007"]
    assert len(server.asked("GET", "d/007")) == 6
    assert rig.files() == {key: body for key, body in bodies.items() if key != "d/007"}
    assert {row.item.key for row in rig.rows} == set(rig.files())


@pytest.mark.parametrize("is_bad", [False, True], ids=["whole", "not whole"])
async def test_metadata_come_last(rig: Rig, server: OddServer, is_bad: bool) -> None:
    """They are asked for when all other rows of their level are committed, and not at all if one is missing."""
    fill(server, 20)
    server.put("d/attributes.json", b"{}")
    server.fault = lambda ask: Refuse(403, "AccessDenied") if is_bad and ask.key == "d/011" else None
    rows_before: list[int] = []
    server.on_ask = lambda ask: rows_before.append(len(rig.rows)) if ask.key.endswith("json") else None
    items = rig.items()
    results = await rig.run(LevelWork(lambda: iter(items), frozenset({"d/attributes.json"})))
    assert rows_before == ([] if is_bad else [20])
    assert results.unpublished == (["d/attributes.json"] if is_bad else [])
    assert ("d/attributes.json" in rig.files()) is not is_bad


@BY
async def test_requests_in_flight(rig: Rig, server: OddServer, by_processes: bool) -> None:
    """As many at a time as asked for, never more."""
    fill(server, 64)
    server.delay_seconds = 0.01
    await rig.run(concurrency=4, by_processes=by_processes)
    assert 2 <= server.peak <= 4


async def test_time_is_up(rig: Rig, server: OddServer) -> None:
    """No new batch is begun, what was begun is recorded, and the result says that it is not complete."""
    fill(server, 64)
    metadata = "d/attributes.json"
    server.put(metadata, b"{}")
    answers = iter([True, True, True])
    items = rig.items()
    work = LevelWork(lambda: iter(items), frozenset({metadata}))
    results = await rig.run(work, may_go_on=lambda: next(answers, False))
    assert not results.is_complete
    assert 0 < results.transferred.objects < 64
    assert {row.item.key for row in rig.rows} == set(rig.files())
    assert metadata not in rig.files()


class CatalogIsGoneError(Exception):
    """What a catalog may raise."""


@pytest.mark.timeout(20)
async def test_a_recorder_that_fails_ends_the_run(rig: Rig, server: OddServer) -> None:
    """Also when all was handed over, and a level only waits for its rows."""
    fill(server, 3)
    server.put("d/attributes.json", b"{}")

    def commit(done: Sequence[Done]) -> None:
        """Fail."""
        raise CatalogIsGoneError

    rig.commit = commit
    items = rig.items()
    with pytest.raises(ExceptionGroup) as told:
        await rig.run(LevelWork(lambda: iter(items), frozenset({"d/attributes.json"})))
    assert told.value.split(CatalogIsGoneError)[1] is None
    assert "d/attributes.json" not in rig.files()


@BY
async def test_a_server_that_is_gone_ends_the_run(rig: Rig, server: OddServer, by_processes: bool) -> None:
    """An endpoint that refuses connections is no fault of one object: the run ends, the next one goes on."""
    fill(server, 40)
    items = rig.items()
    server.endpoint_url = "http://127.0.0.1:9"
    with pytest.raises(ExceptionGroup) as told:
        await rig.run(LevelWork(lambda: iter(items)), by_processes=by_processes)
    assert told.value.split(UnreachableError)[1] is None


@BY
async def test_a_share_that_is_gone_ends_the_run(rig: Rig, server: OddServer, by_processes: bool) -> None:
    """It is not tried again, and not made anew."""
    fill(server, 40)
    server.on_ask = lambda ask: rig.share.own.rename(rig.share.root / "away") if ask.key == "d/000" else None
    with pytest.raises(ExceptionGroup) as told:
        await rig.run(by_processes=by_processes)
    assert told.value.split(UnsafeError)[1] is None
    assert not any(isinstance(event, Retried) for event in rig.events)
    assert not rig.share.own.exists()


@BY
async def test_cancelling_keeps_what_is_recorded(rig: Rig, server: OddServer, by_processes: bool) -> None:
    """A run that is cancelled leaves whole files only, and a row for nothing else."""
    bodies = fill(server, 100)
    items = rig.items()

    async def run() -> None:
        """Run a transfer, and cancel it."""
        await rig.run(LevelWork(lambda: iter(items)), by_processes=by_processes)

    reached, loop = asyncio.Event(), asyncio.get_running_loop()
    server.on_ask = lambda _: loop.call_soon_threadsafe(reached.set) if len(server.asks) == 30 else None
    task = asyncio.create_task(run())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    files = rig.files()
    assert all(bodies[key] == body for key, body in files.items())
    assert {row.item.key for row in rig.rows} <= set(files)
    assert len(files) < 100


@BY
async def test_a_refusing_server_is_asked_for_as_much_as_it_takes(
    rig: Rig, server: OddServer, by_processes: bool
) -> None:
    """A server that refuses what is above N in flight is asked for about N at a time, and every object comes."""
    n_taken = 20
    bodies = fill(server, 2000)
    # Long enough that the server's own work is nothing beside it: then what is in flight is what was asked for.
    server.delay_seconds = 0.05
    rig.sleeps, rig.policy = 0.05, replace(QUICK, attempts=12)
    server.fault = lambda ask: Refuse() if ask.method == "GET" and ask.beside > n_taken else None
    window = Window()
    results = await rig.run(window=window, by_processes=by_processes)
    assert results.failed == []
    assert results.transferred.objects == len(bodies)
    sizes = [event.in_flight for event in rig.events if isinstance(event, Paced)]
    settled = statistics.median(sizes[len(sizes) // 2 :])
    assert 0.8 * n_taken <= settled <= 1.2 * n_taken, sizes
    assert "server" in {event.limited_by for event in rig.events if isinstance(event, Paced)}
    # Most is refused at the beginning, before the window is found: some turns of its first size.
    assert len(server.asks) < len(bodies) + 6 * START


@BY
async def test_an_outage_is_waited_out(rig: Rig, server: OddServer, by_processes: bool) -> None:
    """A server that refuses connections for a while in the middle of a run costs time, and no object."""
    bodies = fill(server, 300)
    rig.outage = Outage(60.0, rig.take)
    rig.sleeps = 0.05

    def go_away(ask: Ask) -> None:
        """Leave in the middle."""
        if len(server.asks) == 100:
            server.go_away(2.0)

    server.on_ask = go_away
    results = await rig.run(by_processes=by_processes)
    assert results.transferred.objects == len(bodies)
    assert rig.files() == bodies
    said = [event.text for event in rig.events if isinstance(event, Note)]
    assert [text.partition(",")[0].partition(";")[0] for text in said] == [
        "The server is out of reach",
        "The server answers again",
    ]


def workers() -> list[psutil.Process]:
    """Return the workers that live; children of other tests may be dead and not yet waited for."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            found += [one] if "mirror.engine.worker" in one.cmdline() else []
    return found


async def test_a_worker_that_is_killed_ends_the_run(rig: Rig, server: OddServer) -> None:
    """A process that the system ends takes no object with it in silence: one sentence, and the next run goes on."""
    bodies = fill(server, 300)
    server.delay_seconds = 0.01

    def kill_one(ask: Ask) -> None:
        """End one worker in the middle."""
        if len(server.asks) == 100:
            workers()[0].kill()

    server.on_ask = kill_one
    with pytest.raises(ExceptionGroup) as told:
        await rig.run(by_processes=True)
    error = first_error(told.value)
    assert isinstance(error, MirrorError)
    assert "ended in the middle of its work" in str(error)
    assert "-9" in error.found
    assert all(bodies[key] == body for key, body in rig.files().items())


async def test_workers_end_with_their_run(rig: Rig, server: OddServer) -> None:
    """No process is left when a run has ended."""
    fill(server, 50)
    await rig.run(by_processes=True)
    assert workers() == []


async def test_the_bandwidth_limit_is_kept(rig: Rig, server: OddServer) -> None:
    """Bytes come at the rate that was given, small objects and ranges alike, and it is said what limits them."""
    fill(server, 100)
    server.put("large", bytes(50_000))
    total = sum(len(stored.body) for stored in server.objects.values())
    rate = total / 1.5
    started = time.monotonic()
    await rig.run(large_bytes=10_000, throttle=Bandwidth(Timetable(otherwise=rate)))
    seconds = time.monotonic() - started
    assert seconds >= 0.8 * total / rate


async def test_an_answer_that_belongs_to_another_key_is_not_believed(rig: Rig, server: OddServer) -> None:
    """A body with an ETag of its own that is not the listed one is asked for again, over another connection."""
    bodies = fill(server, 20)
    server.fault = lambda ask: SwapWith("d/001") if ask.key == "d/000" and ask.number == 1 else None
    results = await rig.run()
    assert results.failed == []
    assert rig.files() == bodies
    assert len(server.asked("GET", "d/000")) == 2


@BY
async def test_time_that_is_up_gives_back_what_is_not_asked_for(
    rig: Rig, server: OddServer, by_processes: bool
) -> None:
    """Also what was handed over already is not begun any more, and what came has its rows."""
    fill(server, 400)
    server.delay_seconds = 0.05
    # Not by the clock: on a busy machine processes may take seconds to begin.
    results = await rig.run(concurrency=2, by_processes=by_processes, may_go_on=lambda: len(server.asks) < 20)
    assert not results.is_complete
    assert 0 < results.transferred.objects < 200
    assert {row.item.key for row in rig.rows} == set(rig.files())
    assert results.failed == []


async def test_time_that_is_up_ends_the_wait_for_the_bandwidth(rig: Rig, server: OddServer) -> None:
    """A low limit does not stretch a run beyond its time."""
    fill(server, 200)
    started = time.monotonic()
    throttle = Bandwidth(Timetable(otherwise=5_000.0))
    results = await rig.run(throttle=throttle, may_go_on=lambda: time.monotonic() - started < 1.0)
    assert time.monotonic() - started < 4
    assert not results.is_complete

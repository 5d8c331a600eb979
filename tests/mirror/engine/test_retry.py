"""Retries as numbers: which errors, how often, with which waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.engine.discovery import PROBE_SECONDS, probe
from mirror.engine.events import Event, Note, Retried
from mirror.engine.retry import AT_START, PATIENT, TRANSIENT, Outage, Retrier, RetryPolicy, retry_after_of
from mirror.errors import (
    AccessDeniedError,
    BrokenTransferError,
    MirrorError,
    ObjectChangedError,
    ObjectNotFoundError,
    SlowDownError,
    UnknownNameError,
    UnreachableError,
    UnsafeError,
)
from mirror.store.base import ListPage


class Clock:
    """Sleeps without waiting, and knows for how long."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Note the wait."""
        self.waits.append(seconds)


def failing(*errors: MirrorError) -> Callable[[], Awaitable[str]]:
    """Return a call that fails with each of the errors, once, and then answers."""
    rest = list(errors)

    async def call() -> str:
        """Fail as often as asked."""
        if rest:
            raise rest.pop(0)
        return "answer"

    return call


@pytest.mark.parametrize(
    ("attempt", "jitter", "retry_after", "expected"),
    [
        pytest.param(1, 0.0, None, 0.0, id="no jitter"),
        pytest.param(1, 1.0, None, 0.2, id="first"),
        pytest.param(2, 1.0, None, 0.4, id="doubles"),
        pytest.param(5, 0.5, None, 1.6, id="half of it"),
        pytest.param(40, 1.0, None, 20.0, id="capped"),
        pytest.param(1, 0.0, 3.0, 3.0, id="what the server asks"),
        pytest.param(1, 1.0, 3.0, 3.2, id="and more"),
        pytest.param(1, 0.0, 86_400.0, 120.0, id="not for a day"),
        pytest.param(1, 0.5, 0.0, 0.1, id="at once is no wish"),
    ],
)
def test_wait(attempt: int, jitter: float, retry_after: float | None, expected: float) -> None:
    """The wait doubles up to a cap, is drawn between 0 and that, and is never shorter than the server asks."""
    assert RetryPolicy().wait_seconds(attempt, jitter, retry_after) == pytest.approx(expected)


@given(st.integers(1, 60), st.floats(0, 1), st.none() | st.floats(0, 1000))
def test_wait_is_bounded(attempt: int, jitter: float, retry_after: float | None) -> None:
    """No wait is longer than the cap and two minutes, or shorter than what was asked for within them."""
    wait = PATIENT.wait_seconds(attempt, jitter, retry_after)
    asked = min(retry_after or 0.0, 120.0)
    assert asked - 1e-6 <= wait <= PATIENT.cap_seconds + asked + 1e-6


@pytest.mark.parametrize("error", TRANSIENT, ids=lambda kind: kind.__name__)
async def test_transient_errors_are_tried_again(error: type[MirrorError]) -> None:
    """What may go away is tried until it does, with an event and a wait for each."""
    clock, events = Clock(), list[Event]()

    def keep(event: Event) -> None:
        """Keep the wait."""
        events.append(event)

    retrier = Retrier(clock.sleep, sink=keep, chance=lambda: 1.0)
    assert await retrier.run("a key", failing(error("no"), error("no"))) == "answer"
    assert clock.waits == [0.2, 0.4]
    assert [event.wait_seconds for event in events if isinstance(event, Retried)] == clock.waits


@pytest.mark.parametrize("error", [AccessDeniedError, ObjectNotFoundError, UnsafeError, MirrorError])
async def test_other_errors_are_final(error: type[MirrorError]) -> None:
    """What another try cannot mend is raised at once."""
    clock = Clock()
    with pytest.raises(error):
        await Retrier(clock.sleep).run("a key", failing(error("no")))
    assert clock.waits == []


async def test_tries_are_used_up() -> None:
    """After six tries the last error is raised; tries that were made elsewhere count."""
    for before, n_waits in ((0, 5), (1, 4), (5, 0)):
        clock = Clock()
        errors = [BrokenTransferError(f"no {n}") for n in range(9)]
        with pytest.raises(BrokenTransferError, match=f"no {5 - before}"):
            await Retrier(clock.sleep).run("a key", failing(*errors), tries_before=before)
        assert len(clock.waits) == n_waits


async def test_retry_after_is_honoured() -> None:
    """The wait that a server names is kept, with jitter on top, and only for that error."""
    clock = Clock()
    errors = (SlowDownError("slow", retry_after_seconds=7.0), SlowDownError("slow"), BrokenTransferError("no"))
    await Retrier(clock.sleep, chance=lambda: 0.5).run("a key", failing(*errors))
    assert clock.waits == pytest.approx([7.1, 0.2, 0.4])
    assert [retry_after_of(error) for error in errors] == [7.0, None, None]


async def test_what_is_worth_a_try_can_be_narrowed() -> None:
    """A range of an object that changed is not asked for again: it cannot come any more."""
    clock = Clock()
    with pytest.raises(ObjectChangedError):
        await Retrier(clock.sleep, worth=(BrokenTransferError,)).run("a key", failing(ObjectChangedError("other")))
    assert clock.waits == []


def test_an_endpoint_that_is_silent_is_said_within_half_a_minute() -> None:
    """Three tries that wait for an answer and the longest waits between them end before 30 s."""
    waits = sum(AT_START.wait_seconds(attempt, 1.0) for attempt in range(1, AT_START.attempts))
    assert AT_START.attempts * PROBE_SECONDS + waits < 30


class _Lister:
    """Lists nothing, after a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    async def list_page(self, prefix: str, **_: object) -> ListPage:
        """Return an empty page."""
        await asyncio.sleep(self.seconds)
        return ListPage((), (), f"more of {prefix}" if self.seconds else None)


async def test_probe_gives_up_on_a_silent_endpoint() -> None:
    """An endpoint that takes connections and never answers is unreachable, with the URL and what to check."""
    clock = Clock()
    with pytest.raises(UnreachableError, match="s3://bucket") as told:
        await probe(Retrier(clock.sleep, AT_START), _Lister(60), "", thing="s3://bucket", seconds=0.01)
    assert len(clock.waits) == 2
    assert "within 0.01 s" in str(told.value)


async def test_probe_wants_something_under_the_prefix() -> None:
    """A folder that nobody has is a wrong name; an empty bucket without a folder is no fault."""
    await probe(Retrier(Clock().sleep), _Lister(), "")
    with pytest.raises(UnknownNameError, match="nothing under its prefix"):
        await probe(Retrier(Clock().sleep), _Lister(), "heinrich-2021a/")


@pytest.mark.parametrize(
    ("was_there", "max_seconds", "errors", "n_calls"),
    [
        pytest.param(True, 600.0, 40, 41, id="comes back"),
        pytest.param(False, 600.0, 40, 6, id="was never there"),
        pytest.param(True, 0.0, 40, 6, id="nobody waits"),
        pytest.param(True, 30.0, 10**6, None, id="stays away"),
    ],
)
async def test_an_outage(was_there: bool, max_seconds: float, errors: int, n_calls: int | None) -> None:
    """A server that was there is waited for, its tries uncounted, as long as was said; any other has six tries."""
    now, calls = [0.0], [0]

    async def sleep(seconds: float) -> None:
        """Let the time pass."""
        now[0] += seconds

    async def call() -> str:
        """Be unreachable as often as was said."""
        calls[0] += 1
        if calls[0] <= errors:
            raise UnreachableError("no answer", "s3://b")
        return "answer"

    said: list[Event] = []

    def keep(event: Event) -> None:
        """Keep sentences."""
        if isinstance(event, Note):
            said.append(event)

    outage = Outage(max_seconds, keep, lambda: now[0])
    if was_there:
        outage.seen()
    retrier = Retrier(sleep, PATIENT, chance=lambda: 1.0, outage=outage)
    if errors < 10**6 and was_there and max_seconds:
        assert await retrier.run("x", call) == "answer"
        assert ["out of reach" in str(event) for event in said] == [True, False]
    else:
        with pytest.raises(UnreachableError):
            await retrier.run("x", call)
    if n_calls is not None:
        assert calls[0] == n_calls
    else:
        assert max_seconds <= now[0] < max_seconds + 60


async def test_other_errors_count_during_an_outage() -> None:
    """A server that breaks off each answer is there: six tries, however long an outage may last."""
    outage = Outage(600.0)
    outage.seen()
    clock = Clock()
    retrier = Retrier(clock.sleep, PATIENT, outage=outage)
    with pytest.raises(BrokenTransferError):
        await retrier.run("x", failing(*(BrokenTransferError("broke off") for _ in range(9))))
    assert len(clock.waits) == 5


async def test_what_is_unreachable_while_others_are_answered_is_no_outage() -> None:
    """One object to which no connection comes about has six tries, though the server answers for all others."""
    outage, clock = Outage(600.0), Clock()
    outage.seen()

    async def call() -> str:
        """Fail, while another object is answered."""
        outage.seen()
        raise UnreachableError("no answer", "s3://b/one")

    with pytest.raises(UnreachableError):
        await Retrier(clock.sleep, PATIENT, outage=outage).run("one", call)
    assert len(clock.waits) == 5
    assert not outage.is_open

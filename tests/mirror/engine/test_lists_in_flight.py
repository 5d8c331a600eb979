"""LISTs in flight: what the rule comes to against servers of several kinds, in numbers; and the slots that keep it."""

from __future__ import annotations

import asyncio
import heapq
import random
import statistics
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.engine.lists_in_flight import ListPolicy, ListSlots
from mirror.errors import SlowDownError


@dataclass
class Server:
    """A server in numbers: what it answers to a client that always keeps as many requests in flight as it may."""

    bears: int = 1 << 30
    """In flight; it refuses those above."""
    per_second: float = 1e9
    """Answers, at most."""
    seconds: float = 0.1
    """For an answer."""
    jitter: float = 0.2
    seed: int = 1

    def ask(self, policy: ListPolicy, n_answers: int) -> tuple[list[int], float, int]:
        """Return the limit after each answer, answers a second, and how many requests were refused."""
        chance = random.Random(self.seed)
        now, free_at, n_refused = 0.0, 0.0, 0
        in_flight: list[tuple[float, bool]] = []
        limits: list[int] = []
        while len(limits) < n_answers:
            while len(in_flight) < policy.limit:
                is_taken = len(in_flight) < self.bears
                wait = self.seconds * (1 + self.jitter * (chance.random() - 0.5))
                if is_taken:
                    free_at = max(free_at, now) + 1 / self.per_second
                heapq.heappush(in_flight, (max(free_at, now + wait) if is_taken else now + wait / 2, is_taken))
            n_in_flight = len(in_flight)
            now, is_taken = heapq.heappop(in_flight)
            if is_taken:
                policy.answered(now, n_in_flight)
                limits.append(policy.limit)
            else:
                policy.refused()
                n_refused += 1
        return limits, n_answers / now, n_refused


@pytest.mark.parametrize("bears", [1, 2, 3, 5, 10, 20, 30, 40, 50, 63])
@pytest.mark.parametrize("seed", [1, 2])
def test_it_settles_near_what_a_server_bears(bears: int, seed: int) -> None:
    """Within a fifth of it, or one request; few are refused on the way, and the rate is near the best."""
    limits, per_second, n_refused = Server(bears=bears, seed=seed).ask(ListPolicy(), 4_000)
    settled = statistics.median(limits[1_000:])
    assert 0.8 * bears - 1 < settled <= bears
    assert n_refused < 0.06 * 4_000
    assert per_second > 0.8 * bears / 0.1


@pytest.mark.parametrize(
    ("server", "best"),
    [
        pytest.param(Server(), 640, id="bears all"),
        pytest.param(Server(seconds=0.5), 128, id="far away"),
        pytest.param(Server(per_second=100), 100, id="slow"),
        pytest.param(Server(per_second=400), 400, id="fast"),
        pytest.param(Server(per_second=2_000, seconds=0.002), 2_000, id="on this machine"),
        pytest.param(Server(jitter=1.8), 640, id="uneven"),
    ],
)
def test_it_reaches_the_best_rate(server: Server, best: float) -> None:
    """At least nine tenths of what 64 requests in flight would bring, growth included."""
    _, per_second, _ = server.ask(ListPolicy(), 8_000)
    assert per_second > 0.9 * best


def test_requests_that_bring_nothing_are_not_kept() -> None:
    """A server that answers 100 a second in 0.1 s is kept as busy by 24 requests as by 64."""
    limits, _, _ = Server(per_second=100).ask(ListPolicy(first=24), 4_000)
    assert statistics.median(limits) == 24


def test_it_finds_out_that_a_server_bears_more_now() -> None:
    """What was refused once is asked for again, now and then."""
    policy = ListPolicy()
    Server(bears=8).ask(policy, 1_000)
    assert policy.limit <= 8
    limits, _, _ = Server(bears=40).ask(policy, 8_000)
    assert limits[-1] > 25


def test_a_house_that_is_not_full_tells_nothing() -> None:
    """A few folders to look at do not show what more requests would bring."""
    policy = ListPolicy()
    for number in range(1_000):
        policy.answered(number * 0.1, 5)
    assert policy.limit == ListPolicy().limit


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 2), st.integers(1, 100)), max_size=400), st.integers(1, 64))
def test_the_limit_stays_in_its_bounds(answers: list[tuple[bool, float, int]], first: int) -> None:
    """Whatever a server does, between 1 and 64 requests are in flight."""
    policy, now = ListPolicy(first=first), 0.0
    for is_refused, seconds, in_flight in answers:
        now += seconds
        if is_refused:
            policy.refused()
        else:
            policy.answered(now, in_flight)
        assert 1 <= policy.limit <= 64


async def test_no_more_run_than_the_policy_says() -> None:
    """Twenty requests, three at a time, each once."""
    running = peak = n_done = 0

    async def request() -> None:
        """Take two turns of the loop."""
        nonlocal running, peak, n_done
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running -= 1
        n_done += 1

    slots = ListSlots(ListPolicy(first=3, most=3))
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(slots.run(request))
    assert (peak, n_done) == (3, 20)


async def test_a_refusal_halves_what_may_run() -> None:
    """After SlowDown half as many run, and the error goes to the caller, who waits without a slot."""
    policy = ListPolicy(first=8)

    async def request() -> None:
        """Be refused."""
        raise SlowDownError("slow", "s3://b/")

    slots = ListSlots(policy)
    with pytest.raises(SlowDownError):
        await slots.run(request)
    assert policy.limit == 4


async def test_who_is_cancelled_passes_the_turn_on() -> None:
    """A slot that is free is not lost with a waiter that went away as its turn came."""
    slots = ListSlots(ListPolicy(first=1, most=1))
    may_end = asyncio.Event()
    order: list[str] = []

    async def request(name: str) -> None:
        """Wait for the word."""
        order.append(name)
        await may_end.wait()

    tasks = [asyncio.create_task(slots.run(partial(request, name))) for name in ("first", "second", "third")]
    await asyncio.sleep(0.01)
    may_end.set()
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert order[0] == "first"
    assert order[-1] == "third"

"""How many LISTs are in flight: a rule that adapts to what the server answers, and the slots that keep it.

One for each bucket of a run, shared by discovery and listing.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mirror.errors import SlowDownError

T = TypeVar("T")

FIRST, MOST = 48, 64
"""S3 answers a LIST in some 50 to 150 ms; the lister opens no more connections."""
_ROUNDS = 2
"""Answers of a full house, times the limit, that tell a rate."""
_LEAST_SECONDS = 0.05
_WORTH = 0.2
"""Of the growth in requests must come back as growth in answers, or the growth was of no use."""
_FINE = 8
"""Searched to an eighth: a limit that is within that of one that was refused is good enough."""
_REST = 32
"""Rates after which a limit that was found good is questioned again."""


class ListPolicy:
    """How many requests to keep in flight, from what became of those before: pure, told the time.

    Doubles while that brings answers. Halves when the server asks to slow down, then looks for the most that it bears,
    half way between what it bore and what it refused. Once that is found, asks again only now and then.

    Examples
    --------
    >>> policy = ListPolicy(first=8)
    >>> for number in range(17): policy.answered(now=number * 0.1, in_flight=8)
    >>> policy.limit
    16
    >>> policy.refused()
    >>> policy.limit
    8
    """

    def __init__(self, *, first: int = FIRST, most: int = MOST) -> None:
        self.limit = min(first, most)
        """Requests in flight, at most."""
        self._most = most
        self._best_limit, self._best_rate = 0, 0.0
        self._refused: int | None = None
        """The least limit that the server refused."""
        self._rest = 0
        """Rates that are left until the next change."""
        self._n_old = 0
        """Answers that are still to come of requests that were made under another limit."""
        self._n_answers = 0
        self._since: float | None = None

    def answered(self, now: float, in_flight: int) -> None:
        """Take note of an answer.

        Parameters
        ----------
        now
            Seconds, of any clock that does not go back.
        in_flight
            Requests, with the one that was answered. Less than the limit tells nothing about the limit.
        """
        if self._n_old > 0:
            self._n_old -= 1
        elif in_flight < self.limit:
            self._since = None
        elif self._since is None:
            self._since, self._n_answers = now, 0
        else:
            self._n_answers += 1
            seconds = now - self._since
            if self._n_answers >= _ROUNDS * self.limit and seconds >= _LEAST_SECONDS:
                self._judge(self._n_answers / seconds)

    def refused(self) -> None:
        """Take note that the server asked to slow down; more than once a round tells nothing new."""
        if self._n_old > 0 and self._refused is not None:
            self._n_old -= 1
            return
        self._refused = self.limit
        if self._best_limit >= self.limit:
            self._best_limit, self._best_rate = 0, 0.0
        self._set(max(1, self.limit // 2))

    def _judge(self, rate: float) -> None:
        if self._rest > 0:
            self._take_rest(rate)
        elif self.limit <= self._best_limit or self._is_worth(rate):
            if self.limit > self._best_limit:
                self._best_limit, self._best_rate = self.limit, rate
            self._grow()
        else:
            self._settle(self._best_limit)

    def _is_worth(self, rate: float) -> bool:
        if not self._best_limit:
            return True
        return rate / self._best_rate - 1 >= _WORTH * (self.limit / self._best_limit - 1)

    def _grow(self) -> None:
        larger = min(2 * self.limit, self._most) if self._refused is None else (self.limit + self._refused) // 2
        if larger - self.limit > (0 if self._refused is None else self.limit // (2 * _FINE)):
            self._set(larger)
        else:
            self._settle(self.limit)

    def _settle(self, limit: int) -> None:
        self._set(limit)
        self._rest = _REST

    def _take_rest(self, rate: float) -> None:
        self._rest -= 1
        self._since = None
        if not self._rest:
            # The server, or the network, may be another one by now: a little more, and what it said before is void.
            self._best_limit, self._best_rate, self._refused = self.limit, rate, None
            self._set(min(self._most, self.limit + max(1, self.limit // _FINE)))

    def _set(self, limit: int) -> None:
        self._n_old = self.limit
        self._rest = 0
        self.limit = limit
        self._since = None


class ListSlots:
    """Lets as many requests run at a time as the policy says. For tasks of one event loop."""

    def __init__(self, policy: ListPolicy | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy or ListPolicy()
        self._clock = clock
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def run(self, request: Callable[[], Awaitable[T]]) -> T:
        """Return what the request returns, once there is a slot; raises what it raises, and may be called again.

        A wait before another try belongs outside: it would keep a slot from others.
        """
        await self._take()
        try:
            result = await request()
        except SlowDownError:
            self._policy.refused()
            raise
        else:
            self._policy.answered(self._clock(), self._in_flight)
            return result
        finally:
            self._in_flight -= 1
            self._wake()

    async def _take(self) -> None:
        while self._in_flight >= self._policy.limit:
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                self._wake()  # It may have been this one's turn.
                raise
        self._in_flight += 1

    def _wake(self) -> None:
        free = self._policy.limit - self._in_flight
        while self._waiting and free > 0:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1

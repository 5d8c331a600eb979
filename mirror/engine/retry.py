"""Which errors are worth another try, and how long to wait before it."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mirror.engine.events import EventSink, Note, Retried, ignore
from mirror.errors import BrokenTransferError, MirrorError, ObjectChangedError, SlowDownError, UnreachableError

T = TypeVar("T")

TRANSIENT = (BrokenTransferError, SlowDownError, UnreachableError, ObjectChangedError)
"""Worth another try. Other errors of a store are recorded and passed over, or end the run, as the caller decides."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and with which waits (seconds)."""

    attempts: int = 6
    base_seconds: float = 0.2
    cap_seconds: float = 20.0

    def wait_seconds(self, attempt: int, jitter: float, retry_after: float | None = None) -> float:
        """Return the wait before the try after `attempt` (from 1): full jitter, or what the server asked for and more.

        Parameters
        ----------
        jitter
            0 to 1; https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

        Examples
        --------
        >>> RetryPolicy().wait_seconds(3, 0.5)
        0.4
        >>> RetryPolicy().wait_seconds(1, 0.5, retry_after=3.0)
        3.1
        """
        backoff = jitter * min(self.cap_seconds, self.base_seconds * float(2 ** (attempt - 1)))
        return round(backoff + (min(retry_after, 120.0) if retry_after else 0.0), 6)


OUTAGE_WAIT_SECONDS = 5.0
"""The longest wait while a server is out of reach: it is to be seen soon that it is back."""
OUTAGE_TOLD_SECONDS = 1.0
PATIENT = RetryPolicy()
AT_START = RetryPolicy(attempts=3, base_seconds=0.5, cap_seconds=2.0)
"""An endpoint that does not answer is said within 30 s: three tries of at most 8 s and two waits."""


class Outage:
    """How long a server that was there has been out of reach, and whether that is still worth the waiting.

    Parameters
    ----------
    max_seconds
        The longest time to wait; 0 waits for no server.
    clock
        Seconds that never go back.
    """

    def __init__(
        self, max_seconds: float = 0.0, sink: EventSink = ignore, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_seconds = max_seconds
        self._sink = sink
        self._clock = clock
        self._was_there = False
        self.n_seen = 0
        """How often the server was seen to answer."""
        self._since: float | None = None
        self._is_told = False

    def seen(self) -> None:
        """Note that the server answers."""
        self.n_seen += 1
        if self._since is not None and self._is_told:
            self._sink(Note(f"The server answers again, after {self._clock() - self._since:.0f} s."))
        self._was_there, self._since, self._is_told = True, None, False

    @property
    def is_open(self) -> bool:
        """Whether the server has been out of reach since it last answered."""
        return self._since is not None

    def is_worth_waiting(self) -> bool:
        """Note that the server is out of reach; return whether it may still come back."""
        if not self._was_there:
            return False
        if self._since is None:
            self._since = self._clock()
        seconds = self._clock() - self._since
        # Not at the first: answers that were on their way still come in.
        if self._max_seconds and seconds >= OUTAGE_TOLD_SECONDS and not self._is_told:
            self._is_told = True
            self._sink(Note(f"The server is out of reach; it is waited for, up to {self._max_seconds:.0f} s."))
        return seconds < self._max_seconds


@dataclass(frozen=True, slots=True)
class Retrier:
    """Runs a call until it succeeds, fails for good, or the policy's tries are used up.

    Cancelling leaves nothing behind; clock and chance are arguments, so that tests wait for nothing.
    """

    sleep: Callable[[float], Awaitable[None]]
    policy: RetryPolicy = PATIENT
    sink: EventSink = ignore
    chance: Callable[[], float] = random.random
    worth: tuple[type[MirrorError], ...] = TRANSIENT
    """Errors after which the call is made again."""

    outage: Outage = field(default_factory=Outage)

    async def run(self, thing: str, call: Callable[[], Awaitable[T]], *, tries_before: int = 0) -> T:
        """Return what `call` returns.

        Parameters
        ----------
        thing
            What is tried, for the event.
        tries_before
            Tries that were made elsewhere already, and count.

        Raises
        ------
        MirrorError
            The last error, when it is not `worth` it or the tries are used up.
        """
        tries = tries_before
        while True:
            n_seen = self.outage.n_seen
            try:
                result = await call()
            except self.worth as error:
                last = error
            else:
                self.outage.seen()
                return result
            tries += 1
            if tries >= self.policy.attempts and not self._is_outage([last], n_seen):
                raise last
            if await self.pause([(thing, last)], tries, n_seen):
                tries -= 1

    async def pause(self, failed: Sequence[tuple[str, MirrorError]], tries: int, n_seen: int) -> bool:
        """Wait as the policy says after so many tries, once for all that failed; return whether this try counts not.

        Parameters
        ----------
        failed
            What is to be tried again, and why; not empty.
        n_seen
            `outage.n_seen` before they were tried: where others were answered meanwhile, it is no outage.
        """
        is_outage = self._is_outage([error for _, error in failed], n_seen)
        policy = self.policy
        if is_outage:  # Not counted, so that each wait would be as short as the first.
            policy, tries = replace(policy, cap_seconds=OUTAGE_WAIT_SECONDS), tries + 4
        waits = [policy.wait_seconds(tries, self.chance(), retry_after_of(error)) for _, error in failed]
        for (thing, error), wait in zip(failed, waits, strict=True):
            self.sink(Retried(thing, str(error), wait))
        await self.sleep(max(waits))
        return is_outage

    def _is_outage(self, errors: Iterable[MirrorError], n_seen: int) -> bool:
        if n_seen != self.outage.n_seen or not all(isinstance(error, UnreachableError) for error in errors):
            return False
        return self.outage.is_worth_waiting()


def retry_after_of(error: MirrorError) -> float | None:
    """Return the wait that the server asked for, in seconds, if it did."""
    return error.retry_after_seconds if isinstance(error, SlowDownError) else None

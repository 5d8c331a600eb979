"""Which errors are worth another try, and how long to wait before it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from mirror.engine.events import EventSink, Retried, ignore
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


PATIENT = RetryPolicy()
AT_START = RetryPolicy(attempts=3, base_seconds=0.5, cap_seconds=2.0)
"""An endpoint that does not answer is said within 30 s: three tries of at most 8 s and two waits."""


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
        attempt = tries_before
        while True:
            attempt += 1
            try:
                return await call()
            except self.worth as error:
                if attempt >= self.policy.attempts:
                    raise
                last = error
            await self.pause(thing, last, attempt)

    async def pause(self, thing: str, error: MirrorError, attempt: int = 1) -> None:
        """Wait as the policy says before the try after `attempt`."""
        wait = self.policy.wait_seconds(attempt, self.chance(), retry_after_of(error))
        self.sink(Retried(thing, str(error), wait))
        await self.sleep(wait)


def retry_after_of(error: MirrorError) -> float | None:
    """Return the wait that the server asked for, in seconds, if it did."""
    return error.retry_after_seconds if isinstance(error, SlowDownError) else None

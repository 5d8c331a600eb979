"""The bandwidth limit: a rate, or a timetable of rates by the clock on the wall."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from mirror.quantities import Timetable

BURST_SECONDS = 0.1
"""What was not used may be caught up with, up to this much."""


class Throttle(Protocol):
    """Says when the next request may go out. Thread-safe."""

    def is_closed(self) -> bool:
        """Return whether the bandwidth is used up for the moment."""
        ...

    def take(self, n_bytes: int) -> None:
        """Count bytes that will come."""
        ...


class Unthrottled:
    """No limit."""

    def is_closed(self) -> bool:
        """Return False."""
        return False

    def take(self, n_bytes: int) -> None:
        """Do nothing."""


UNTHROTTLED = Unthrottled()


def minute_of_day() -> int:
    """Return the minute of the day in local time, 0 to 1439."""
    now = time.localtime()
    return 60 * now.tm_hour + now.tm_min


class Bandwidth:
    """A limit by a timetable.

    Requests go out while what came is not ahead of the rate: an object may be, as a whole, and is then waited for.

    Parameters
    ----------
    clock
        Seconds that never go back.
    minute
        Minute of the day in local time.
    """

    def __init__(
        self,
        timetable: Timetable,
        *,
        clock: Callable[[], float] = time.monotonic,
        minute: Callable[[], int] = minute_of_day,
    ) -> None:
        self._timetable = timetable
        self._clock = clock
        self._minute = minute
        self._lock = threading.Lock()
        self._looked_at = clock()
        self._left = 0.0
        """Bytes that may come at once; below 0 as many too many have."""

    def is_closed(self) -> bool:
        """Return whether the bandwidth is used up for the moment."""
        with self._lock:
            now = self._clock()
            seconds, self._looked_at = now - self._looked_at, now
            rate = self._timetable.bytes_per_second(self._minute())
            if rate is None:
                self._left = 0.0
                return False
            self._left = min(self._left + rate * seconds, rate * BURST_SECONDS)
            return self._left < 0

    def take(self, n_bytes: int) -> None:
        """Count bytes that will come."""
        with self._lock:
            self._left -= n_bytes

"""How fast a transfer goes and how long it will take, from what was done so far: plain numbers."""

from __future__ import annotations

from collections import deque

from mirror.objects import Tally

WINDOW_SECONDS = 30.0
"""Over which the rate is taken: the last half minute tells more than an average since the start."""


class Pace:
    """Counts what is done of what is planned.

    Parameters
    ----------
    started
        Seconds on the clock that `add` is given, too.
    """

    def __init__(self, planned: Tally, started: float) -> None:
        self.planned = planned
        self.done = Tally()
        self._marks: deque[tuple[float, Tally]] = deque([(started, Tally())])

    def add(self, done: Tally, now: float) -> None:
        """Count what was done since the last call."""
        self.done += done
        self._marks.append((now, self.done))
        while len(self._marks) > 2 and self._marks[1][0] <= now - WINDOW_SECONDS:
            self._marks.popleft()

    @property
    def fraction(self) -> float:
        """How much of the work is done, 0 to 1: objects and bytes count half each, since each costs time."""
        parts = [
            min(done / planned, 1.0)
            for done, planned in (
                (self.done.objects, self.planned.objects),
                (self.done.bytes, self.planned.bytes),
            )
            if planned
        ]
        return sum(parts) / len(parts) if parts else 1.0

    def rates(self, now: float) -> tuple[float, float]:
        """Return objects and bytes a second over the window."""
        since, before = self._marks[0]
        seconds = now - since
        if seconds <= 0:
            return 0.0, 0.0
        return (self.done.objects - before.objects) / seconds, (self.done.bytes - before.bytes) / seconds

    def seconds_left(self, now: float) -> float | None:
        """Return how long the rest takes at the window's rates; None while nothing can be said."""
        objects_per_second, bytes_per_second = self.rates(now)
        left = [
            (planned - done) / rate
            for planned, done, rate in (
                (self.planned.objects, self.done.objects, objects_per_second),
                (self.planned.bytes, self.done.bytes, bytes_per_second),
            )
            if rate > 0
        ]
        return max(0.0, sum(left) / len(left)) if left else None

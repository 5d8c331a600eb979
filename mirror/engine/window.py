"""How many requests are in flight: more while that brings more, fewer when the server asks for it. Plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

START = 256
LIMIT = 2048
_GAIN = 1.1
"""More objects or bytes a second by this factor count as more; less is noise."""
_BUSY = 0.1
"""Where threads wait for less than this share of the time, more in flight only waits elsewhere."""
_NEAR = 0.1
"""Two sizes this near to each other are one."""
_OVERLOAD = 0.05
"""Share of the answers from which refusals, or other errors, count as the server's wish for fewer."""
_SAMPLE_TURNS = 4
_GROWING_TURNS = 2
"""Answers in a sample, for each request in flight. Two tell that twice as much comes; one in twenty takes more."""
_FOLLOW = 0.2
_HOLD_SECONDS = 10.0
_MAX_HOLD_SECONDS = 300.0


class Limit(StrEnum):
    """What keeps a transfer from being faster. The values are the words that users read."""

    NETWORK = "network"
    SERVER = "server"
    SHARE = "share"
    CPU = "CPU"
    BANDWIDTH = "bandwidth limit"
    CONCURRENCY = "concurrency"


@dataclass(frozen=True, slots=True)
class Sample:
    """What came of the requests of some time."""

    seconds: float
    objects: int
    """Answered with their bytes."""
    bytes: int
    refused: int = 0
    """Answered by a wish to slow down."""
    broken: int = 0
    """Failed in another way that is worth another try."""
    waiting: float | None = None
    """Share of the time in which nothing was there to be worked at, 0 to 1; None where nobody knows."""

    @property
    def answers(self) -> int:
        """All requests that came to an end."""
        return self.objects + self.refused + self.broken

    @property
    def is_overload(self) -> bool:
        """Whether the server had enough."""
        return max(self.refused, self.broken) > _OVERLOAD * self.answers


class Window:
    """The number of requests in flight to one host.

    It doubles while throughput grows by it, then holds, and tries again now and then. Refusals halve it at least; what
    was refused and what was not then enclose the server's own limit, which is found by halving the distance.

    Parameters
    ----------
    fixed
        The size for good, if the user said one.
    """

    def __init__(self, *, start: int = START, limit: int = LIMIT, fixed: int | None = None) -> None:
        self.size = fixed or min(start, limit)
        self._limit = limit
        self._is_fixed = fixed is not None
        self._good = 0
        """The largest size that was not refused since one was."""
        self._bad: int | None = None
        """The smallest size that was refused."""
        self._best = _Rate(0.0, 0.0)
        self._best_size = self.size
        self._hold_seconds = _HOLD_SECONDS
        self._held_seconds: float | None = None
        """Since it stopped growing; None while it grows."""
        self._was_overload = False
        self._has_just_shrunk = False
        """Whether no sample was judged since."""
        self._n_before = 0
        """Requests that were on their way when the size changed."""
        self._waiting: float | None = None

    @property
    def most(self) -> int:
        """The largest size that it can come to."""
        return self.size if self._is_fixed else self._limit

    def limit_to(self, limit: int) -> None:
        """Never be larger than what there are threads or connections for."""
        self._limit = min(self._limit, limit)
        self.size = min(self.size, self._limit)

    def least(self, n_refused: int) -> int:
        """Return how many answers a sample needs: few where refusals tell enough, else so many that one does not."""
        if self._n_before:
            return 2 * self._n_before  # Those on their way, and as many again that came and were not told yet.
        if n_refused > self.size // 4:
            return self.size
        return (_GROWING_TURNS if self._is_growing else _SAMPLE_TURNS) * self.size

    @property
    def limit(self) -> Limit:
        """What keeps it from growing, as far as requests show it."""
        if self._was_overload or self._bad is not None:
            return Limit.SERVER
        if self._waiting is not None and self._waiting < _BUSY:
            return Limit.CPU
        return Limit.CONCURRENCY if self._is_fixed else Limit.NETWORK

    def take(self, sample: Sample) -> int:
        """Return the size from now on, given what came at the size before."""
        self._waiting = _smooth(self._waiting, sample.waiting)
        self._was_overload = sample.is_overload
        if self._is_fixed:
            return self.size
        if self._n_before:
            # This was asked for at the size before.
            self._n_before = 0
            return self.size
        before = self.size
        self._judge(sample)
        self._n_before = before if self.size != before else 0
        return self.size

    @property
    def _is_growing(self) -> bool:
        return self._bad is None and self._held_seconds is None

    def _judge(self, sample: Sample) -> None:
        is_first_since, self._has_just_shrunk = self._has_just_shrunk, False
        if sample.is_overload:
            # Where workers heard late of the smaller size, refusals of the larger one are among these: to believe them
            # would take the smaller one for too large, for long. If it is, the next sample says so again.
            if not is_first_since:
                self._shrink(sample)
        elif self._bad is not None:
            self._approach(self._bad, sample.seconds)
        elif self._is_growing:
            self._grow(sample)
        else:
            self._hold(sample)

    def _shrink(self, sample: Sample) -> None:
        self._bad = self.size if self._bad is None else min(self._bad, self.size)
        if self._good >= self.size:
            self._good = 0  # What the server took before is too much for it now.
        # By half at least; further where most was refused, to what was not.
        taken = max(self.size // 8, self.size * sample.objects // sample.answers)
        self.size = max(1, self._good or min(self.size // 2, taken))
        self._held_seconds = None
        self._has_just_shrunk = True

    def _approach(self, bad: int, seconds: float) -> None:
        self._good = max(self._good, self.size)
        if bad - self._good > max(1, _NEAR * bad):
            self.size = (self._good + bad) // 2
            return
        self.size = self._good
        self._held_seconds = (self._held_seconds or 0.0) + seconds
        if self._held_seconds >= self._hold_seconds:
            # The server may have got faster, or less busy. Longer each time, for each time costs refusals.
            self._hold_seconds = min(2 * self._hold_seconds, _MAX_HOLD_SECONDS)
            self._bad, self._held_seconds = None, None
            self._best = _Rate(0.0, 0.0)
            self.size = min(self._limit, max(self.size + 1, round(self.size * (1 + _NEAR))))

    def _grow(self, sample: Sample) -> None:
        rate = _Rate.of(sample)
        if rate.is_more_than(self._best):
            self._best, self._best_size = rate, self.size
            if self.size < self._limit and not self._is_busy(sample):
                self.size = min(self._limit, 2 * self.size)
                self._hold_seconds = _HOLD_SECONDS
                return
        self.size = self._best_size
        self._held_seconds = 0.0

    def _hold(self, sample: Sample) -> None:
        self._held_seconds = (self._held_seconds or 0.0) + sample.seconds
        if self._held_seconds >= self._hold_seconds and self.size < self._limit and not self._is_busy(sample):
            self._hold_seconds = min(2 * self._hold_seconds, _MAX_HOLD_SECONDS)
            self._best, self._best_size, self._held_seconds = _Rate.of(sample), self.size, None
            self.size = min(self._limit, 2 * self.size)

    @staticmethod
    def _is_busy(sample: Sample) -> bool:
        return sample.waiting is not None and sample.waiting < _BUSY


def _smooth(before: float | None, now: float | None) -> float | None:
    """Return a value that follows slowly: what is shown to a user must not flicker."""
    return now if before is None or now is None else before + _FOLLOW * (now - before)


@dataclass(frozen=True, slots=True)
class _Rate:
    objects_per_second: float
    bytes_per_second: float

    @classmethod
    def of(cls, sample: Sample) -> _Rate:
        seconds = max(sample.seconds, 1e-9)
        return cls(sample.objects / seconds, sample.bytes / seconds)

    def is_more_than(self, other: _Rate) -> bool:
        # Either: small objects after large ones are more objects and fewer bytes.
        return (
            self.objects_per_second > _GAIN * other.objects_per_second
            or self.bytes_per_second > _GAIN * other.bytes_per_second
        )

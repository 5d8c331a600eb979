"""The way from B's size to A's as bars on an axis, for every renderer that draws it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mirror.explain.causes import Cause
from mirror.report.explanation import WaterfallStep

_LEAST_VISIBLE = 0.04
"""Part of the axis below which the steps tell nothing, so that it begins further to the right."""
_NICE = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: the size of a bucket from 0 to all of it, or a step between the two."""

    title: str
    start_bytes: int
    end_bytes: int
    cause: Cause | None
    """None for the size of a bucket."""

    @property
    def bytes(self) -> int:
        """The size of a bucket, or what the step adds, which may be below 0."""
        return self.end_bytes - self.start_bytes


def waterfall_bars(b_bytes: int, a_bytes: int, steps: Iterable[WaterfallStep]) -> tuple[Bar, ...]:
    """Return B's size, the steps in their order, and A's size.

    >>> [(bar.title, bar.bytes) for bar in waterfall_bars(10, 10, ())]
    [("B's size", 10), ("A's size", 10)]
    """
    between = (Bar(step.title, step.start_bytes, step.end_bytes, step.cause) for step in steps)
    return Bar("B's size", 0, b_bytes, None), *between, Bar("A's size", 0, a_bytes, None)


@dataclass(frozen=True, slots=True)
class Axis:
    """What lies between the left and the right end of a drawing."""

    low: int
    high: int

    @classmethod
    def over(cls, values: Iterable[int]) -> Axis:
        """Return the axis that reaches from 0 to all values; never an empty one."""
        known = [0, *values]
        return cls(min(known), max(*known, min(known) + 1))

    @classmethod
    def of_waterfall(cls, bars: Sequence[Bar]) -> Axis:
        """Return the axis of a waterfall. It begins at 0, or where all steps are small beside the sizes, near them."""
        ends = [bar.end_bytes for bar in bars]
        low, high = min(ends), max(ends)
        reach = high - low
        if low <= 0 or not reach or reach / high >= _LEAST_VISIBLE:
            return cls.over(ends)
        return cls(max(0, low - reach), high)

    def place(self, n_bytes: int) -> float:
        """Return where a value lies, 0 at the left end and 1 at the right; values outside lie at the ends.

        >>> Axis(0, 200).place(50), Axis(100, 200).place(0)
        (0.25, 0.0)
        """
        return min(1.0, max(0.0, (n_bytes - self.low) / (self.high - self.low)))

    def ticks(self, most: int = 5) -> tuple[int, ...]:
        """Return round numbers on the axis, at most so many.

        >>> Axis(0, 245_000_000_000).ticks(), Axis(-3, 3).ticks(3)
        ((0, 50000000000, 100000000000, 150000000000, 200000000000), (-2, 0, 2))
        """
        step = next(step for step in _steps() if self.high // step - -(-self.low // step) < most)
        first = -(-self.low // step)
        return tuple(n * step for n in range(first, self.high // step + 1))


def _steps() -> Iterator[int]:
    """Yield 1, 2, 5, 10, 20, 50 ..."""
    power = 1
    while True:
        yield from (power * digit for digit in _NICE)
        power *= 10

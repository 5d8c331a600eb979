"""What was measured, and the figures that are drawn from it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.measure import Measured


@dataclass(frozen=True, slots=True)
class Ratio:
    """One tool beside another: the medians' ratio, and the extremes of the ratios of each round."""

    of_medians: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, above: Sequence[float], below: Sequence[float]) -> Ratio:
        """Return the ratio of two rows of figures; those of one round stand at the same place.

        >>> Ratio.of([2.0, 4.0, 9.0], [1.0, 4.0, 3.0])
        Ratio(of_medians=1.3333333333333333, lowest=1.0, highest=3.0)
        """
        each = [one / other for one, other in zip(above, below, strict=True)]
        return cls(statistics.median(above) / statistics.median(below), min(each), max(each))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several tools on the same objects, in turn."""

    command: str
    """That made it."""
    setting: str
    """What was measured, when, where, with which versions; a sentence."""
    n_objects: int
    n_bytes: int
    runs: Mapping[str, Sequence[Measured]]
    """By the name of the tool, one a round."""
    baseline: str
    """The tool that the others are compared with."""
    wrk_per_second: Sequence[float] = ()
    """Requests that the server answered to wrk, one figure a round; empty where that was not measured."""
    n_missed_lists: int = 0
    """LIST answers that were to be kept by nginx and were not, in counted runs."""

    def median(self, name: str) -> Measured:
        """Return the medians of a tool."""
        return Measured.median(self.runs[name])

    def objects_per_second(self, name: str) -> float:
        """Return the median rate of a tool."""
        return self.n_objects / self.median(name).seconds

    def rate(self, name: str, baseline: str | None = None) -> Ratio:
        """Return how many times as fast as the baseline a tool is."""
        return self._ratio(baseline or self.baseline, name, lambda run: run.seconds)

    def cpu(self, name: str, baseline: str | None = None) -> Ratio:
        """Return how many times the baseline's CPU a tool takes."""
        return self._ratio(name, baseline or self.baseline, lambda run: run.cpu_seconds)

    def share_of_wrk(self, name: str) -> float | None:
        """Return which part of wrk's request rate a tool reaches; None where that was not measured."""
        if not self.wrk_per_second:
            return None
        return self.objects_per_second(name) / statistics.median(self.wrk_per_second)

    def as_json(self) -> dict[str, Any]:
        """Return all of it, every run, for a file."""
        return asdict(self)

    def _ratio(self, above: str, below: str, figure: Callable[[Measured], float]) -> Ratio:
        return Ratio.of([figure(run) for run in self.runs[above]], [figure(run) for run in self.runs[below]])

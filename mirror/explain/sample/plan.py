"""Which places of a level are decoded: drawn by lot from each stratum, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirror.errors import UsageError
from mirror.explain.sample.places import Columns, Place, in_batches, lots
from mirror.explain.sample.strata import Strata, bins_of, count_places, cut_strata


@dataclass(frozen=True, slots=True)
class Stratum:
    """Places that are alike, and those drawn of them."""

    n_places: int
    places: tuple[Place, ...]
    """Drawn, in the order of their positions: two or more, or all."""


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """The places of a level to fetch from both sides."""

    strata: tuple[Stratum, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """All that are drawn, stratum by stratum: the order of every list of measures."""
        return tuple(place for stratum in self.strata for place in stratum.places)

    @property
    def n_places(self) -> int:
        """Places of the level, drawn or not."""
        return sum(stratum.n_places for stratum in self.strata)

    @property
    def is_complete(self) -> bool:
        """Whether every place is drawn, so that nothing is left to chance."""
        return all(len(stratum.places) == stratum.n_places for stratum in self.strata)

    def weights(self) -> NDArray[np.float64]:
        """Return for each drawn place how many places it stands for."""
        each = [np.full(len(one.places), one.n_places / len(one.places)) for one in self.strata]
        return np.concatenate(each) if each else np.zeros(0)

    def only(self, indices: Collection[tuple[int, ...]]) -> SamplePlan:
        """Return the plan with those drawn places alone: the others could not be fetched or decoded.

        A stratum that is left with fewer than two joins the one before it (the first, the one behind), so that its
        places are still stood for. What could not be decoded is taken to be like the rest of its stratum.
        """
        kept = [
            Stratum(one.n_places, tuple(place for place in one.places if place.index_xyz in indices))
            for one in self.strata
        ]
        joined: list[Stratum] = []
        for one in kept:
            if joined and (_is_thin(one) or _is_thin(joined[-1])):
                last = joined.pop()
                one = Stratum(last.n_places + one.n_places, last.places + one.places)  # noqa: PLW2901
            joined.append(one)
        return SamplePlan(tuple(one for one in joined if one.places))


def _is_thin(stratum: Stratum) -> bool:
    return len(stratum.places) < min(2, stratum.n_places)


def plan_sample(read_places: Callable[[], Iterable[Place]], n_places: int | None, *, seed: int) -> SamplePlan:
    """Return the places to decode: the same for the same seed, whatever the order in which places are read.

    Parameters
    ----------
    read_places
        Called twice, to yield the same places; never are more than the drawn ones and one batch in memory.
    n_places
        How many to draw, or None for all. All are drawn as well where there are not more.

    Raises
    ------
    UsageError
        Fewer than two places cannot tell how much places differ.
    """
    if n_places is not None and n_places < 2:
        raise UsageError("cannot estimate from so few places", "--sample", expected="2 or more", found=str(n_places))
    bins = count_places(in_batches(read_places()))
    strata = cut_strata(bins, bins.n_places if n_places is None else n_places)
    drawn: list[Columns | None] = [None] * len(strata.sizes)
    for batch in in_batches(read_places()):
        _draw(drawn, batch, strata, seed)
    each = (_stratum(size, columns) for size, columns in zip(strata.sizes, drawn, strict=True))
    return SamplePlan(tuple(each))


def _draw(drawn: list[Columns | None], batch: Columns, strata: Strata, seed: int) -> None:
    """Keep of each stratum the places with the lowest lots among those seen so far."""
    of_place = strata.of_bin[bins_of(batch)]
    for number in np.unique(of_place).tolist():
        rows = batch.take(np.flatnonzero(of_place == number))
        before = drawn[number]
        drawn[number] = _lowest(rows if before is None else before.joined(rows), strata.n_drawn[number], seed)


def _lowest(columns: Columns, n: int, seed: int) -> Columns:
    if len(columns.a_bytes) <= n:
        return columns
    # Equal lots are all but impossible, and yet must not let the order of reading decide.
    keys = (*columns.index_xyz.T[::-1], lots(columns.index_xyz, seed))
    return columns.take(np.lexsort(keys)[:n])


def _stratum(size: int, columns: Columns | None) -> Stratum:
    return Stratum(size, () if columns is None else tuple(sorted(columns.places())))

"""Strata of a level: its places by interior or edge and by stored size, counted in one pass of bounded memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from mirror.explain.sample.places import Columns

_BINS_PER_OCTAVE = 32
"""Sizes within 2 % of each other are one bin: far finer than the eight classes they are cut into."""
_N_BINS = 65 * _BINS_PER_OCTAVE
_MAX_CLASSES = 8
"""More classes gain next to nothing over eight (Cochran 1977, 5A.8), and leave fewer places in each."""
_PLACES_PER_CLASS = 16
"""So that a class of the interior has about eight: fewer, and an interval from them is too narrow too often."""
_INSIDE_PER_EDGE = 4
"""Classes of the interior to one of the edge, which has fewer places and fewer bytes in each."""
_MEASURED_SPREAD_PERCENT = 10
"""Of a stratum's mean size, added to the spread of its known sizes: measures vary where known sizes do not, and a
stratum of nearly equal sizes must not be left to two places."""
_LARGEST = 2**32 - 1


@dataclass(slots=True)
class Bins:
    """What is known of all places before any is drawn, by bins of stored size; integers, so the order is nothing."""

    counts: NDArray[np.int64]
    sums: NDArray[np.int64]
    """Of A's and B's bytes, a row a side, in bins; sizes over 4 GiB count as 4 GiB, for the allocation alone."""
    squares: NDArray[np.int64]
    """Of the same numbers: high and low halves, so that nothing overflows."""

    @classmethod
    def empty(cls) -> Bins:
        """Return bins without a place."""
        shape = 2 * _N_BINS
        return cls(np.zeros(shape, np.int64), np.zeros((2, shape), np.int64), np.zeros((2, 2, shape), np.int64))

    def add(self, columns: Columns) -> None:
        """Count some places."""
        bins = bins_of(columns)
        np.add.at(self.counts, bins, 1)
        for side, stored in enumerate((columns.a_bytes, columns.b_bytes)):
            capped = np.minimum(stored, _LARGEST)
            np.add.at(self.sums[side], bins, capped)
            square = capped.astype(np.uint64) ** np.uint64(2)
            np.add.at(self.squares[side, 0], bins, (square >> np.uint64(32)).astype(np.int64))
            np.add.at(self.squares[side, 1], bins, (square & np.uint64(_LARGEST)).astype(np.int64))

    @property
    def n_places(self) -> int:
        """Places counted."""
        return int(self.counts.sum())


def bins_of(columns: Columns) -> NDArray[np.int64]:
    """Return the bin of each place: by the bytes of both sides together, edges behind the interior."""
    together = columns.a_bytes.astype(np.float64) + columns.b_bytes.astype(np.float64)
    inside = np.floor(np.log2(together + 1) * _BINS_PER_OCTAVE).astype(np.int64)
    return np.asarray(inside + _N_BINS * columns.is_edge, np.int64)


def count_places(batches: Iterable[Columns]) -> Bins:
    """Return all places, counted."""
    bins = Bins.empty()
    for columns in batches:
        bins.add(columns)
    return bins


@dataclass(frozen=True, slots=True)
class Strata:
    """Bins cut into strata, and how many places are drawn from each."""

    of_bin: NDArray[np.int64]
    """Number of the stratum of each bin."""
    sizes: tuple[int, ...]
    """Places of each stratum."""
    n_drawn: tuple[int, ...]


def cut_strata(bins: Bins, n_places: int) -> Strata:
    """Return as many strata as the sample can fill with two places each, allocated by the spread of known sizes.

    A class holds about as many places as any other; classes whose sizes are one size fall together.

    Parameters
    ----------
    n_places
        Places to draw, 2 or more; all of them are drawn where there are not more.
    """
    for n_classes in range(min(_MAX_CLASSES, max(1, n_places // _PLACES_PER_CLASS)), 0, -1):
        of_bin = _classes(bins.counts, n_classes)
        if _least(bins.counts, of_bin) <= n_places:
            return _allocated(bins, of_bin, n_places)
    return _allocated(bins, np.zeros(len(bins.counts), np.int64), n_places)


def _classes(counts: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    halves = np.split(counts, 2)
    inside, edge = _quantiles(halves[0], n_classes), _quantiles(halves[1], -(-n_classes // _INSIDE_PER_EDGE))
    of_bin = np.concatenate((inside, edge + inside.max() + 1))
    # Numbers without a gap, of bins that hold a place.
    used = np.unique(of_bin[counts > 0])
    return np.searchsorted(used, of_bin)


def _quantiles(counts: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    n_before = np.cumsum(counts) - counts
    return np.asarray(n_before * n_classes // max(1, int(counts.sum())), np.int64)


def _least(counts: NDArray[np.int64], of_bin: NDArray[np.int64]) -> int:
    sizes = np.bincount(of_bin[counts > 0], counts[counts > 0])
    return int(np.minimum(sizes, 2).sum())


def _allocated(bins: Bins, of_bin: NDArray[np.int64], n_places: int) -> Strata:
    held = bins.counts > 0
    numbers = range(int(of_bin[held].max(initial=-1)) + 1)
    members = [np.flatnonzero(held & (of_bin == number)) for number in numbers]
    sizes = tuple(int(bins.counts[rows].sum()) for rows in members)
    spreads = tuple(_spread(bins, rows, size) for rows, size in zip(members, sizes, strict=True))
    return Strata(of_bin, sizes, allocate(sizes, spreads, n_places))


def _spread(bins: Bins, rows: NDArray[np.int64], size: int) -> int:
    """Return size x standard deviation of the stratum, the two sides' variances added, in 1/1000 byte."""
    squared = 0
    for side in range(2):
        high, low = (int(bins.squares[side, half, rows].sum()) for half in range(2))
        total = int(bins.sums[side, rows].sum())
        squared += size * ((high << 32) + low) - total**2 + (total * _MEASURED_SPREAD_PERCENT) ** 2 // 10_000
    return isqrt(squared * 1_000_000)


def allocate(sizes: tuple[int, ...], spreads: tuple[int, ...], n_places: int) -> tuple[int, ...]:
    """Return how many places each stratum gives: by size times standard deviation (Neyman 1934), at least 2.

    A stratum gives no more than it has; what it cannot give, others do. Strata without spread share what is left
    by size. In whole numbers throughout, ties by position.

    Parameters
    ----------
    spreads
        Size times standard deviation, in any unit.
    n_places
        Not less than twice the strata, or than what they hold where they hold less.

    >>> allocate((100, 100, 1), (900, 100, 0), 21)
    (18, 2, 1)
    >>> allocate((4, 100), (1000, 1), 50), allocate((2, 3), (1, 1), 99)
    ((4, 46), (2, 3))
    """
    n_places = min(n_places, sum(sizes))
    drawn = [min(2, size) for size in sizes]
    left = n_places - sum(drawn)
    for weights in (spreads, sizes):
        while left > 0:
            open_ = [i for i, size in enumerate(sizes) if drawn[i] < size and weights[i] > 0]
            if not open_:
                break
            left = _hand_out(drawn, sizes, weights, open_, n_places)
    return tuple(drawn)


def _hand_out(
    drawn: list[int], sizes: tuple[int, ...], weights: tuple[int, ...], open_: list[int], n_places: int
) -> int:
    """Give the open strata what they lack of their share, at least one place in all; return what is left."""
    left = n_places - sum(drawn)
    pool = left + sum(drawn[i] for i in open_)
    total = sum(weights[i] for i in open_)
    lacks = {i: Fraction(pool * weights[i], total) - drawn[i] for i in open_}
    for i in sorted(open_, key=lambda i: (-lacks[i], i)):
        more = min(max(1, int(lacks[i])), sizes[i] - drawn[i], left)
        if lacks[i] > 0:
            drawn[i] += more
            left -= more
    return left

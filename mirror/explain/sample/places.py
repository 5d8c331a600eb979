"""Places of a level: block positions that both sides store, with what each stores there; and their order by lot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BATCH = 65_536
"""Places that are looked at together: 3 MB of columns."""


class Place(NamedTuple):
    """A position that both sides store. A tuple, for there are millions."""

    index_xyz: tuple[int, ...]
    """Grid position of the block; of the cell, where the sides cut their blocks differently."""
    a_bytes: int
    """Payload that A stores there, without block headers."""
    b_bytes: int
    """Payload that B stores there, without block headers."""
    is_edge: bool
    """Whether it is cut off by the end of the array on any axis."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Some places, a column a field."""

    index_xyz: NDArray[np.int64]
    """A row a place."""
    a_bytes: NDArray[np.int64]
    b_bytes: NDArray[np.int64]
    is_edge: NDArray[np.bool_]

    @classmethod
    def of(cls, places: Sequence[Place]) -> Columns:
        """Return the columns of one place or more."""
        return cls(
            np.array([place.index_xyz for place in places], np.int64),
            np.array([place.a_bytes for place in places], np.int64),
            np.array([place.b_bytes for place in places], np.int64),
            np.array([place.is_edge for place in places], np.bool_),
        )

    def take(self, rows: NDArray[Any]) -> Columns:
        """Return some rows."""
        return Columns(self.index_xyz[rows], self.a_bytes[rows], self.b_bytes[rows], self.is_edge[rows])

    def joined(self, other: Columns) -> Columns:
        """Return the rows of both."""
        return Columns(
            np.concatenate((self.index_xyz, other.index_xyz)),
            np.concatenate((self.a_bytes, other.a_bytes)),
            np.concatenate((self.b_bytes, other.b_bytes)),
            np.concatenate((self.is_edge, other.is_edge)),
        )

    def places(self) -> tuple[Place, ...]:
        """Return the rows as values."""
        columns = (self.index_xyz.tolist(), self.a_bytes.tolist(), self.b_bytes.tolist(), self.is_edge.tolist())
        return tuple(Place(tuple(index), a, b, edge) for index, a, b, edge in zip(*columns, strict=True))


def in_batches(places: Iterable[Place]) -> Iterator[Columns]:
    """Yield all places as columns, `BATCH` at a time."""
    rest = iter(places)
    while batch := list(islice(rest, BATCH)):
        yield Columns.of(batch)


def lots(index_xyz: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """Return a number for each place by which it is drawn, lowest first: set by the seed and the position alone.

    So a draw does not depend on the order in which places come, and a larger sample holds the smaller one's places
    of each stratum. The mixing is SplitMix64 (Steele, Lea and Flood 2014), applied axis by axis.

    >>> rows = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    >>> (lots(rows, 1)[::-1] == lots(rows[::-1], 1)).all(), len(set(lots(rows, 1).tolist()))
    (np.True_, 3)
    """
    mixed = _mix(np.full(len(index_xyz), seed % 2**64, np.uint64))
    for axis in range(index_xyz.shape[1]):
        mixed = _mix(mixed ^ index_xyz[:, axis].astype(np.uint64))
    return mixed


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))

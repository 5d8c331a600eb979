"""Basic indexing as NumPy has it: which voxels of each axis are read, and what is done with them then."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any, SupportsIndex, TypeAlias

from mirror.crops.box import Box

Part: TypeAlias = SupportsIndex | slice | EllipsisType | None
Index: TypeAlias = Part | tuple[Part, ...]
"""What NumPy calls basic: integers, slices, `...` and None, alone or in a tuple."""

_NOT_BASIC = (
    "only integers, slices (`:`), ellipsis (`...`) and numpy.newaxis (`None`) are valid indices of a volume; "
    "read a box of it first, as volume[...], and index the array"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Voxels that an index asks for."""

    ranges: tuple[range, ...]
    """Of each axis; ascending, and empty where nothing is asked for."""
    rest: tuple[Any, ...]
    """The index to apply to what was read: it drops axes of integers, turns round, adds new ones."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is to be read."""
        return tuple(map(len, self.ranges))

    @property
    def box(self) -> Box:
        """The smallest box that holds the voxels."""
        ends = [(one[0], one[-1] + 1) if one else (one.start, one.start) for one in self.ranges]
        return Box(tuple(start for start, _ in ends), tuple(stop - start for start, stop in ends))

    def blocks(self, block_shape: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """Return the numbers of the blocks that hold voxels, along each axis: their product is all of them.

        >>> want((slice(0, 200, 150), 63), (200, 100)).blocks((64, 64))
        ((0, 2), (0,))
        """
        return tuple(_numbers(one, size) for one, size in zip(self.ranges, block_shape, strict=True))


def want(index: Index, shape: Sequence[int]) -> Wanted:
    """Return what an index asks of an array of that shape.

    Raises
    ------
    IndexError
        It is outside of the array, has more parts than the array axes, or is none of basic indexing; as in NumPy.
    TypeError, ValueError
        A slice with a part that is no integer, or with a step of 0; as in NumPy.

    >>> want((3, slice(None, None, -2)), (5, 4)).ranges
    (range(3, 4), range(1, 5, 2))
    """
    parts: tuple[Any, ...] = index if isinstance(index, tuple) else (index,)
    n_indexed = sum(part is not None and part is not Ellipsis for part in parts)
    if n_indexed > len(shape):
        raise IndexError(f"too many indices for array: array is {len(shape)}-dimensional, but {n_indexed} were indexed")
    if sum(part is Ellipsis for part in parts) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    ranges: list[range] = []
    rest: list[Any] = []
    for part in parts:
        if part is None:
            rest.append(None)
        elif part is Ellipsis:
            ranges += [range(n) for n in shape[len(ranges) : len(ranges) + len(shape) - n_indexed]]
            rest.append(Ellipsis)
        else:
            axis = len(ranges)
            read, then = _along(part, shape[axis], axis)
            ranges.append(read)
            rest.append(then)
    ranges += [range(n) for n in shape[len(ranges) :]]
    return Wanted(tuple(ranges), tuple(rest))


def _along(part: Any, n: int, axis: int) -> tuple[range, int | slice]:
    """Return what is read of one axis, ascending, and the index to apply to it then."""
    if isinstance(part, slice):
        wanted = range(*part.indices(n))
        return (wanted, slice(None)) if wanted.step > 0 else (wanted[::-1], slice(None, None, -1))
    if isinstance(part, bool):  # An integer to Python, a mask to NumPy.
        raise IndexError(_NOT_BASIC)
    try:
        number = operator.index(part)
    except TypeError as error:
        raise IndexError(_NOT_BASIC) from error
    if not -n <= number < n:
        raise IndexError(f"index {number} is out of bounds for axis {axis} with size {n}")
    return range(number % n, number % n + 1), 0


def _numbers(wanted: range, size: int) -> tuple[int, ...]:
    if not wanted:
        return ()
    if wanted.step <= size:  # No block between the first and the last is stepped over.
        return tuple(range(wanted[0] // size, wanted[-1] // size + 1))
    return tuple(i // size for i in wanted)

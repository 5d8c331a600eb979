"""Two streams of blocks laid side by side, in one pass and constant memory: who stores what, and how large it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import eq, itemgetter, lt
from typing import TypeAlias

from mirror.explain.result import NOTHING
from mirror.explain.stored import BlockRow
from mirror.formats.n5.grid import BlockIndex, Grid
from mirror.objects import Tally

INTERIOR = "interior"
EDGE = "edge"
WHOLE = "whole level"


@dataclass(slots=True)
class GroupSums:
    """What one side stores of the blocks of one group that both store."""

    n_blocks: int = 0
    size: int = 0
    """Bytes of the objects, headers included."""
    n_voxels: int = 0
    """Of these blocks, those inside the array."""
    n_padded_voxels: int = 0
    """Voxels of the stored blocks if each is stored whole."""


@dataclass(slots=True)
class SideSums:
    """What one side stores of a level. Each of its blocks is counted in one place."""

    groups: dict[str, GroupSums] = field(default_factory=dict)
    one_sided: Tally = NOTHING
    """Inside both grids, stored by this side alone."""
    outside: Tally = NOTHING
    """Inside its own grid, outside the other's."""
    damaged: Tally = NOTHING
    """Shorter than their header."""
    stray: Tally = NOTHING
    """Outside its own grid: no reader asks for them."""

    @property
    def sound(self) -> Tally:
        """All blocks that a reader would read."""
        common = (Tally(group.n_blocks, group.size) for group in self.groups.values())
        return sum(common, self.one_sided + self.outside)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two levels laid side by side."""

    a: SideSums
    b: SideSums
    n_common: dict[str, int] | None
    """Group to places that both store: blocks, or cells of several blocks where block sizes differ. None where only
    the whole levels lie side by side."""


@dataclass(frozen=True, slots=True)
class BlockStream:
    """The blocks of one side."""

    grid: Grid
    rows: Iterable[BlockRow]
    """Ascending; each position once."""
    header_bytes: int
    """Of each block, 0 where they have no header: what is shorter is damaged."""


def lay_side_by_side(a: BlockStream, b: BlockStream) -> Overlap:
    """Return who stores which blocks of two levels.

    Blocks of equal size are laid on each other. Where block sizes differ, cells of the least common multiple of the two
    are: a cell is common where both store any block of it, and all of its voxels count then, for a block that is not
    stored reads as 0 and takes no bytes; it is one side's alone where the other stores nothing of it.

    Raises
    ------
    ValueError
        Rows do not ascend, or the two have another number of axes.
    """
    if a.grid.ndim != b.grid.ndim:
        raise ValueError(f"levels of {a.grid.ndim} and {b.grid.ndim} axes do not lie side by side")
    n_common = {INTERIOR: 0, EDGE: 0}
    overlap = Overlap(SideSums(_groups()), SideSums(_groups()), n_common)
    cell_xyz = tuple(map(math.lcm, a.grid.block_size_xyz, b.grid.block_size_xyz))
    cells_a, cells_b = Grid(a.grid.shape_xyz, cell_xyz), Grid(b.grid.shape_xyz, cell_xyz)
    here, there = _places(a, cells_a, overlap.a), _places(b, cells_b, overlap.b)
    counter = _Counter(overlap, n_common, (a.grid, b.grid), (cells_a, cells_b))
    _join(here, there, counter)
    counter.finish()
    return overlap


def count_whole(stream: BlockStream) -> SideSums:
    """Return what one side stores of a level that is laid beside the other as a whole.

    Raises
    ------
    ValueError
        Rows do not ascend.
    """
    sums = SideSums()
    n_blocks, size = 0, 0
    for row in _sound(stream, sums):
        n_blocks += 1
        size += row[-1]
    sums.groups[WHOLE] = GroupSums(n_blocks, size, stream.grid.n_voxels, stream.grid.n_voxels)
    return sums


def mirrored_y(stream: BlockStream) -> BlockStream:
    """Return the blocks with their rows in the opposite order; holds one slab of blocks along x.

    Blocks meet those that show the same voxels only where they fit the array along y.
    """
    n_y = stream.grid.shape_in_blocks_xyz[1]

    def turned(row: BlockRow) -> BlockRow:
        return (row[0], n_y - 1 - row[1], *row[2:]) if row[1] < n_y else row

    slabs = groupby(stream.rows, key=itemgetter(0))
    return replace(stream, rows=(row for _, slab in slabs for row in sorted(map(turned, slab))))


def _groups() -> dict[str, GroupSums]:
    return {INTERIOR: GroupSums(), EDGE: GroupSums()}


_Stored: TypeAlias = tuple[BlockIndex, int, int]
"""Position, objects, bytes."""


def _places(stream: BlockStream, cells: Grid, sums: SideSums) -> Iterator[_Stored]:
    """Yield what is stored of each cell, ascending."""
    if cells.block_size_xyz == stream.grid.block_size_xyz:
        return ((row[:-1], 1, row[-1]) for row in _sound(stream, sums))
    ratio = tuple(cell // block for cell, block in zip(cells.block_size_xyz, stream.grid.block_size_xyz, strict=True))
    return _cells(_sound(stream, sums), ratio)


def _sound(stream: BlockStream, sums: SideSums) -> Iterator[BlockRow]:
    """Yield the rows inside the grid that are as long as a header; count the others."""
    shape, shortest = stream.grid.shape_in_blocks_xyz, stream.header_bytes
    last: BlockRow = ()
    for row in stream.rows:
        if row[:-1] <= last:
            raise ValueError(f"blocks do not ascend: {row[:-1]} comes after {last}")
        last = row[:-1]
        if not all(map(lt, row, shape)):
            sums.stray = sums.stray.plus(row[-1])
        elif row[-1] < shortest:
            sums.damaged = sums.damaged.plus(row[-1])
        else:
            yield row


def _cells(rows: Iterable[BlockRow], ratio: tuple[int, ...]) -> Iterator[_Stored]:
    """Yield blocks summed up in cells of `ratio` blocks an axis; holds one slab of cells along x."""
    for _, slab in groupby(rows, key=lambda row: row[0] // ratio[0]):
        found: dict[BlockIndex, list[int]] = {}
        for row in slab:
            index = tuple(position // n for position, n in zip(row, ratio, strict=False))
            counts = found.setdefault(index, [0, 0])
            counts[0] += 1
            counts[1] += row[-1]
        for index in sorted(found):
            yield index, found[index][0], found[index][1]


def _join(here: Iterator[_Stored], there: Iterator[_Stored], counter: _Counter) -> None:
    a, b = next(here, None), next(there, None)
    while a is not None and b is not None:
        if a[0] == b[0]:
            counter.count_common(a, b)
            a, b = next(here, None), next(there, None)
        elif a[0] < b[0]:
            counter.count_a(a)
            a = next(here, None)
        else:
            counter.count_b(b)
            b = next(there, None)
    while a is not None:
        counter.count_a(a)
        a = next(here, None)
    while b is not None:
        counter.count_b(b)
        b = next(there, None)


class _Counter:
    """Adds places up. A loop of a million runs through it, so that it keeps numbers and makes few objects."""

    def __init__(
        self, overlap: Overlap, n_common: dict[str, int], grids: tuple[Grid, Grid], cells: tuple[Grid, Grid]
    ) -> None:
        self._overlap = overlap
        self._n_common = n_common
        self._cells = cells
        self._truncated = _truncated(cells[0]), _truncated(cells[1])
        self._shapes = cells[0].shape_in_blocks_xyz, cells[1].shape_in_blocks_xyz
        self._block_voxels = math.prod(grids[0].block_size_xyz), math.prod(grids[1].block_size_xyz)

    def count_common(self, a: _Stored, b: _Stored) -> None:
        """Count a place that both store."""
        index, n_a, size_a = a
        _, n_b, size_b = b
        is_edge = any(map(eq, index, self._truncated[0])) or any(map(eq, index, self._truncated[1]))
        name = EDGE if is_edge else INTERIOR
        ours, theirs = self._overlap.a.groups[name], self._overlap.b.groups[name]
        self._n_common[name] += 1
        ours.n_blocks += n_a
        ours.size += size_a
        theirs.n_blocks += n_b
        theirs.size += size_b
        if is_edge:
            ours.n_voxels += math.prod(self._cells[0].block_shape_xyz(index))
            theirs.n_voxels += math.prod(self._cells[1].block_shape_xyz(index))

    def count_a(self, place: _Stored) -> None:
        """Count a place that A alone stores."""
        _count_one(self._overlap.a, place, self._shapes[1])

    def count_b(self, place: _Stored) -> None:
        """Count a place that B alone stores."""
        _count_one(self._overlap.b, place, self._shapes[0])

    def finish(self) -> None:
        """Count the voxels that need no look at each block, and leave out groups that nothing is in."""
        for sums, cells, block_voxels in zip(
            (self._overlap.a, self._overlap.b), self._cells, self._block_voxels, strict=True
        ):
            sums.groups[INTERIOR].n_voxels = self._n_common[INTERIOR] * math.prod(cells.block_size_xyz)
            for name, group in tuple(sums.groups.items()):
                group.n_padded_voxels = group.n_blocks * block_voxels
                if not self._n_common[name]:
                    del sums.groups[name]


def _count_one(sums: SideSums, place: _Stored, other_shape: tuple[int, ...]) -> None:
    tally = Tally(place[1], place[2])
    if all(map(lt, place[0], other_shape)):
        sums.one_sided += tally
    else:
        sums.outside += tally


def _truncated(cells: Grid) -> tuple[int, ...]:
    """Return the position of the truncated block along each axis, or -1 where blocks fit."""
    axes = zip(cells.shape_xyz, cells.block_size_xyz, strict=True)
    return tuple(n // block if n % block else -1 for n, block in axes)

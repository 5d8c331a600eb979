"""Which blocks of a grid a box of voxels touches."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from mirror.crops.box import Box
from mirror.formats.n5.grid import BlockIndex, Grid


@dataclass(frozen=True, slots=True)
class BlockBox:
    """Blocks of a grid, x first as their keys: from `first_xyz` up to and without `stop_xyz` along each axis."""

    first_xyz: BlockIndex
    stop_xyz: BlockIndex

    @property
    def n_blocks(self) -> int:
        """How many."""
        return math.prod(stop - first for first, stop in zip(self.first_xyz, self.stop_xyz, strict=True))

    def __contains__(self, index: BlockIndex) -> bool:
        """Return whether the block at that place is one of them."""
        return all(a <= i < b for a, i, b in zip(self.first_xyz, index, self.stop_xyz, strict=True))

    def indices(self) -> Iterator[BlockIndex]:
        """Yield the place of each, x slowest."""
        return product(*(range(a, b) for a, b in zip(self.first_xyz, self.stop_xyz, strict=True)))


def blocks_touched(grid: Grid, box: Box) -> BlockBox:
    """Return the blocks that hold a voxel of the box, as far as it lies inside the array.

    >>> blocks_touched(Grid((256, 256, 256), (64, 64, 64)), Box((0, 63, 64), (64, 2, 64)))
    BlockBox(first_xyz=(1, 0, 0), stop_xyz=(2, 2, 1))
    """
    inside = box.clipped(grid.shape_xyz[::-1])
    first = tuple(a // size for a, size in zip(reversed(inside.start_zyx), grid.block_size_xyz, strict=True))
    if not inside.n_voxels:
        return BlockBox(first, first)
    stops = zip(reversed(inside.stop_zyx), grid.block_size_xyz, strict=True)
    return BlockBox(first, tuple(-(-b // size) for b, size in stops))


@dataclass(frozen=True)
class BlockUnion:
    """Blocks that lie in any of some boxes of one grid, each of them once however many boxes hold it.

    >>> both = BlockUnion((BlockBox((0, 0, 0), (2, 2, 2)), BlockBox((1, 1, 1), (3, 3, 3))))
    >>> both.n_blocks, (2, 2, 2) in both, (2, 0, 0) in both
    (15, True, False)
    """

    boxes: tuple[BlockBox, ...]

    @classmethod
    def of(cls, boxes: Iterable[BlockBox]) -> BlockUnion:
        """Return the union of boxes, without those that hold nothing; equal for equal boxes in another order."""
        return cls(tuple(sorted({box for box in boxes if box.n_blocks}, key=lambda box: (box.first_xyz, box.stop_xyz))))

    @property
    def n_blocks(self) -> int:
        """How many."""
        return sum(stop - first for spans in self.rows.values() for first, stop in spans)

    @cached_property
    def rows(self) -> Mapping[BlockIndex, tuple[tuple[int, int], ...]]:
        """All positions but the last, to where along the last axis blocks lie: first and stop, in order, disjoint."""
        spans: defaultdict[BlockIndex, list[tuple[int, int]]] = defaultdict(list)
        for box in self.boxes:
            sides = (range(a, b) for a, b in zip(box.first_xyz[:-1], box.stop_xyz[:-1], strict=True))
            for row in product(*sides):
                spans[row].append((box.first_xyz[-1], box.stop_xyz[-1]))
        return {row: _merged(spans[row]) for row in sorted(spans)}

    def __contains__(self, index: BlockIndex) -> bool:
        """Return whether the block at that place is one of them."""
        return any(index in box for box in self.boxes)

    def turned(self) -> BlockUnion:
        """Return the same blocks with their axes in the opposite order."""
        return BlockUnion.of(BlockBox(box.first_xyz[::-1], box.stop_xyz[::-1]) for box in self.boxes)


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, stop in sorted(spans):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((first, stop))
    return tuple(merged)

"""Which blocks of a grid a box of voxels touches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
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

"""Boxes of voxels, the blocks that hold them, and the box cut out of those. Positions x,y,z; arrays z,y,x."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from mirror.explain.sample.decode import Undecodable, Voxels
from mirror.formats.n5.grid import BlockIndex, Grid

_Y = 1
Blocks = Mapping[BlockIndex, Voxels | Undecodable | None]
"""What was fetched: None is a block that is not stored, which reads as zeros."""


@dataclass(frozen=True, slots=True)
class Box:
    """Voxels from start up to and without stop."""

    start_xyz: tuple[int, ...]
    stop_xyz: tuple[int, ...]

    @property
    def shape_xyz(self) -> tuple[int, ...]:
        """Voxels along each axis, 0 where it is empty."""
        return tuple(max(0, stop - start) for start, stop in zip(self.start_xyz, self.stop_xyz, strict=True))

    def within(self, shape_xyz: tuple[int, ...]) -> Box:
        """Return what of it lies inside an array of that shape."""
        starts = tuple(min(max(0, start), n) for start, n in zip(self.start_xyz, shape_xyz, strict=True))
        return Box(starts, tuple(min(stop, n) for stop, n in zip(self.stop_xyz, shape_xyz, strict=True)))

    def grown(self, by_xyz: tuple[int, ...]) -> Box:
        """Return the box with so many voxels more on either side."""
        starts = tuple(start - by for start, by in zip(self.start_xyz, by_xyz, strict=True))
        return Box(starts, tuple(stop + by for stop, by in zip(self.stop_xyz, by_xyz, strict=True)))

    def mirrored_y(self, n_y: int) -> Box:
        """Return where its voxels lie in an array of `n_y` rows that was written the other way: row j = n_y - 1 - i.

        >>> Box((0, 0, 0), (64, 64, 64)).mirrored_y(1600)
        Box(start_xyz=(0, 1536, 0), stop_xyz=(64, 1600, 64))
        """
        starts, stops = list(self.start_xyz), list(self.stop_xyz)
        starts[_Y], stops[_Y] = n_y - self.stop_xyz[_Y], n_y - self.start_xyz[_Y]
        return Box(tuple(starts), tuple(stops))


def block_box(grid: Grid, index: BlockIndex) -> Box:
    """Return the voxels of a block that lie inside the array."""
    starts = tuple(i * block for i, block in zip(index, grid.block_size_xyz, strict=True))
    stops = tuple(start + block for start, block in zip(starts, grid.block_size_xyz, strict=True))
    return Box(starts, stops).within(grid.shape_xyz)


def blocks_of(box: Box, grid: Grid) -> tuple[BlockIndex, ...]:
    """Return the positions of the blocks that hold the box's voxels, x slowest.

    >>> blocks_of(Box((0, 60, 0), (10, 70, 10)), Grid((100, 100, 100), (64, 64, 64)))
    ((0, 0, 0), (0, 1, 0))
    """
    if 0 in box.shape_xyz:
        return ()
    axes = zip(box.start_xyz, box.stop_xyz, grid.block_size_xyz, strict=True)
    return tuple(product(*(range(start // block, -(-stop // block)) for start, stop, block in axes)))


def cut_out(box: Box, grid: Grid, blocks: Blocks) -> Voxels | Undecodable:
    """Return the box's voxels, or what is the matter with the first block of it that cannot be read.

    Parameters
    ----------
    blocks
        All that `blocks_of` names.
    """
    found = [(index, blocks[index]) for index in blocks_of(box, grid)]
    for _, block in found:
        if isinstance(block, Undecodable):
            return block
    stored = [(index, block) for index, block in found if block is not None and not isinstance(block, Undecodable)]
    kind = stored[0][1].dtype if stored else np.dtype("uint8")
    cut = np.zeros(box.shape_xyz[::-1], kind)
    for index, block in stored:
        _lay(cut, box, block, tuple(i * size for i, size in zip(index, grid.block_size_xyz, strict=True)))
    return cut


def _lay(cut: Voxels, box: Box, block: Voxels, origin_xyz: tuple[int, ...]) -> None:
    """Copy what of a block lies in the box; a truncated block has less than its place."""
    into, out_of = [], []
    axes = zip(box.start_xyz, box.stop_xyz, origin_xyz, block.shape[::-1], strict=True)
    for start, stop, origin, n in axes:
        low, high = max(start, origin), max(start, origin, min(stop, origin + n))
        into.append(slice(low - start, high - start))
        out_of.append(slice(low - origin, high - origin))
    cut[tuple(reversed(into))] = block[tuple(reversed(out_of))]

"""Which keys below an array are its blocks: the rule of each format, and how many there can be."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeAlias

from mirror.formats.n5.grid import BlockIndex, Grid, is_canonical_decimal

_SIGNED = r"(0|-?[1-9][0-9]*)"
_BOX = re.compile("_".join([f"{_SIGNED}-{_SIGNED}"] * 3) + r"(?:\.gz|\.br|\.zstd)?")
_SHARD = re.compile(r"([0-9a-f]+)\.(?:shard|index|data)")


@dataclass(frozen=True, slots=True)
class GridKeys:
    """Positions in the grid, one number an axis: N5's blocks and the chunks of zarr.

    >>> keys = GridKeys((188, 25, 100))
    >>> [keys.is_block(key) for key in ("187/24/99", "188/0/0", "00/1/2", "1/2")]
    [True, False, False, False]
    >>> GridKeys((2, 2), (".",)).is_block("1.1"), GridKeys((2, 2), leading="c").is_block("c/1/1")
    (True, True)
    """

    shape_in_blocks: tuple[int, ...]
    """In the order of the numbers in a key: x first in N5, the document's order in zarr."""
    separators: tuple[str, ...] = ("/",)
    """More than one where the document does not say: old zarr stores wrote either."""
    leading: str | None = None
    """What stands before the numbers, as one of them: `c` in zarr v3."""

    @property
    def n_blocks(self) -> int:
        """Blocks of the whole grid."""
        return math.prod(self.shape_in_blocks)

    def is_block(self, suffix: str) -> bool:
        """Return whether a key below the array's prefix is that of a block inside the grid."""
        return self.index_of(suffix) is not None

    def key(self, position: tuple[int, ...]) -> str:
        """Return the key of a block, its numbers given in their order in a key; whether it is inside is not checked.

        >>> GridKeys((188, 25, 100)).key((187, 24, 99)), GridKeys((2, 2), leading="c").key((1, 0))
        ('187/24/99', 'c/1/0')
        """
        names = [] if self.leading is None else [self.leading]
        return self.separators[0].join([*names, *map(str, position)])

    def index_of(self, suffix: str) -> BlockIndex | None:
        """Return the numbers of a key below the array's prefix, in their order; None where it is no block of the grid.

        >>> GridKeys((2, 2, 3), leading="c").index_of("c/1/0/2")
        (1, 0, 2)
        """
        return next((index for one in self.separators if (index := self._index(suffix.split(one))) is not None), None)

    def _index(self, parts: list[str]) -> BlockIndex | None:
        if self.leading is not None:
            if parts[0] != self.leading:
                return None
            parts = parts[1:]
        elif not self.shape_in_blocks:
            return () if parts == ["0"] else None  # a single value, which has no axis to count along
        if len(parts) != len(self.shape_in_blocks) or not all(map(is_canonical_decimal, parts)):
            return None
        index = tuple(map(int, parts))
        return index if all(i < n for i, n in zip(index, self.shape_in_blocks, strict=True)) else None


@dataclass(frozen=True, slots=True)
class BoxKeys:
    """Boxes of voxels: the chunks of precomputed, `0-64_0-64_0-30`. Compressed ones may carry a suffix of their own.

    >>> keys = BoxKeys((Grid((7, 5, 3), (4, 4, 2)),), (1, 2, 3))
    >>> [keys.is_block(key) for key in ("1-5_2-6_3-5", "5-8_6-7_5-6.gz", "0-4_2-6_3-5", "5-9_6-7_5-6")]
    [True, True, False, False]
    """

    grids: tuple[Grid, ...]
    """One for each of the chunk sizes that the document offers, the first the one that counts."""
    voxel_offset_xyz: tuple[int, ...]

    @property
    def n_blocks(self) -> int:
        """Chunks of the whole grid."""
        return self.grids[0].n_blocks

    def is_block(self, suffix: str) -> bool:
        """Return whether a key below the array's prefix is that of a chunk of one of the grids."""
        match = _BOX.fullmatch(suffix)
        if match is None:
            return False
        ends = [int(number) for number in match.groups()]
        return any(self._is_chunk(grid, ends[::2], ends[1::2]) for grid in self.grids)

    def key(self, position_xyz: tuple[int, ...]) -> str:
        """Return the key of a chunk of the first grid; channels, which share a chunk, are passed over.

        >>> BoxKeys((Grid((7, 5, 3), (4, 4, 2)),), (1, 2, 3)).key((1, 1, 0))
        '5-8_6-7_3-5'
        """
        grid = self.grids[0]
        axes = zip(position_xyz, self.voxel_offset_xyz, grid.shape_xyz, grid.block_size_xyz, strict=False)
        return "_".join(f"{offset + i * size}-{offset + min((i + 1) * size, n)}" for i, offset, n, size in axes)

    def _is_chunk(self, grid: Grid, starts: list[int], stops: list[int]) -> bool:
        axes = zip(starts, stops, self.voxel_offset_xyz, grid.shape_xyz, grid.block_size_xyz, strict=False)
        return all(
            0 <= start - offset < n and (start - offset) % size == 0 and stop == min(start + size, offset + n)
            for start, stop, offset, n, size in axes
        )


@dataclass(frozen=True, slots=True)
class ShardKeys:
    """Numbered shards: those of precomputed, `0a.shard`, or the older pairs of `.index` and `.data`.

    >>> keys = ShardKeys(shard_bits=5, n_blocks=None)
    >>> [keys.is_block(key) for key in ("1f.shard", "20.shard", "1F.shard", "f.shard")]
    [True, False, False, False]
    """

    shard_bits: int
    n_blocks: int | None
    """Shards that the array can fill; None where they are no boxes, and only a listing tells."""

    def is_block(self, suffix: str) -> bool:
        """Return whether a key below the array's prefix is that of a shard."""
        match = _SHARD.fullmatch(suffix)
        n_digits = max(1, -(-self.shard_bits // 4))
        return match is not None and len(match[1]) == n_digits and int(match[1], 16) < 1 << self.shard_bits


BlockKeys: TypeAlias = GridKeys | BoxKeys | ShardKeys

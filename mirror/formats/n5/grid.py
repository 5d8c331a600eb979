"""The grid of blocks of an array: how many, how large, under which key. All of it x first, for any number of axes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from mirror.errors import MirrorError

BlockIndex: TypeAlias = tuple[int, ...]
"""Grid position of a block, x first, counted in blocks from 0."""

# 18 digits: the largest that a signed 64-bit column of the catalog always holds.
_CANONICAL = re.compile(r"0|[1-9][0-9]{0,17}")
_REMEMBERED_BELOW = 65_536


class _Numbers(dict[str, int]):
    """Canonical decimals seen so far; a look-up is a third faster than a regex and `int`, and it runs per object."""

    def __missing__(self, text: str) -> int:
        if _CANONICAL.fullmatch(text) is None:
            raise KeyError(text)
        number = int(text)
        if number < _REMEMBERED_BELOW:
            self[text] = number
        return number


_number = _Numbers().__getitem__


def is_canonical_decimal(text: str) -> bool:
    """Return whether `text` is a number as block keys spell it: ASCII digits, no padding, no sign.

    >>> [is_canonical_decimal(text) for text in ("0", "17", "00", "+1", "٣", "")]
    [True, True, False, False, False, False]
    """
    return _CANONICAL.fullmatch(text) is not None


def parse_block_key(suffix: str, ndim: int) -> BlockIndex | None:
    """Return the grid position that a key spells below its array's prefix, or None for a stray.

    Whether the position lies inside the grid is not checked (`Grid.is_inside`).

    >>> parse_block_key("187/25/99", 3)
    (187, 25, 99)
    >>> parse_block_key("00/1/2", 3) is None
    True
    """
    try:
        index = tuple(map(_number, suffix.split("/")))
    except KeyError:
        return None
    return index if len(index) == ndim else None


def block_key(index: BlockIndex) -> str:
    """Return the key of a block below its array's prefix.

    >>> block_key((187, 25, 99))
    '187/25/99'
    """
    return "/".join(map(str, index))


@dataclass(frozen=True, slots=True)
class Grid:
    """An array's shape cut into blocks.

    >>> grid = Grid((12000, 1600, 6368), (64, 64, 64))
    >>> grid.shape_in_blocks_xyz, grid.n_blocks
    ((188, 25, 100), 470000)
    >>> grid.block_shape_xyz((187, 24, 99))
    (32, 64, 32)

    Raises
    ------
    MirrorError
        Shape and block size differ in their number of axes, or one of them cannot be.
    """

    shape_xyz: tuple[int, ...]
    """Voxels."""
    block_size_xyz: tuple[int, ...]
    """Voxels of a whole block."""

    def __post_init__(self) -> None:
        """Refuse what is no grid, so that no method needs to."""
        fits = len(self.shape_xyz) == len(self.block_size_xyz) > 0
        if not fits or min(self.shape_xyz) < 0 or min(self.block_size_xyz) < 1:
            raise MirrorError(
                "not a grid of blocks",
                expected="as many block sizes of 1 or more as dimensions of 0 or more",
                found=f"dimensions {list(self.shape_xyz)}, block size {list(self.block_size_xyz)}",
            )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape_xyz)

    @property
    def shape_in_blocks_xyz(self) -> tuple[int, ...]:
        """Blocks along each axis, the truncated one at the end counted."""
        return tuple(-(-n // block) for n, block in zip(self.shape_xyz, self.block_size_xyz, strict=True))

    @property
    def n_blocks(self) -> int:
        """Blocks of the whole grid; fewer may be stored."""
        return math.prod(self.shape_in_blocks_xyz)

    @property
    def n_voxels(self) -> int:
        """Voxels of the array, without any padding."""
        return math.prod(self.shape_xyz)

    def is_inside(self, index: BlockIndex) -> bool:
        """Return whether a block of the grid lies at `index`."""
        inside = len(index) == self.ndim
        return inside and all(0 <= i < n for i, n in zip(index, self.shape_in_blocks_xyz, strict=True))

    def block_shape_xyz(self, index: BlockIndex) -> tuple[int, ...]:
        """Return the voxels of the block at `index` that lie inside the array: less than a whole block at the edge.

        Raises
        ------
        IndexError
            `index` is outside the grid.
        """
        if not self.is_inside(index):
            raise IndexError(f"block {block_key(index)} is outside the grid of {self.shape_in_blocks_xyz} blocks")
        axes = zip(index, self.shape_xyz, self.block_size_xyz, strict=True)
        return tuple(min(block, n - i * block) for i, n, block in axes)

    def is_edge(self, index: BlockIndex) -> bool:
        """Return whether the block at `index` is truncated on any axis."""
        return self.block_shape_xyz(index) != self.block_size_xyz

    def indices(self) -> Iterator[BlockIndex]:
        """Yield every position of the grid, x slowest, in number order (not in the order of keys)."""
        return product(*map(range, self.shape_in_blocks_xyz))

"""What the headers of a few N5 blocks tell of all blocks of a level: their mode, and how the edge is stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mirror.formats.n5.block import BlockHeader, BlockMode
from mirror.formats.n5.grid import BlockIndex, Grid


class EdgeStyle(StrEnum):
    """How blocks that reach beyond the array are stored. The values stand in JSON."""

    PADDED = "padded"
    """Whole, filled up with 0, as zarr writes them."""
    TRUNCATED = "truncated"
    """Only what lies in the array, as Java and z5 write them."""
    MIXED = "mixed"
    UNKNOWN = "unknown"
    """No header of an edge block was read."""
    NONE = "none"
    """Blocks fit the array: there is no edge."""


@dataclass(frozen=True, slots=True)
class HeaderEvidence:
    """How the blocks of a level begin, as far as is known."""

    mode: BlockMode = BlockMode.PLAIN
    edge_style: EdgeStyle = EdgeStyle.UNKNOWN
    n_read: int = 0
    """Headers that were read; 0: the mode is assumed."""
    is_mixed: bool = False
    """Headers of several modes were read; `mode` is that of most."""

    def n_bytes(self, ndim: int) -> int:
        """Bytes of one header, which is what an object must have at least.

        >>> HeaderEvidence().n_bytes(3), HeaderEvidence(BlockMode.COUNTED).n_bytes(3)
        (16, 20)
        """
        match self.mode:
            case BlockMode.OBJECT:
                return 6
            case BlockMode.COUNTED:
                return 8 + 4 * ndim
            case BlockMode.PLAIN:
                return 4 + 4 * ndim

    @property
    def words(self) -> str:
        """The evidence as a sentence's part."""
        if not self.n_read:
            return "headers not read, taken to be of mode 0"
        mixed = ", not all alike" if self.is_mixed else ""
        return f"{self.n_read} headers read: mode {self.mode.value}{mixed}, edge {self.edge_style.value}"


UNREAD = HeaderEvidence()


def wanted_headers(grid: Grid) -> tuple[BlockIndex, ...]:
    """Return the blocks whose headers tell most, in this order: the first, the last, the last along each axis.

    Any of them may not be stored; then it is passed over.

    >>> wanted_headers(Grid((100, 64, 64), (64, 64, 64)))
    ((0, 0, 0), (1, 0, 0))
    """
    last = tuple(n - 1 for n in grid.shape_in_blocks_xyz)
    if min(last) < 0:
        return ()
    along = [tuple(last[i] if i == axis else 0 for i in range(grid.ndim)) for axis in range(grid.ndim)]
    return tuple(dict.fromkeys([(0,) * grid.ndim, last, *along]))


def judge_headers(grid: Grid, reads: Iterable[tuple[BlockIndex, BlockHeader]]) -> HeaderEvidence:
    """Return what headers that were read tell of their level."""
    known = [(index, header) for index, header in reads if grid.is_inside(index)]
    modes = [header.mode for _, header in known]
    mode = max(sorted(set(modes)), key=modes.count, default=BlockMode.PLAIN)
    styles = {_style(grid, index, header) for index, header in known if grid.is_edge(index)}
    return HeaderEvidence(mode, _one_style(grid, styles), len(known), len(set(modes)) > 1)


def _style(grid: Grid, index: BlockIndex, header: BlockHeader) -> EdgeStyle:
    if header.size_xyz == grid.block_size_xyz:
        return EdgeStyle.PADDED
    return EdgeStyle.TRUNCATED if header.size_xyz == grid.block_shape_xyz(index) else EdgeStyle.UNKNOWN


def _one_style(grid: Grid, styles: set[EdgeStyle]) -> EdgeStyle:
    if all(n % block == 0 for n, block in zip(grid.shape_xyz, grid.block_size_xyz, strict=True)):
        return EdgeStyle.NONE
    told = styles - {EdgeStyle.UNKNOWN}
    if len(told) > 1:
        return EdgeStyle.MIXED
    return next(iter(told), EdgeStyle.UNKNOWN)

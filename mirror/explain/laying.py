"""Two levels as they are stored, laid side by side as finely as their blocks allow."""

from __future__ import annotations

from dataclasses import dataclass

from mirror.errors import MirrorError
from mirror.explain.causes import Side
from mirror.explain.overlap import (
    WHOLE,
    BlockStream,
    GroupSums,
    Overlap,
    SideSums,
    count_whole,
    lay_side_by_side,
    mirrored_y,
)
from mirror.explain.stored import StoredArray
from mirror.formats.n5.grid import Grid


@dataclass(frozen=True, slots=True)
class LevelInput:
    """One side of a paired level."""

    array: StoredArray
    has_headers: bool
    """Whether its format puts a header before each block: N5 alone does."""
    is_mirrored_y: bool | None = None

    @property
    def header_bytes(self) -> int:
        """Of each block."""
        facts = self.array.facts
        return self.array.headers.n_bytes(facts.ndim) if self.has_headers and facts is not None else 0

    @property
    def grid(self) -> Grid | None:
        """The array cut into blocks; None for what is no grid."""
        try:
            return None if self.array.facts is None else self.array.facts.grid
        except MirrorError:
            return None

    def open_blocks(self) -> BlockStream | None:
        """Return its blocks in their order, to be read once; None where their places are not known."""
        grid = self.grid
        if grid is None or self.array.blocks is None:
            return None
        return BlockStream(grid, self.array.blocks(), self.header_bytes)


@dataclass(frozen=True, slots=True)
class Laid:
    """Two levels side by side, and how."""

    overlap: Overlap
    notes: tuple[str, ...] = ()
    is_approximate: bool = False


def lay_levels(a: LevelInput, b: LevelInput) -> Laid:
    """Return two levels side by side: block on block, cell on cell, or as wholes.

    Raises
    ------
    ValueError
        Rows of blocks do not ascend.
    """
    here, there = a.open_blocks(), b.open_blocks()
    note = _why_wholes(a, b, here, there)
    if here is None or there is None or note:
        return Laid(Overlap(_whole(a, here), _whole(b, there), None), (note,), is_approximate=True)
    notes = _cell_notes(here.grid, there.grid)
    if bool(a.is_mirrored_y) == bool(b.is_mirrored_y) or here.grid.ndim < 2:
        return Laid(lay_side_by_side(here, there), notes)
    mirrored = Side.A if a.is_mirrored_y else Side.B
    return _lay_mirrored(here, there, mirrored, notes)


def _why_wholes(a: LevelInput, b: LevelInput, here: BlockStream | None, there: BlockStream | None) -> str:
    """Return why only whole levels can be compared; empty where blocks can."""
    unread = [f"{name}: {one.array.fault or 'not understood'}" for name, one in (("A", a), ("B", b)) if not one.grid]
    if unread:
        return f"metadata cannot be read ({'; '.join(unread)})"
    if here is None or there is None:
        return "blocks have no place in a grid: whole levels are compared"
    if here.grid.ndim != there.grid.ndim:
        return f"{here.grid.ndim} axes in A, {there.grid.ndim} in B: whole levels are compared"
    return ""


def _lay_mirrored(here: BlockStream, there: BlockStream, mirrored: Side, notes: tuple[str, ...]) -> Laid:
    is_approximate = any(grid.shape_xyz[1] % grid.block_size_xyz[1] for grid in (here.grid, there.grid))
    note = f"stored mirrored in y in {mirrored.value.upper()}, as a manifest says: block j lies on block n-1-j"
    apart = ", which show the same voxels only in part" if is_approximate else ""
    if mirrored is Side.A:
        here = mirrored_y(here)
    else:
        there = mirrored_y(there)
    return Laid(lay_side_by_side(here, there), (*notes, note + apart), is_approximate)


def _cell_notes(a: Grid, b: Grid) -> tuple[str, ...]:
    if a.block_size_xyz == b.block_size_xyz:
        return ()
    sizes = [",".join(map(str, grid.block_size_xyz)) for grid in (a, b)]
    return (f"blocks x,y,z of {sizes[0]} voxels in A, {sizes[1]} in B: cells of whole blocks of both are compared",)


def _whole(one: LevelInput, stream: BlockStream | None) -> SideSums:
    if stream is not None:
        return count_whole(stream)
    n_blocks = one.array.listed.objects - one.array.documents.objects
    size = one.array.listed.bytes - one.array.documents.bytes
    # Without rows no block is known to be as long as its header: it counts as payload then.
    grid = one.grid
    n_voxels = 0 if grid is None else grid.n_voxels
    sums = SideSums()
    sums.groups[WHOLE] = GroupSums(n_blocks, size, n_voxels, n_voxels)
    return sums

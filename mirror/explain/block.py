"""Which voxels an object holds, as its key tells: for N5, zarr and precomputed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mirror.errors import MirrorError
from mirror.formats.folder import Format
from mirror.formats.n5.grid import BlockIndex, Grid, parse_block_key

_BOX = re.compile(r"\d+-\d+(?:_\d+-\d+)*")


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """A block, a chunk or a shard of an array."""

    index_xyz: BlockIndex
    start_xyz: tuple[int, ...]
    """First voxel, counted from that of the array."""
    stop_xyz: tuple[int, ...]
    """One after the last voxel inside the array."""
    is_inside: bool
    """Of the grid; else no reader asks for it."""
    is_edge: bool
    """Whether the array ends in it, so that it holds fewer voxels than a whole one."""


def find_place(array_format: Format, grid: Grid, suffix: str) -> BlockPlace | None:
    """Return the place that a key spells below its array's prefix, or None where it spells none.

    >>> place = find_place(Format.N5, Grid((200, 100, 70), (64, 64, 64)), "3/1/0")
    >>> place.start_xyz, place.stop_xyz, place.is_edge
    ((192, 64, 0), (200, 100, 64), True)
    >>> find_place(Format.ZARR, Grid((200, 100, 70), (64, 64, 64)), "0.1.3").index_xyz
    (3, 1, 0)
    >>> find_place(Format.PRECOMPUTED, Grid((200, 100, 70), (64, 64, 64)), "192-200_64-100_0-64").index_xyz
    (3, 1, 0)
    """
    index = _index(array_format, grid, suffix)
    if index is None:
        return None
    axes = tuple(zip(index, grid.shape_xyz, grid.block_size_xyz, strict=True))
    is_inside = grid.is_inside(index)
    return BlockPlace(
        index,
        tuple(i * size for i, _, size in axes),
        tuple(min((i + 1) * size, n) if is_inside else (i + 1) * size for i, n, size in axes),
        is_inside,
        is_inside and grid.is_edge(index),
    )


def grid_of(shape_xyz: tuple[int, ...], block_size_xyz: tuple[int, ...]) -> Grid | None:
    """Return the grid of an array, or None where its shape or its blocks are not known."""
    try:
        return Grid(shape_xyz, block_size_xyz)
    except MirrorError:
        return None


def _index(array_format: Format, grid: Grid, suffix: str) -> BlockIndex | None:
    match array_format:
        case Format.N5:
            return parse_block_key(suffix, grid.ndim)
        case Format.ZARR:
            # Slowest axis first; the separator is a slash or a dot, and version 3 may begin with `c`.
            numbers = suffix.replace(".", "/").removeprefix("c/")
            index = parse_block_key(numbers, grid.ndim)
            return None if index is None else index[::-1]
        case Format.PRECOMPUTED:
            return _index_of_box(grid, suffix.removesuffix(".gz"))
        case Format.MESH:
            return None


def _index_of_box(grid: Grid, name: str) -> BlockIndex | None:
    """Return the index of a box that lies on the grid; of volumes with an offset none does."""
    if _BOX.fullmatch(name) is None or name.count("_") != grid.ndim - 1:
        return None
    starts = tuple(int(part.partition("-")[0]) for part in name.split("_"))
    on_grid = all(start % size == 0 for start, size in zip(starts, grid.block_size_xyz, strict=True))
    if not on_grid:
        return None
    return tuple(start // size for start, size in zip(starts, grid.block_size_xyz, strict=True))

"""Blocks of two levels laid side by side, against sets and dicts."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.explain.overlap import (
    EDGE,
    INTERIOR,
    WHOLE,
    BlockStream,
    SideSums,
    count_whole,
    lay_side_by_side,
    mirrored_y,
)
from mirror.formats.n5.grid import BlockIndex, Grid
from mirror.objects import Tally

HEADER = 16
Blocks = dict[BlockIndex, int]

_shapes = st.tuples(st.integers(1, 14), st.integers(1, 9), st.integers(1, 6))
_blocks = st.dictionaries(st.tuples(*[st.integers(0, 4)] * 3), st.integers(10, 40), max_size=40)
_sizes = st.sampled_from([(4, 4, 4), (2, 4, 4), (3, 3, 3)])


def _stream(grid: Grid, blocks: Blocks, header_bytes: int = HEADER) -> BlockStream:
    return BlockStream(grid, [(*index, size) for index, size in sorted(blocks.items())], header_bytes)


def _tally(sizes: list[int]) -> Tally:
    return Tally(len(sizes), sum(sizes))


def _sound(grid: Grid, blocks: Blocks) -> Blocks:
    return {index: size for index, size in blocks.items() if grid.is_inside(index) and size >= HEADER}


@settings(deadline=None)
@given(_shapes, _shapes, _blocks, _blocks)
def test_blocks_of_one_size_lie_as_sets_say(
    shape_a: tuple[int, ...], shape_b: tuple[int, ...], a: Blocks, b: Blocks
) -> None:
    """Each block is counted in one place: common in the interior or at the edge, one-sided, outside, damaged, stray."""
    grids = Grid(shape_a, (4, 4, 4)), Grid(shape_b, (4, 4, 4))
    overlap = lay_side_by_side(_stream(grids[0], a), _stream(grids[1], b))
    sound = _sound(grids[0], a), _sound(grids[1], b)
    common = sound[0].keys() & sound[1].keys()
    edge = {index for index in common if grids[0].is_edge(index) or grids[1].is_edge(index)}
    assert overlap.n_common == {INTERIOR: len(common) - len(edge), EDGE: len(edge)}
    sides = ((overlap.a, grids[0], grids[1], a, 0), (overlap.b, grids[1], grids[0], b, 1))
    for sums, grid, other, blocks, number in sides:
        alone = {index: size for index, size in sound[number].items() if index not in common}
        assert sums.one_sided == _tally([size for index, size in alone.items() if other.is_inside(index)])
        assert sums.outside == _tally([size for index, size in alone.items() if not other.is_inside(index)])
        assert sums.stray == _tally([size for index, size in blocks.items() if not grid.is_inside(index)])
        short = [size for index, size in blocks.items() if grid.is_inside(index) and size < HEADER]
        assert sums.damaged == _tally(short)
        assert sums.sound == _tally(list(sound[number].values()))
        _check_groups(sums, grid, sound[number], {EDGE: edge, INTERIOR: common - edge})


def _check_groups(sums: SideSums, grid: Grid, blocks: Blocks, members: dict[str, set[BlockIndex]]) -> None:
    assert set(sums.groups) == {name for name, some in members.items() if some}
    for name, group in sums.groups.items():
        assert (group.n_blocks, group.size) == (len(members[name]), sum(blocks[index] for index in members[name]))
        assert group.n_voxels == sum(math.prod(grid.block_shape_xyz(index)) for index in members[name])
        assert group.n_padded_voxels == len(members[name]) * math.prod(grid.block_size_xyz)


@settings(deadline=None)
@given(_shapes, _sizes, _sizes, _blocks, _blocks)
def test_blocks_of_other_sizes_lie_in_cells(
    shape: tuple[int, ...], size_a: tuple[int, ...], size_b: tuple[int, ...], a: Blocks, b: Blocks
) -> None:
    """In cells, all objects are counted once, and a cell is common where both store any of it."""
    grids = Grid(shape, size_a), Grid(shape, size_b)
    cell = tuple(map(math.lcm, size_a, size_b))
    overlap = lay_side_by_side(_stream(grids[0], a), _stream(grids[1], b))
    voxels = [
        {tuple(v // c for v, c in zip(voxel, cell, strict=True)) for voxel in _voxels(grid, _sound(grid, blocks))}
        for grid, blocks in zip(grids, (a, b), strict=True)
    ]
    assert overlap.n_common is not None
    assert sum(overlap.n_common.values()) == len(voxels[0] & voxels[1])
    for sums, grid, blocks in zip((overlap.a, overlap.b), grids, (a, b), strict=True):
        assert sums.sound == _tally(list(_sound(grid, blocks).values()))
        assert sums.outside == Tally()
    counted = [sum(group.n_voxels for group in sums.groups.values()) for sums in (overlap.a, overlap.b)]
    assert counted[0] == counted[1]


def _voxels(grid: Grid, blocks: Blocks) -> set[tuple[int, ...]]:
    found: set[tuple[int, ...]] = set()
    for index in blocks:
        shape = grid.block_shape_xyz(index)
        axes = zip(index, grid.block_size_xyz, shape, strict=True)
        found |= set(product(*(range(i * side, i * side + n) for i, side, n in axes)))
    return found


@settings(deadline=None)
@given(_shapes, _blocks, _blocks)
def test_sides_can_be_swapped(shape: tuple[int, ...], a: Blocks, b: Blocks) -> None:
    """What is said of A beside B is said of it when it is B."""
    grids = Grid(shape, (4, 4, 4)), Grid(shape, (3, 3, 3))
    there = lay_side_by_side(_stream(grids[0], a), _stream(grids[1], b))
    back = lay_side_by_side(_stream(grids[1], b), _stream(grids[0], a))
    assert (there.a, there.b, there.n_common) == (back.b, back.a, back.n_common)


@settings(deadline=None)
@given(_shapes, _blocks)
def test_turned_rows_are_those_of_an_array_seen_in_a_mirror(shape: tuple[int, ...], blocks: Blocks) -> None:
    """Block j along y is block n-1-j of the other; what lies outside the grid stays there; the order is kept."""
    grid = Grid(shape, (4, 4, 4))
    n_y = grid.shape_in_blocks_xyz[1]
    turned = list(mirrored_y(_stream(grid, blocks)).rows)
    expected = {(x, n_y - 1 - y if y < n_y else y, z): size for (x, y, z), size in blocks.items()}
    assert turned == [(*index, size) for index, size in sorted(expected.items())]


@settings(deadline=None)
@given(_shapes, _blocks)
def test_a_whole_level_is_all_of_its_sound_blocks(shape: tuple[int, ...], blocks: Blocks) -> None:
    """Where only whole levels can be compared, all voxels of the array count, and strays and damaged blocks do not."""
    grid = Grid(shape, (4, 4, 4))
    sums = count_whole(_stream(grid, blocks))
    assert sums.sound == _tally(list(_sound(grid, blocks).values()))
    assert sums.groups[WHOLE].n_voxels == math.prod(shape)


@pytest.mark.parametrize(
    "rows", [[(1, 0, 0, 20), (0, 0, 0, 20)], [(0, 0, 0, 20), (0, 0, 0, 20)]], ids=["back", "twice"]
)
def test_rows_must_ascend(rows: list[tuple[int, ...]]) -> None:
    """Rows out of order, or twice, are an error: laid side by side they would be counted wrong."""
    grid = Grid((8, 8, 8), (4, 4, 4))
    with pytest.raises(ValueError, match="do not ascend"):
        lay_side_by_side(BlockStream(grid, rows, HEADER), BlockStream(grid, [], HEADER))


def test_other_numbers_of_axes_do_not_lie_side_by_side() -> None:
    """A plane has no place in a volume."""
    plane, whole = Grid((8, 8), (4, 4)), Grid((8, 8, 8), (4, 4, 4))
    with pytest.raises(ValueError, match="2 and 3 axes"):
        lay_side_by_side(BlockStream(plane, [], 12), BlockStream(whole, [], HEADER))


def test_arrays_of_any_number_of_axes_are_laid() -> None:
    """Four axes are laid as three are."""
    grid = Grid((4, 4, 4, 2), (2, 2, 2, 2))
    rows = [(*index, 30) for index in grid.indices()]
    overlap = lay_side_by_side(BlockStream(grid, rows, 20), BlockStream(grid, rows[1:], 20))
    assert overlap.n_common == {INTERIOR: 7, EDGE: 0}
    assert overlap.a.one_sided == Tally(1, 30)

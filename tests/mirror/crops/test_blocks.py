"""Blocks that a box touches, against a look at every voxel."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.crops.blocks import BlockBox, blocks_touched
from mirror.crops.box import Box
from mirror.formats.n5.grid import Grid

GRIDS = st.builds(Grid, st.tuples(*[st.integers(1, 9)] * 3), st.tuples(*[st.integers(1, 4)] * 3))
BOXES = st.builds(Box, st.tuples(*[st.integers(-3, 10)] * 3), st.tuples(*[st.integers(0, 6)] * 3))


@settings(max_examples=50)
@given(GRIDS, BOXES)
def test_exactly_the_blocks_with_a_voxel_of_the_box(grid: Grid, box: Box) -> None:
    """A block is touched exactly if it holds a voxel of the box that the array has."""
    inside = box.clipped(grid.shape_xyz[::-1])
    voxels_zyx = product(*(range(a, b) for a, b in zip(inside.start_zyx, inside.stop_zyx, strict=True)))
    touched = {tuple(i // n for i, n in zip(voxel[::-1], grid.block_size_xyz, strict=True)) for voxel in voxels_zyx}
    found = blocks_touched(grid, box)
    assert set(found.indices()) == touched
    assert found.n_blocks == len(touched)
    assert all((index in found) == (index in touched) for index in grid.indices())


@pytest.mark.parametrize(
    ("start", "size", "first", "stop"),
    [
        pytest.param(64, 64, 1, 2, id="one whole block"),
        pytest.param(63, 1, 0, 1, id="last voxel of a block"),
        pytest.param(63, 2, 0, 2, id="over an edge"),
        pytest.param(64, 65, 1, 3, id="first voxel of the next"),
        pytest.param(190, 100, 2, 4, id="to the array's end"),
    ],
)
def test_boxes_on_block_edges(start: int, size: int, first: int, stop: int) -> None:
    """A box that ends at a block's edge does not touch the next one."""
    found = blocks_touched(Grid((200,), (64,)), Box((start,), (size,)))
    assert found == BlockBox((first,), (stop,))

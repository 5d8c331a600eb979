"""Grids of blocks against brute force over voxels."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import MirrorError
from mirror.formats.n5.grid import Grid, block_key, is_canonical_decimal, parse_block_key

axes = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4)), min_size=1, max_size=3)


@given(axes)
def test_blocks_are_those_that_brute_force_over_voxels_finds(axes: list[tuple[int, int]]) -> None:
    """Positions, block shapes and counts equal what counting each voxel into its block gives."""
    shape, block = zip(*axes, strict=True)
    grid = Grid(shape, block)
    counted: dict[tuple[int, ...], int] = {}
    for voxel in product(*map(range, shape)):
        index = tuple(i // size for i, size in zip(voxel, block, strict=True))
        counted[index] = counted.get(index, 0) + 1
    assert {index: math.prod(grid.block_shape_xyz(index)) for index in grid.indices()} == counted
    assert grid.n_blocks == len(counted)
    assert grid.n_voxels == sum(counted.values())
    for index in product(*(range(-1, n + 2) for n in grid.shape_in_blocks_xyz)):
        assert grid.is_inside(index) == (index in counted)
    for index, n_voxels in counted.items():
        assert grid.is_edge(index) == (n_voxels < math.prod(block))


@given(st.lists(st.integers(0, 10**18 - 1), min_size=1, max_size=5))
def test_a_block_key_is_parsed_back_to_its_index(index: list[int]) -> None:
    """`parse_block_key` undoes `block_key` for any number of dimensions."""
    assert parse_block_key(block_key(tuple(index)), len(index)) == tuple(index)


@given(st.text(alphabet="0123/.+- ٣a", max_size=8), st.integers(1, 4))
def test_a_key_is_parsed_only_if_it_is_spelled_canonically(suffix: str, ndim: int) -> None:
    """What is parsed is spelled back to the same key; nothing else with that many numbers is canonical."""
    index = parse_block_key(suffix, ndim)
    if index is not None:
        assert block_key(index) == suffix
        assert len(index) == ndim
    else:
        assert suffix.count("/") != ndim - 1 or not all(map(is_canonical_decimal, suffix.split("/")))


@pytest.mark.parametrize(
    "suffix",
    [
        pytest.param("00/1/2", id="padded"),
        pytest.param("1/2", id="too few"),
        pytest.param("1/2/3/4", id="too many"),
        pytest.param("1/2/3/", id="folder marker"),
        pytest.param("/1/2/3", id="leading slash"),
        pytest.param("1//3", id="empty"),
        pytest.param("-1/2/3", id="negative"),
        pytest.param("+1/2/3", id="plus"),
        pytest.param("1 /2/3", id="space"),
        pytest.param("1_0/2/3", id="underscore"),
        pytest.param("٣/2/3", id="digits that are not ASCII"),
        pytest.param("1/2/3\n", id="newline at the end"),
        pytest.param("1/2/" + "9" * 19, id="more than 64 bits"),
        pytest.param("attributes.json", id="metadata"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_stray_is_no_block(suffix: str) -> None:
    """Keys that only look like a block's are strays; asking twice gives the same."""
    assert parse_block_key(suffix, 3) is None
    assert parse_block_key(suffix, 3) is None


@pytest.mark.parametrize(
    ("shape", "block"),
    [
        pytest.param((4, 4), (2, 2, 2), id="axes differ"),
        pytest.param((), (), id="no axes"),
        pytest.param((4,), (0,), id="empty block"),
        pytest.param((-1,), (1,), id="negative shape"),
    ],
)
def test_what_is_no_grid_is_refused(shape: tuple[int, ...], block: tuple[int, ...]) -> None:
    """A grid that cannot be is not made, and the error shows both parts."""
    with pytest.raises(MirrorError, match="block size"):
        Grid(shape, block)


def test_a_block_outside_the_grid_has_no_shape() -> None:
    """Asking for the shape of a block outside is an error, not a number."""
    with pytest.raises(IndexError, match="2/0"):
        Grid((4, 4), (2, 2)).block_shape_xyz((2, 0))


def test_hela_2_has_the_blocks_that_its_publishers_count() -> None:
    """The real volume of 6368 x 1600 x 12000 voxels (z,y,x) has 470,000 blocks of 64 cubed."""
    assert Grid((12000, 1600, 6368), (64, 64, 64)).n_blocks == 470_000

"""Which voxels a key holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.explain.block import find_place, grid_of
from mirror.formats.folder import Format
from mirror.formats.n5.grid import Grid, block_key

GRID = Grid((200, 100, 70), (64, 64, 64))


@given(st.data())
def test_every_block_is_found_in_each_format(data: st.DataObject) -> None:
    """The key that a format gives a block leads back to its place, and to the voxels of a naive count."""
    index = tuple(data.draw(st.integers(0, n - 1)) for n in GRID.shape_in_blocks_xyz)
    start = tuple(i * size for i, size in zip(index, GRID.block_size_xyz, strict=True))
    stop = tuple(min(one + size, n) for one, size, n in zip(start, GRID.block_size_xyz, GRID.shape_xyz, strict=True))
    box = "_".join(f"{first}-{last}" for first, last in zip(start, stop, strict=True))
    reverse = [str(i) for i in index[::-1]]
    keys = [(Format.N5, block_key(index)), (Format.PRECOMPUTED, box), (Format.PRECOMPUTED, f"{box}.gz")]
    keys += [(Format.ZARR, spelt) for spelt in (".".join(reverse), "/".join(reverse), "c/" + "/".join(reverse))]
    for kind, key in keys:
        place = find_place(kind, GRID, key)
        assert place is not None
        assert (place.index_xyz, place.start_xyz, place.stop_xyz) == (index, start, stop)
        assert place.is_inside
        assert place.is_edge == GRID.is_edge(index)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (Format.N5, "00/1/2"),
        (Format.N5, "1/2"),
        (Format.N5, "attributes.json"),
        (Format.ZARR, "0.0"),
        (Format.ZARR, ".zarray"),
        (Format.PRECOMPUTED, "1-65_0-64_0-64"),
        (Format.PRECOMPUTED, "0-64_0-64"),
        (Format.PRECOMPUTED, "info"),
        (Format.MESH, "0/0/0"),
    ],
)
def test_other_keys_spell_no_place(kind: Format, key: str) -> None:
    """Metadata, strays and names of another number of axes are no blocks."""
    assert find_place(kind, GRID, key) is None


def test_a_place_outside_the_grid_is_told() -> None:
    """A number that is too large is a place all the same, outside."""
    place = find_place(Format.N5, GRID, "4/0/0")
    assert place is not None
    assert not place.is_inside
    assert not place.is_edge


def test_arrays_that_are_not_understood_have_no_grid() -> None:
    """Without shape or blocks there is no grid."""
    assert grid_of((), ()) is None
    assert grid_of((10,), (4, 4)) is None
    assert grid_of((10, 10), (4, 4)) == Grid((10, 10), (4, 4))

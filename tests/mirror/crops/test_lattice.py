"""Boxes from one volume into another, and into levels."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.crops.box import Box
from mirror.crops.lattice import Lattice, level_factors_zyx, moved

RAW = Lattice((6368, 1600, 12000), (5.24, 4.0, 4.0), (0.0, 0.0, 0.0))
BOX = Box((600, 225, 6466), (100, 500, 500))


def centred(factor: int, shape: tuple[int, ...]) -> Lattice:
    """Return a lattice of cubes of voxels of 2 nm, placed as the mean of cubes is."""
    return Lattice(shape, (2.0 * factor,) * 3, ((factor - 1) / 2 * 2.0,) * 3)


@settings(max_examples=40)
@given(
    st.tuples(*[st.integers(0, 9)] * 3),
    st.tuples(*[st.integers(1, 6)] * 3),
    st.sampled_from([1, 2, 3, 4]),
    st.booleans(),
)
def test_a_moved_box_has_every_voxel_that_it_touches(
    start: tuple[int, int, int], shape: tuple[int, int, int], factor: int, is_mirrored: bool
) -> None:
    """By nanometres, or by shapes alone: the target's voxels are those that cover a voxel of the box."""
    source = centred(1, (24, 24, 24))
    upright = centred(factor, (24 // factor,) * 3)
    target = Lattice(upright.shape_zyx, upright.voxel_size_nm_zyx, upright.translation_nm_zyx, is_mirrored)
    box = Box(start, shape)
    covered = set()
    for voxel in product(*(range(a, b) for a, b in zip(box.start_zyx, box.stop_zyx, strict=True))):
        z, y, x = (i // factor for i in voxel)
        covered.add((z, target.shape_zyx[1] - 1 - y if is_mirrored else y, x))
    for to in (target, Lattice(target.shape_zyx, is_mirrored_y=is_mirrored)):
        found = moved(box, source, to)
        ranges = (range(a, b) for a, b in zip(found.start_zyx, found.stop_zyx, strict=True))
        assert set(product(*ranges)) == covered


def test_a_shift_between_volumes_is_followed() -> None:
    """A volume that begins 5 nm before raw in z and 35 nm in y has the box so much further in, and all it touches."""
    shifted = Lattice(RAW.shape_zyx, (5.0, 5.0, 4.0), (-5.0, -35.0, 0.0))
    found = moved(Box((10, 10, 10), (4, 4, 4)), Lattice(RAW.shape_zyx, (5.0, 5.0, 4.0), (0.0, 0.0, 0.0)), shifted)
    assert found == Box((11, 17, 10), (4, 4, 4))


def test_from_a_mirrored_volume_and_back() -> None:
    """A box in a mirrored volume comes back to where it was."""
    mirrored = Lattice(RAW.shape_zyx, RAW.voxel_size_nm_zyx, RAW.translation_nm_zyx, is_mirrored_y=True)
    there = moved(BOX, RAW, mirrored)
    assert there == Box((600, 1600 - 725, 6466), BOX.shape_zyx)
    assert moved(there, mirrored, RAW) == BOX


@pytest.mark.parametrize(
    ("level", "index", "factors"),
    [
        pytest.param(Lattice((3184, 800, 6000), (10.48, 8.0, 8.0)), 1, (2, 2, 2), id="by size"),
        pytest.param(Lattice((3184, 800, 6000), (8.0, 10.48, 8.0)), 1, (2, 2, 2), id="permuted axes"),
        pytest.param(Lattice((3184, 800, 6000)), 1, (2, 2, 2), id="by index"),
        pytest.param(Lattice((6368, 800, 6000), (5.24, 8.0, 8.0)), 1, (1, 2, 2), id="z not halved"),
        pytest.param(Lattice((6368, 800, 6000)), 1, (1, 2, 2), id="z not halved, sizes unknown"),
        pytest.param(Lattice((2123, 534, 4000), (15.72, 12.0, 12.0)), 1, (3, 3, 3), id="thirds"),
        pytest.param(Lattice((100, 100, 100)), 3, (63.68, 16, 120.0), id="no pyramid"),
    ],
)
def test_factors_of_a_level(level: Lattice, index: int, factors: tuple[float, ...]) -> None:
    """The shapes decide, sizes help where they fit."""
    assert level_factors_zyx(RAW, level, index) == factors

"""Boxes of voxels, against a brute-force box that is a set of voxels."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.crops.box import Box
from mirror.errors import UsageError

SIZES = st.tuples(*[st.integers(1, 7)] * 3)
BOXES = st.builds(Box, st.tuples(*[st.integers(-4, 8)] * 3), st.tuples(*[st.integers(0, 6)] * 3))


def voxels(box: Box) -> set[tuple[int, ...]]:
    """Return the voxels of a box, one by one."""
    return set(product(*(range(a, b) for a, b in zip(box.start_zyx, box.stop_zyx, strict=True))))


@pytest.mark.parametrize(
    ("start", "shape"),
    [
        pytest.param((0, 0), (1, 1, 1), id="fewer starts"),
        pytest.param((0, 0, 0), (1, -1, 1), id="negative size"),
    ],
)
def test_what_is_no_box_is_refused(start: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """A box has a start and a size of 0 or more for each axis."""
    with pytest.raises(UsageError, match="not a box"):
        Box(start, shape)


@settings(max_examples=40)
@given(BOXES, SIZES)
def test_a_clipped_box_has_the_voxels_inside(box: Box, shape: tuple[int, ...]) -> None:
    """Clipping keeps exactly the voxels that the array has."""
    inside = set(product(*map(range, shape)))
    assert voxels(box.clipped(shape)) == voxels(box) & inside
    assert box.n_voxels == len(voxels(box))


@settings(max_examples=40)
@given(BOXES, st.integers(1, 9))
def test_a_mirrored_box_has_the_mirrored_voxels(box: Box, ny: int) -> None:
    """Row i becomes row ny-1-i, and mirroring twice changes nothing."""
    assert voxels(box.mirrored_y(ny)) == {(z, ny - 1 - y, x) for z, y, x in voxels(box)}
    assert box.mirrored_y(ny).mirrored_y(ny) == box


@settings(max_examples=40)
@given(BOXES, st.tuples(*[st.sampled_from([1, 2, 3, 4])] * 3))
def test_a_coarser_box_has_every_voxel_touched(box: Box, factors: tuple[int, ...]) -> None:
    """A voxel of the coarser level is in it exactly if it covers a voxel of the box."""
    covered = {tuple(i // f for i, f in zip(voxel, factors, strict=True)) for voxel in voxels(box)}
    assert voxels(box.coarser(factors)) == covered


@settings(max_examples=30)
@given(BOXES, st.integers(0, 3))
def test_a_padded_box_reaches_as_far_on_each_side(box: Box, n: int) -> None:
    """Padding by n adds n voxels before and n behind on each axis."""
    padded = box.padded(n)
    assert all(b - a == n for a, b in zip(padded.start_zyx, box.start_zyx, strict=True))
    assert all(b - a == n for a, b in zip(box.stop_zyx, padded.stop_zyx, strict=True))


def test_slices_cut_the_box_out_of_an_array() -> None:
    """What an array is indexed with are the voxels from start to stop."""
    assert Box((600, 225, 6466), (100, 500, 500)).slices_zyx == (slice(600, 700), slice(225, 725), slice(6466, 6966))

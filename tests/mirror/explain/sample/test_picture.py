"""Pictures lay both blocks on each other, and a difference is seen where there is one."""

from __future__ import annotations

import numpy as np

from mirror.explain.sample.picture import MAX_SIDE, picture
from mirror.explain.sample.relation import Match, compare
from tests.mirror.explain.sample.textures import em_uint8


def test_same_blocks_leave_no_difference() -> None:
    """The difference is grey, but for the one voxel that differs; histograms count every voxel."""
    a = em_uint8(np.random.default_rng(1), (32, 32, 32))
    b = a.copy()
    b[16, 5, 6] = 255 - b[16, 5, 6] // 2
    one = picture(a, b, compare(a, b, (4, 4, 4)))
    assert np.argwhere(one.difference_yx != 128).tolist() == [[5, 6]]
    assert one.a_histogram.sum() == one.b_histogram.sum() == a.size
    assert one.a_limits == (float(a.min()), float(a.max()))


def test_large_and_constant_blocks_are_drawn() -> None:
    """Slices are cut to a small side; a constant block does not divide by nothing."""
    a = np.zeros((2, 300, 200), "uint16")
    one = picture(a, a, compare(a, a, (0, 0, 0)))
    assert not isinstance(compare(a, a, (0, 0, 0)), Match)
    assert one.a_yx.shape == one.difference_yx.shape == (MAX_SIDE, MAX_SIDE)

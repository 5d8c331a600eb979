"""Indexing: what NumPy does with an array is done with a volume, and what it refuses is refused in its words."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, basic_indices

from mirror.view.index import want

ARRAY = np.arange(5 * 6 * 7).reshape(5, 6, 7)


def by_view(array: np.ndarray[Any, Any], index: Any) -> Any:
    """Index an array in the two steps of a volume."""
    wanted = want(index, array.shape)
    slices = tuple(slice(one.start, one[-1] + 1, one.step) if one else slice(0, 0) for one in wanted.ranges)
    return array[slices][wanted.rest]


@given(st.data())
def test_any_basic_index_reads_what_numpy_reads(data: st.DataObject) -> None:
    """Integers, slices with steps of either sign, `...` and None, in arrays of one to four axes."""
    shape = data.draw(array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=9))
    array = np.arange(np.prod(shape)).reshape(shape)
    index = data.draw(basic_indices(shape, allow_newaxis=True))
    found, expected = by_view(array, index), array[index]
    np.testing.assert_array_equal(found, expected)
    assert np.shape(found) == np.shape(expected)
    assert isinstance(found, np.ndarray) == isinstance(expected, np.ndarray)


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(5, id="beyond the end"),
        pytest.param(-6, id="before the start"),
        pytest.param((0, 0, 7), id="beyond the end of the last axis"),
        pytest.param((0, 0, 0, 0), id="too many"),
        pytest.param((..., 0, ...), id="two ellipses"),
        pytest.param(1.0, id="a float"),
        pytest.param("z", id="a word"),
        pytest.param((slice(None, None, 0),), id="a step of 0"),
        pytest.param(slice("a"), id="a slice of words"),
    ],
)
def test_what_numpy_refuses_is_refused(index: Any) -> None:
    """With the same class of error, and where it is about the array with the same words."""
    with pytest.raises(Exception) as by_numpy:  # noqa: PT011  whatever it is
        ARRAY[index]
    with pytest.raises(by_numpy.type) as by_us:
        want(index, ARRAY.shape)
    if "valid indices" not in str(by_numpy.value):
        assert str(by_us.value) == str(by_numpy.value)


@pytest.mark.parametrize("index", [True, [0, 1], np.array([0, 1]), ARRAY > 3], ids=["bool", "list", "array", "mask"])
def test_advanced_indexing_is_refused(index: Any) -> None:
    """It would read scattered blocks for single voxels; the error says how to do it."""
    with pytest.raises(IndexError, match="read a box of it first"):
        want(index, ARRAY.shape)


@given(st.data())
def test_the_blocks_are_those_that_hold_voxels(data: st.DataObject) -> None:
    """No more and no fewer, against each voxel's own block; steps larger than a block step over some."""
    shape = data.draw(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=20))
    sizes = data.draw(st.tuples(*(st.integers(1, 7) for _ in shape)))
    wanted = want(data.draw(basic_indices(shape)), shape)
    by_voxel = {tuple(i // n for i, n in zip(voxel, sizes, strict=True)) for voxel in itertools.product(*wanted.ranges)}
    if by_voxel:
        assert set(itertools.product(*wanted.blocks(sizes))) == by_voxel
        starts = tuple(min(one) for one in wanted.ranges)
        assert wanted.box.start_zyx == starts
        assert wanted.box.stop_zyx == tuple(max(one) + 1 for one in wanted.ranges)
    else:
        assert wanted.box.n_voxels == 0

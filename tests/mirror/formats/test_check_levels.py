"""Whether levels are a pyramid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.check_levels import check_levels
from mirror.formats.layout import Array, FindingCode
from tests.mirror.formats.worlds import level, pyramid, volume

NO_PYRAMID, TRANSLATION = FindingCode.NO_PYRAMID, FindingCode.TRANSLATION_DIFFERS
_SIZES = st.tuples(*[st.floats(0.5, 50)] * 3)


@given(st.tuples(*[st.integers(1, 20000)] * 3), _SIZES, st.integers(1, 9))
def test_a_pyramid_of_means_is_in_order(shape: tuple[int, ...], size: tuple[float, ...], levels: int) -> None:
    """Shapes rounded up, places moved by half of what a voxel grew."""
    assert list(check_levels(pyramid("em/x", levels, shape, size))) == []


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (level("v", 1, (50, 35, 15), (8, 8, 10.48), (2, 2, 2.62)), []),
        (level("v", 1, (50, 34, 15), (8, 8, 10.48), (2, 2, 2.62)), [NO_PYRAMID]),
        (level("v", 1, (50, 69, 30), (8, 4, 5.24), (2, 0, 0)), []),
        (level("v", 1, (50, 69, 30), (8, 8, 5.24), (2, 2, 0)), [NO_PYRAMID]),
        (level("v", 1, (34, 23, 10), (12, 12, 15.72), (4, 4, 5.24)), []),
        (level("v", 1, (50, 35, 15), (8, 8, 10.48), (0, 0, 0)), [TRANSLATION]),
        (level("v", 1, (50, 35, 15), (8, 8, 10.48), None), []),
        (level("v", 1, (50, 35, 15), (8, -8, 10.48), (2, 2, 2.62)), []),
        (level("v", 1, (50, 69, 30), None), []),
        (level("v", 1, (49, 69, 30), None), [NO_PYRAMID]),
        (level("v", 1, (50, 35), None), [NO_PYRAMID]),
        (level("v", 1, (99, 68, 29), (5, 5, 6), (0, 0, 0)), [NO_PYRAMID]),
        (level("v", 99, (1, 1, 1), None), []),
        (level("v", None, (7, 7, 7), None), []),
    ],
    ids=[
        "halved",
        "rounded down",
        "halved in x alone",
        "sizes say more than shapes",
        "thirds",
        "not moved",
        "no place",
        "mirrored",
        "no sizes, and a power of two",
        "no sizes, and none",
        "another number of axes",
        "sizes that are no multiple",
        "a name that is no level",
        "no level",
    ],
)
def test_one_level_against_the_finest(other: Array, expected: list[FindingCode]) -> None:
    """The finest has 100 x 69 x 30 voxels of 4 x 4 x 5.24 nm."""
    finest = level("v", 0, (100, 69, 30))
    assert [finding.code for finding in check_levels(volume("v", finest, other))] == expected


def test_one_finding_tells_of_all_levels() -> None:
    """The first in full, the others by name."""
    arrays = [level("v", n, (100, 69, 30), None) for n in range(1, 4)]
    arrays += [level("v", 4, (99, 9, 9), None), level("v", 5, (99, 9, 9), None)]
    (finding,) = check_levels(volume("v", level("v", 0, (100, 69, 30)), *arrays))
    assert finding.place.endswith("/v/s4/")
    assert finding.expected == "7 x 5 x 2 voxels, a 16 x 16 x 16 of 100 x 69 x 30 voxels"
    assert finding.found == "99 x 9 x 9 voxels; also s5"


def test_channels_are_no_part_of_a_pyramid() -> None:
    """Only the axes of space are compared, wherever they stand."""
    finest = level("v", 0, (3, 100, 69, 30), axes=("c", "x", "y", "z"))
    half = level("v", 1, (3, 50, 35, 15), (8, 8, 10.48), (2, 2, 2.62), axes=("c", "x", "y", "z"))
    assert list(check_levels(volume("v", finest, half))) == []


def test_without_the_finest_there_is_nothing_to_compare_with() -> None:
    """Its absence is told by those who looked for it."""
    assert list(check_levels(volume("v", level("v", 1), level("v", 2)))) == []


_NUMBERS = st.floats() | st.integers(-5, 5)
_TUPLES = st.lists(_NUMBERS, max_size=4).map(tuple)
_ODD = st.builds(
    level,
    st.just("v"),
    st.none() | st.integers(-2, 2000),
    st.lists(st.integers(-3, 2**70), max_size=5).map(tuple),
    st.none() | _TUPLES,
    st.none() | _TUPLES,
    axes=st.none() | st.lists(st.sampled_from("xyzctX"), max_size=5).map(tuple),
)


@given(st.lists(_ODD, max_size=4))
def test_no_values_fail(arrays: list[Array]) -> None:
    """Whatever documents say."""
    list(check_levels(volume("v", *arrays)))

"""Slices: which one is meant, how grey its voxels are, and how large it is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mirror.errors import UsageError
from mirror.view.planes import (
    MOST_PIXELS,
    Plane,
    grey,
    parse_axis,
    parse_box,
    parse_contrast,
    parse_position,
    sampled,
    zoom,
)


@pytest.mark.parametrize(
    ("text", "n", "expected"),
    [("mid", 7, 3), ("0%", 7, 0), ("100%", 7, 6), ("50%", 100, 50), ("12.5%", 80, 10), (6, 7, 6), ("-1", 7, 6)],
)
def test_positions_are_understood(text: str | int, n: int, expected: int) -> None:
    """The middle, a share, a number."""
    assert parse_position(text, n) == expected


@pytest.mark.parametrize("text", ["middle", "101%", "7", "-8", "1.5", "", "%", "9" * 5000, f"{'9' * 5000}%"])
def test_other_positions_are_refused(text: str) -> None:
    """With what there is."""
    with pytest.raises(UsageError, match="a number up to 6"):
        parse_position(text, 7)


def test_an_axis_without_voxels_has_no_slice() -> None:
    """Not even one in the middle."""
    with pytest.raises(UsageError, match="no slice to draw"):
        parse_position("mid", 0)


@pytest.mark.parametrize("text", ["1", "1:2", "5:5,0:3", "20:30,0:3", "a:b,c:d", "1:2,3:4,5:6", f"{'9' * 5000}:,:"])
def test_parts_that_are_none_are_refused(text: str) -> None:
    """Or that hold nothing."""
    with pytest.raises(UsageError, match="slice"):
        parse_box(text, (10, 10))


@pytest.mark.parametrize("text", ["", "bright", "1", "1,2,3", "5,5", "nan,1"])
def test_other_contrasts_are_refused(text: str) -> None:
    """With what there is."""
    with pytest.raises(UsageError, match="auto, full, or LO,HI"):
        parse_contrast(text)


def test_axes_are_named() -> None:
    """Any other is refused."""
    assert [parse_axis(name) for name in "zyx"] == [0, 1, 2]
    with pytest.raises(UsageError, match="z, y or x"):
        parse_axis("t")


@pytest.mark.parametrize(
    ("axis", "names", "shape"),
    [(0, ("z", "y", "x"), (5, 6)), (1, ("y", "z", "x"), (4, 6)), (2, ("x", "z", "y"), (4, 5))],
)
def test_a_plane_indexes_rows_and_columns(axis: int, names: tuple[str, ...], shape: tuple[int, int]) -> None:
    """Of the two axes that it does not stand on, in their order."""
    array = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    plane = Plane(axis, 2, *(range(n) for n in shape))
    np.testing.assert_array_equal(array[plane.index], np.take(array, 2, axis))
    assert plane.names == names


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint64", "int16", "float32"])
def test_contrast_by_what_there_is_goes_from_black_to_white(dtype: str) -> None:
    """For every type of voxel, and a few odd ones do not matter."""
    plane = np.linspace(20, 120, 10_000).astype(dtype).reshape(100, 100)
    plane[0, 0] = 127
    shown = grey(plane)
    assert (shown.min(), shown.max()) == (0, 255)
    assert abs(int(np.median(shown)) - 127) < 4


@pytest.mark.parametrize(
    ("values", "contrast", "expected"),
    [
        pytest.param(np.array([[0, 128, 255]], "uint8"), "full", [0, 128, 255], id="full range of a byte"),
        pytest.param(np.array([[0, 65535]], "uint16"), "full", [0, 255], id="of two bytes"),
        pytest.param(np.array([[-1.0, 0.0, 1.0]]), "full", [0, 128, 255], id="of floats what there is"),
        pytest.param(np.array([[50, 100, 150, 200]], "uint8"), (100.0, 150.0), [0, 0, 255, 255], id="two values"),
        pytest.param(np.array([[50, 100]], "uint8"), (100.0, 50.0), [255, 0], id="inverted"),
        pytest.param(np.array([[7, 7]], "uint8"), "auto", [127, 127], id="nothing but one value"),
        pytest.param(np.array([[np.nan, 0.0, 1.0]]), "full", [0, 0, 255], id="what is no number is 0"),
    ],
)
def test_contrast_as_it_is_asked_for(values: Any, contrast: Any, expected: list[int]) -> None:
    """Values outside are black and white."""
    assert grey(values, contrast)[0].tolist() == expected


def test_small_planes_are_enlarged_and_large_ones_refused() -> None:
    """Each voxel by a whole number; along a coarser axis by more."""
    assert zoom((70, 70), (4.0, 4.0), 480) == (490, 490)
    assert zoom((100, 200), (8.0, 4.0), 480) == (600, 600)
    assert zoom((5, 600), (-4.0, 4.0), 480) == (5, 600)
    with pytest.raises(UsageError, match="100 megapixels"):
        zoom((MOST_PIXELS, 2), None, 480)
    assert sampled(2, 5).tolist() == [0, 0, 0, 1, 1]

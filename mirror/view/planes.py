"""One plane of a volume: which one is meant, its voxels as grey, and how large it is drawn."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirror.errors import UsageError

AXES = ("z", "y", "x")
MOST_PIXELS = 100_000_000
"""A larger picture is refused: no viewer shows it, and its voxels are read at once."""
_NUMBER = r"\d{1,18}"
"""Python refuses to read thousands of digits, and no axis has so many voxels."""
_BOX = r"\s*(N?):(N?)\s*,\s*(N?):(N?)\s*".replace("N", f"(?:{_NUMBER})")
_CUT = 0.5
"""Per cent of the voxels that may be black, and as many white, where contrast is chosen by what there is."""


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice of an array of three axes, and where in it."""

    axis: int
    """0, 1 or 2, for z, y and x: the axis that the slice stands on."""
    position: int
    """Along that axis."""
    rows: range
    """Of the first of the other two axes."""
    columns: range

    @property
    def index(self) -> tuple[int | slice, ...]:
        """What an array is indexed with; a plane of rows and columns comes."""
        parts: list[int | slice] = [slice(one.start, one.stop) for one in (self.rows, self.columns)]
        parts.insert(self.axis, self.position)
        return tuple(parts)

    @property
    def names(self) -> tuple[str, str, str]:
        """Names of the axis that the slice stands on, of that of the rows and of that of the columns."""
        rows, columns = (name for name in AXES if name != AXES[self.axis])
        return AXES[self.axis], rows, columns


def parse_position(text: str | int, n: int) -> int:
    """Return the position along an axis of `n` voxels that is meant: `mid`, `50%`, or a number; -1 is the last.

    Raises
    ------
    UsageError
        It is none of these, or outside.

    >>> parse_position("mid", 100), parse_position("100%", 100), parse_position(-1, 100)
    (50, 99, 99)
    """
    words = str(text).strip()
    if not n:
        raise UsageError("there is no slice to draw", words, found="an axis of no voxel")
    if words == "mid":
        return n // 2
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)%", words):
        if (share := float(match[1])) <= 100:
            return min(math.floor(share / 100 * n), n - 1)
    elif re.fullmatch(rf"-?{_NUMBER}", words) and -n <= int(words) < n:
        return int(words) % n
    raise UsageError("not a slice", words, expected=f"mid, a share as 50%, or a number up to {n - 1}")


def parse_axis(name: str) -> int:
    """Return the number of an axis. Raises UsageError for what is none."""
    if name not in AXES:
        raise UsageError("not an axis", name, expected="z, y or x")
    return AXES.index(name)


def parse_box(text: str | None, shape: Sequence[int]) -> tuple[range, range]:
    """Return rows and columns of a part of a slice: `225:725,6466:6966`; an end that is left out is that of the slice.

    Raises
    ------
    UsageError
        It is none, or empty.

    >>> parse_box("10:20,:5", (100, 50)), parse_box(None, (3, 4))
    ((range(10, 20), range(0, 5)), (range(0, 3), range(0, 4)))
    """
    if text is None:
        return range(shape[0]), range(shape[1])
    match = re.fullmatch(_BOX, text)
    if match is None:
        raise UsageError("not a part of a slice", text, expected="ROWS,COLUMNS as 225:725,6466:6966")
    ends = [int(one) if one else None for one in match.groups()]
    rows, columns = (range(n)[slice(*ends[at : at + 2])] for n, at in zip(shape, (0, 2), strict=True))
    if not rows or not columns:
        raise UsageError(
            "nothing of the slice is left", text, expected=f"a part of {shape[0]} rows and {shape[1]} columns"
        )
    return rows, columns


def zoom(shape: Sequence[int], sizes: Sequence[float] | None, least: int) -> tuple[int, int]:
    """Return how many pixels high and wide a plane is drawn: a whole number for each voxel, or more along one axis.

    Parameters
    ----------
    sizes
        Of a voxel along rows' and columns' axis; None: they are taken for square.
    least
        The longer side has so many at least.

    Raises
    ------
    UsageError
        It would have more than `MOST_PIXELS`.

    >>> zoom((100, 50), None, 400), zoom((100, 50), (8, 4), 400), zoom((3000, 2000), None, 400)
    ((400, 200), (400, 100), (3000, 2000))
    """
    stretch = (1.0, 1.0) if sizes is None else tuple(abs(size) / min(map(abs, sizes)) for size in sizes)
    longer = max(1, *(round(n * factor) for n, factor in zip(shape, stretch, strict=True)))
    times = max(1, -(-least // longer))
    height, width = (max(1, round(n * factor * times)) for n, factor in zip(shape, stretch, strict=True))
    if height * width > MOST_PIXELS:
        raise UsageError(
            "the picture would be too large",
            expected=f"up to {MOST_PIXELS // 10**6} megapixels",
            found=f"{height * width / 1e6:,.0f}",
        )
    return height, width


def sampled(n: int, n_pixels: int) -> NDArray[np.intp]:
    """Return which of `n` voxels each of `n_pixels` pixels shows.

    >>> sampled(3, 6).tolist()
    [0, 0, 1, 1, 2, 2]
    """
    return (np.arange(n_pixels) * n) // n_pixels


def parse_contrast(text: str) -> str | tuple[float, float]:
    """Return `auto`, `full`, or the values that become black and white: `LO,HI`.

    Raises
    ------
    UsageError
        It is none of these, or both values are one.

    >>> parse_contrast("80, 200")
    (80.0, 200.0)
    """
    words = text.strip()
    if words in {"auto", "full"}:
        return words
    try:
        low, high = map(float, words.split(","))
    except ValueError:
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        raise UsageError("not a contrast", text, expected="auto, full, or LO,HI as 80,200")
    return low, high


def grey(plane: NDArray[Any], contrast: str | tuple[float, float] = "auto") -> NDArray[np.uint8]:
    """Return a plane as 8-bit grey.

    Parameters
    ----------
    contrast
        `auto`: but for half a per cent at either end, what there is goes from black to white. `full`: the range of
        the type goes, of floats what there is. Else the values of black and white; the first may be the larger.
    """
    values = np.nan_to_num(plane.astype("float64"), posinf=0.0, neginf=0.0)
    low, high = contrast if isinstance(contrast, tuple) else _limits(values, plane.dtype, contrast)
    if low == high:
        return np.full(plane.shape, 127, "uint8")
    scaled = (values - low) * (255.0 / (high - low))
    shown: NDArray[np.uint8] = np.rint(np.clip(scaled, 0, 255)).astype("uint8")
    return shown


def _limits(values: NDArray[Any], dtype: np.dtype[Any], contrast: str) -> tuple[float, float]:
    if contrast == "full" and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return float(limits.min), float(limits.max)
    cut = 0.0 if contrast == "full" else _CUT
    low, high = np.percentile(values, (cut, 100 - cut))
    return float(low), float(high)

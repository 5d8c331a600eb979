"""What N5 attributes say against themselves: transforms with permuted axes, two sizes for one voxel."""

from __future__ import annotations

import math

from mirror.formats.amounts import lengths_in_words
from mirror.formats.layout import Finding, FindingCode, Placement, Severity
from mirror.formats.n5.attributes import Attributes, Transform
from mirror.formats.n5.placement import place_own_pixels, place_transform

_AXES_ZYX = ("z", "y", "x")
_TOLERANCE = 1e-3
"""Relative: 3.36 against 3.3600001 is no difference, 3.36 against 3.4 is one."""


def odd_attributes(attributes: Attributes, place: str) -> list[Finding]:
    """Return what is odd in one attributes.json: parts that cannot be read, and those that contradict each other.

    Parameters
    ----------
    place
        Its full key.
    """
    return attributes.odd_parts(place) + _permuted_axes(attributes, place) + _two_sizes(attributes, place)


def _permuted_axes(attributes: Attributes, place: str) -> list[Finding]:
    expected = "transforms in the order z, y, x"
    return [
        Finding(
            Severity.NOTE,
            FindingCode.AXES_PERMUTED,
            place,
            expected,
            f"{where} with axes {', '.join(transform.axes)}",
        )
        for where, transform in _transforms(attributes)
        if _is_permuted(transform)
    ]


def _is_permuted(transform: Transform) -> bool:
    return transform.axes != _AXES_ZYX and set(transform.axes) == set(_AXES_ZYX)


def _transforms(attributes: Attributes) -> list[tuple[str, Transform]]:
    own = [("transform", attributes.transform)]
    levels = [
        (f"multiscales: {level.path}", level.transform)
        for pyramid in attributes.multiscales or ()
        for level in pyramid.datasets
    ]
    return [(where, transform) for where, transform in own + levels if transform is not None]


def _two_sizes(attributes: Attributes, place: str) -> list[Finding]:
    """Compare `pixelResolution` with the transform that says the same: an array's own, or that of a group's finest."""
    transforms = [found for found in _transforms(attributes) if found[1].scale]
    # Of permuted axes nobody knows whether the numbers are permuted as well.
    if not transforms or _is_permuted(transforms[0][1]):
        return []
    where, transform = transforms[0]
    by_transform = place_transform(transform, len(transform.scale), source=where)
    by_pixels = place_own_pixels(attributes)
    if not isinstance(by_transform, Placement) or not isinstance(by_pixels, Placement):
        return []
    expected, found = (tuple(map(abs, placed.voxel_size_nm_xyz)) for placed in (by_transform, by_pixels))
    if len(expected) == len(found) and all(map(_is_close, expected, found)):
        return []
    return [
        Finding(
            Severity.WARNING,
            FindingCode.RESOLUTION_DIFFERS,
            place,
            f"pixelResolution {lengths_in_words(expected)}, as {where} says",
            lengths_in_words(found),
        )
    ]


def _is_close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_TOLERANCE)

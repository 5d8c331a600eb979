"""Where the voxels of two volumes of one dataset lie against each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mirror.crops.box import Box

TOLERANCE_VOXELS = 0.01
"""What documents may be off by, for they round their nanometres."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """The voxels of one array in the world, z first. Only the three axes of space."""

    shape_zyx: tuple[int, ...]
    voxel_size_nm_zyx: tuple[float, ...] | None = None
    """None where no document says."""
    translation_nm_zyx: tuple[float, ...] | None = None
    """Centre of the first voxel of the array as it lies upright; None where no document says."""
    is_mirrored_y: bool = False
    """Whether its rows are stored in the opposite order: j = ny-1-i."""


def moved(box: Box, source: Lattice, target: Lattice) -> Box:
    """Return the voxels of `target` that touch what the box holds of `source`; may reach outside of `target`.

    1. Voxel sizes and translations of both are known: by nanometres. 2. Else their first voxels begin in one corner,
    and the voxels of `target` are larger by the ratio of the sizes, or of the shapes where no size is known.
    Rows are turned where one of the two is mirrored in y and the other is not.

    >>> raw = Lattice((100, 100, 100), (5.24, 4.0, 4.0), (0.0, 0.0, 0.0))
    >>> moved(Box((10, 20, 30), (4, 4, 4)), raw, Lattice((50, 50, 50), (10.48, 8.0, 8.0), (2.62, 2.0, 2.0)))
    Box(start_zyx=(5, 10, 15), shape_zyx=(2, 2, 2))
    >>> moved(Box((10, 20, 30), (4, 4, 4)), raw, Lattice((100, 100, 100), is_mirrored_y=True))
    Box(start_zyx=(10, 76, 30), shape_zyx=(4, 4, 4))
    """
    upright = box.mirrored_y(source.shape_zyx[-2]) if source.is_mirrored_y else box
    ratios, shifts = _ratios(source, target), _shifts(source, target)
    starts = (
        math.floor(a / f + shift + TOLERANCE_VOXELS)
        for a, f, shift in zip(upright.start_zyx, ratios, shifts, strict=True)
    )
    stops = (
        math.ceil(b / f + shift - TOLERANCE_VOXELS)
        for b, f, shift in zip(upright.stop_zyx, ratios, shifts, strict=True)
    )
    found = _between(tuple(starts), tuple(stops))
    return found.mirrored_y(target.shape_zyx[-2]) if target.is_mirrored_y else found


def level_factors_zyx(finest: Lattice, level: Lattice, level_index: int) -> tuple[float, ...]:
    """Return by how much the voxels of a level are larger than those of the finest, along each axis.

    The shapes decide, for documents with permuted axes exist. 1. The ratio of the voxel sizes, where it is whole and
    fits the shapes. 2. 2^n. 3. Along each axis the largest power of two up to 2^n that fits. 4. The ratio of the
    shapes.

    >>> level_factors_zyx(Lattice((6368, 1600, 12000)), Lattice((1592, 400, 3000)), 2)
    (4, 4, 4)
    """
    by_size = _whole(_size_ratios(finest, level))
    for factors in (by_size, (2**level_index,) * len(finest.shape_zyx)):
        if factors is not None and _shrunk(finest.shape_zyx, factors) == level.shape_zyx:
            return factors
    return tuple(
        _power_of_two(n, m, level_index) or n / max(m, 1)
        for n, m in zip(finest.shape_zyx, level.shape_zyx, strict=True)
    )


def _between(starts: tuple[int, ...], stops: tuple[int, ...]) -> Box:
    return Box(starts, tuple(max(b - a, 0) for a, b in zip(starts, stops, strict=True)))


def _ratios(source: Lattice, target: Lattice) -> tuple[float, ...]:
    by_size = _size_ratios(source, target)
    if by_size is not None:
        return by_size
    shapes = zip(source.shape_zyx, target.shape_zyx, strict=True)
    return tuple(n / m if n and m else 1.0 for n, m in shapes)


def _size_ratios(source: Lattice, target: Lattice) -> tuple[float, ...] | None:
    if source.voxel_size_nm_zyx is None or target.voxel_size_nm_zyx is None:
        return None
    sizes = zip(source.voxel_size_nm_zyx, target.voxel_size_nm_zyx, strict=True)
    return tuple(to / of for of, to in sizes)


def _shifts(source: Lattice, target: Lattice) -> tuple[float, ...]:
    """Return by how many voxels of `target` its corner lies before that of `source`."""
    known = (
        source.voxel_size_nm_zyx,
        source.translation_nm_zyx,
        target.voxel_size_nm_zyx,
        target.translation_nm_zyx,
    )
    if any(one is None for one in known):
        return (0.0,) * len(source.shape_zyx)
    # Translations are centres; a voxel's corner lies half of it before.
    parts = zip(*(one for one in known if one is not None), strict=True)
    return tuple(((at - size / 2) - (to - to_size / 2)) / to_size for size, at, to_size, to in parts)


def _whole(ratios: tuple[float, ...] | None) -> tuple[int, ...] | None:
    if ratios is None or any(round(one) < 1 or abs(one - round(one)) > TOLERANCE_VOXELS * one for one in ratios):
        return None
    return tuple(map(round, ratios))


def _shrunk(shape: Sequence[int], factors: Sequence[int]) -> tuple[int, ...]:
    return tuple(-(-n // factor) for n, factor in zip(shape, factors, strict=True))


def _power_of_two(n: int, m: int, at_most: int) -> int | None:
    return next((2**k for k in range(at_most, -1, -1) if -(-n // 2**k) == m), None)

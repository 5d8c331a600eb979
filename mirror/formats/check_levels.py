"""Whether the levels of a volume are a pyramid: their shapes, and where their first voxels lie."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from mirror.formats.amounts import lengths_in_words
from mirror.formats.layout import Array, ArrayFacts, Finding, FindingCode, Severity, Volume

_SPATIAL = ("x", "y", "z")
_DEEPEST = 40
"""A level beyond this would shrink any array to one voxel: a name, not a level."""
_TOLERANCE = 0.01
"""Of a ratio of voxel sizes, and of a voxel."""

_Fault = Callable[[Array, Array], tuple[str, str] | None]
"""Takes the finest level and another; returns expected and found, or None where the two fit."""


def spatial_shape_xyz(facts: ArrayFacts) -> tuple[int, ...]:
    """Return the extent along the axes of space alone, x first.

    >>> spatial_shape_xyz(ArrayFacts((7, 5, 3, 2), (7, 5, 3, 1), "uint8", {}))
    (7, 5, 3)
    """
    axes = [axis.casefold() for axis in facts.axes_xyz or ()]
    if len(axes) == len(facts.shape_xyz) and not set(axes).isdisjoint(_SPATIAL):
        return tuple(facts.shape_xyz[axes.index(axis)] for axis in _SPATIAL if axis in axes)
    return facts.shape_xyz[: len(_SPATIAL)]


def check_levels(volume: Volume) -> Iterator[Finding]:
    """Yield at most one finding about shapes and one about places, each with all levels that do not fit.

    Level n is to have ceil(shape / f) voxels, f its voxel size against that of the finest; where sizes are not known,
    any powers of two up to 2^n. It begins (f - 1) / 2 voxels of the finest further in, as the mean of f voxels does.
    """
    levels = [array for array in volume.arrays if array.level_index is not None and array.facts is not None]
    if not levels or levels[0].level_index != 0:
        return
    others = [level for level in levels[1:] if 0 < (level.level_index or 0) <= _DEEPEST]
    yield from _report(levels[0], others, FindingCode.NO_PYRAMID, _shape_fault)
    yield from _report(levels[0], others, FindingCode.TRANSLATION_DIFFERS, _translation_fault)


def _report(finest: Array, others: Sequence[Array], code: FindingCode, fault_of: _Fault) -> Iterator[Finding]:
    faults = [(level, fault) for level in others if (fault := fault_of(finest, level)) is not None]
    if faults:
        level, (expected, found) = faults[0]
        also = ", ".join(str(other.level_name) for other, _ in faults[1:])
        yield Finding(Severity.NOTE, code, level.prefix, expected, f"{found}; also {also}" if also else found)


def _shape_fault(finest: Array, level: Array) -> tuple[str, str] | None:
    base, shape = _shape(finest), _shape(level)
    n = level.level_index or 0
    factors = _factors(finest, level)
    if factors is None or len(factors) != len(base):
        fits = len(base) == len(shape) and all(map(_is_halved, base, shape, [n] * len(base)))
        factors = (2**n,) * len(base)
    else:
        fits = _shrunk(base, factors) == shape
    if fits:
        return None
    by = " x ".join(map(str, factors))
    return f"{_voxels(_shrunk(base, factors))}, a {by} of {_voxels(base)}", _voxels(shape)


def _shape(array: Array) -> tuple[int, ...]:
    return spatial_shape_xyz(array.facts) if array.facts is not None else ()


def _shrunk(shape: Sequence[int], factors: Sequence[int]) -> tuple[int, ...]:
    return tuple(-(-size // factor) for size, factor in zip(shape, factors, strict=True))


def _is_halved(base: int, size: int, at_most: int) -> bool:
    return any(-(-base // 2**n) == size for n in range(at_most + 1))


def _voxels(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) + " voxels"


def _factors(finest: Array, level: Array) -> tuple[int, ...] | None:
    """Return by how much a voxel is larger along each axis, or None where the sizes do not say, or no whole number."""
    if finest.placement is None or level.placement is None:
        return None
    bases, sizes = finest.placement.voxel_size_nm_xyz, level.placement.voxel_size_nm_xyz
    if len(bases) != len(sizes) or not all(map(_is_length, (*bases, *sizes))):
        return None
    ratios = [abs(size / base) for base, size in zip(bases, sizes, strict=True)]
    if not all(math.isfinite(ratio) and _is_whole(ratio) for ratio in ratios):
        return None
    return tuple(map(round, ratios))


def _is_length(size: float) -> bool:
    return math.isfinite(size) and size != 0


def _is_whole(ratio: float) -> bool:
    return round(ratio) >= 1 and abs(ratio - round(ratio)) <= _TOLERANCE * ratio


def _translation_fault(finest: Array, level: Array) -> tuple[str, str] | None:
    factors = _factors(finest, level)
    if finest.placement is None or level.placement is None or factors is None:
        return None
    sizes, start = finest.placement.voxel_size_nm_xyz, finest.placement.translation_nm_xyz
    found = level.placement.translation_nm_xyz
    if start is None or found is None or not len(start) == len(found) == len(sizes):
        return None
    expected = [at + (factor - 1) / 2 * size for at, factor, size in zip(start, factors, sizes, strict=True)]
    misses = [abs(want - is_) for want, is_ in zip(expected, found, strict=True)]
    if all(miss <= _TOLERANCE * abs(size) for miss, size in zip(misses, sizes, strict=True)):
        return None
    return f"first voxel at {lengths_in_words(expected)}", lengths_in_words(found)

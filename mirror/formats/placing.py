"""Where an array lies in the world: from the numbers of a document, whatever their order and unit, to nanometres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mirror.formats.layout import Finding, FindingCode, Placement, Severity
from mirror.formats.units import nanometres

_SPATIAL_XYZ = ("x", "y", "z")


@dataclass(frozen=True, slots=True)
class Unplaced:
    """Why a document does not place an array though it tries to."""

    fault: str

    def as_finding(self, place: str) -> Finding:
        """Return it as a finding about the document at `place`."""
        expected = "sizes of voxels in a unit of length, along axes called x, y and z"
        return Finding(Severity.NOTE, FindingCode.ODD_METADATA, place, expected, self.fault)


def axes_fastest_first(ndim: int) -> tuple[str, ...]:
    """Return the names of an N5 array's axes where no document has any: x, y, z, and numbers beyond.

    >>> axes_fastest_first(2), axes_fastest_first(4)
    (('x', 'y'), ('x', 'y', 'z', '3'))
    """
    return (*_SPATIAL_XYZ[:ndim], *map(str, range(len(_SPATIAL_XYZ), ndim)))


def place(
    axes: Sequence[str],
    scale: Sequence[float],
    translation: Sequence[float] | None,
    units: Sequence[str],
    *,
    source: str,
) -> Placement | Unplaced:
    """Return where the spatial axes lie, x first: all parts are in the order of `axes`, which may be any.

    >>> place(("z", "y", "x"), (5.24, 4, 4), (0, 0, 0), ("nm",) * 3, source="transform").voxel_size_nm_xyz
    (4, 4, 5.24)
    >>> place(("x",), (4,), None, ("parsec",), source="transform").fault
    "transform: unit 'parsec'"
    """
    names = [axis.casefold() for axis in axes]
    lengths = {len(part) for part in (axes, scale, units, translation) if part is not None}
    if len(lengths) != 1:
        return Unplaced(f"{source}: {len(scale)} sizes, {len(axes)} axes, {len(units)} units")
    spatial = [names.index(axis) for axis in _SPATIAL_XYZ if axis in names]
    if not spatial or len(spatial) != sum(name in _SPATIAL_XYZ for name in names):
        return Unplaced(f"{source}: axes {', '.join(axes)}")
    sizes = [nanometres(scale[at], units[at]) for at in spatial]
    unknown = [units[at] for at, size in zip(spatial, sizes, strict=True) if size is None]
    if unknown:
        return Unplaced(f"{source}: unit {unknown[0]!r}")
    voxel_size = tuple(size for size in sizes if size is not None)
    origin = None if translation is None else tuple(nanometres(translation[at], units[at]) or 0.0 for at in spatial)
    if not all(map(math.isfinite, voxel_size + (origin or ()))) or 0 in voxel_size:
        return Unplaced(f"{source}: scale {list(scale)}")
    return Placement(voxel_size, origin, source)

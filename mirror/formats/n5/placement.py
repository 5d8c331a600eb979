"""Where an N5 array lies, from all the places where its writers have put that: the best one that is there counts."""

from __future__ import annotations

from collections.abc import Sequence

from mirror.formats.layout import Placement
from mirror.formats.n5.attributes import ArrayAttributes, Attributes, PixelResolution, Transform
from mirror.formats.placing import Unplaced, axes_fastest_first, place

_DEFAULT_UNIT = "nm"
"""Of sizes that name none: those that we know of are COSEM's, who measure in nanometres."""


def placement_of(
    own: ArrayAttributes, group: Attributes | None, level_name: str | None, level_index: int | None
) -> Placement | Unplaced | None:
    """Return where the array lies; None where no document says, `Unplaced` where the best one cannot be understood.

    1. Its own `transform`. 2. The entry of its group's `multiscales`. 3. Its own `pixelResolution`, times its own
    `downsamplingFactors` where it has them. 4. Its group's `pixelResolution`, times the factors of its level.
    5. and 6. `resolution` with `offset`, in the same way.

    Parameters
    ----------
    group
        Attributes of the folder that the array lies in.
    """
    if own.transform is not None and own.transform.scale:
        return place_transform(own.transform, own.ndim, source="transform")
    level = _level_transform(group, level_name)
    if level is not None:
        return place_transform(level, own.ndim, source="multiscales")
    of_group = _factors(own, group, level_index)
    of_itself = _one_list(own) or ()
    for owner, factors in ((own, of_itself), (group, of_group)):
        if owner is not None and owner.pixel_resolution is not None and factors is not None:
            return _place_pixels(owner.pixel_resolution, owner, factors)
    for owner, factors in ((own, of_itself), (group, of_group)):
        if owner is not None and owner.resolution_xyz is not None and factors is not None:
            return _place_resolution(owner, owner.resolution_xyz, factors)
    return None


def axes_xyz(own: ArrayAttributes, group: Attributes | None) -> tuple[str, ...] | None:
    """Return the names of the array's axes in N5's order, from its own document or else from its group's."""
    for owner in (own, group):
        if owner is not None and owner.axes_xyz is not None and len(owner.axes_xyz) == own.ndim:
            return owner.axes_xyz
    if own.transform is not None and len(own.transform.axes) == own.ndim:
        return own.transform.axes[::-1]
    return None


def place_transform(transform: Transform, ndim: int, *, source: str) -> Placement | Unplaced:
    """Return where a `transform` puts an array; its lists go by its `axes`, and are z,y,x where it names none."""
    return place(
        transform.axes or axes_fastest_first(ndim)[::-1],
        transform.scale,
        transform.translate or None,
        transform.units or (_DEFAULT_UNIT,) * len(transform.scale),
        source=source,
    )


def place_own_pixels(own: Attributes) -> Placement | Unplaced | None:
    """Return where an array's or group's own `pixelResolution` puts it, or None where it has none."""
    return None if own.pixel_resolution is None else _place_pixels(own.pixel_resolution, own, _one_list(own) or ())


def _level_transform(group: Attributes | None, level_name: str | None) -> Transform | None:
    pyramids = (group.multiscales if group is not None else None) or ()
    transforms = [
        level.transform
        for pyramid in pyramids
        for level in pyramid.datasets
        if level_name is not None and level.path.strip("/") == level_name
    ]
    return next((one for one in transforms if one is not None and one.scale), None)


def _factors(own: ArrayAttributes, group: Attributes | None, level_index: int | None) -> tuple[float, ...] | None:
    """Return by how much the array's voxels are larger than what its group calls the size of a voxel: () for not."""
    factors = _one_list(own)
    if factors is not None or group is None or level_index is None:
        return factors
    lists = group.scales_xyz or _lists(group)
    if lists and level_index < len(lists):
        return lists[level_index]
    return () if level_index == 0 else None


def _one_list(attributes: Attributes) -> tuple[float, ...] | None:
    numbers = tuple(one for one in attributes.downsampling_factors_xyz or () if isinstance(one, float))
    return numbers or None


def _lists(attributes: Attributes) -> tuple[tuple[float, ...], ...]:
    return tuple(one for one in attributes.downsampling_factors_xyz or () if isinstance(one, tuple))


def _place_pixels(resolution: PixelResolution, owner: Attributes, factors: Sequence[float]) -> Placement | Unplaced:
    n = len(resolution.resolution_xyz)
    if isinstance(resolution.units, tuple):
        units = resolution.units
    else:
        unit = resolution.unit or resolution.units
        units = (unit,) * n if unit is not None else owner.units_xyz or (_DEFAULT_UNIT,) * n
    return _place_sizes(resolution.resolution_xyz, factors, None, units, source="pixelResolution")


def _place_resolution(
    owner: Attributes, resolution_xyz: tuple[float, ...], factors: Sequence[float]
) -> Placement | Unplaced:
    unit = owner.resolution_unit or _DEFAULT_UNIT
    if owner.offset_xyz is not None and (owner.offset_unit or unit) != unit:
        return Unplaced(f"resolution: in {unit}, offset in {owner.offset_unit}")
    units = (unit,) * len(resolution_xyz)
    return _place_sizes(resolution_xyz, factors, owner.offset_xyz, units, source="resolution")


def _place_sizes(
    sizes_xyz: Sequence[float],
    factors: Sequence[float],
    offset_xyz: Sequence[float] | None,
    units: Sequence[str],
    *,
    source: str,
) -> Placement | Unplaced:
    if factors and len(sizes_xyz) != len(factors):
        return Unplaced(f"{source}: {len(sizes_xyz)} sizes, {len(factors)} factors")
    scale = [size * factor for size, factor in zip(sizes_xyz, factors, strict=True)] if factors else sizes_xyz
    return place(axes_fastest_first(len(sizes_xyz)), scale, offset_xyz, units, source=source)

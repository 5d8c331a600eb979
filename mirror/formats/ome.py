"""OME-NGFF multiscales, versions 0.4 and 0.5, as frozen models, and where they put each level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from mirror.formats.foreign import Foreign, ForeignDocument, Tolerated
from mirror.formats.layout import Placement
from mirror.formats.n5.attributes import Transform
from mirror.formats.placing import Unplaced, place

_SOURCE = "coordinateTransformations"


class CoordinateTransformation(Foreign):
    """One step from voxels to the world. In the order of the multiscale's axes, z first as a rule."""

    type: str
    scale: tuple[float, ...] = ()
    translation: tuple[float, ...] = ()


class Axis(Foreign):
    """One axis; in versions before 0.4 a mere name."""

    name: str
    type: str | None = None
    unit: str | None = None


def _as_axis(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


_Steps = Annotated[Tolerated[tuple[CoordinateTransformation, ...]], Field(alias="coordinateTransformations")]


class MultiscaleLevel(Foreign):
    """One level, as a multiscale names it."""

    path: str
    coordinate_transformations: _Steps = None
    transform: Tolerated[Transform] = None
    """As N5 has it; COSEM's first zarr pyramids do as well."""


class OmeMultiscale(Foreign):
    """One pyramid, the finest level first."""

    version: Tolerated[str] = None
    name: Tolerated[str] = None
    axes: Tolerated[tuple[Annotated[Axis, BeforeValidator(_as_axis)], ...]] = None
    datasets: tuple[MultiscaleLevel, ...]
    coordinate_transformations: _Steps = None
    """Steps of all levels, after their own."""

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Names of the axes in the document's order; () where it has none."""
        return tuple(axis.name for axis in self.axes or ())

    def place(self, level: MultiscaleLevel) -> Placement | Unplaced | None:
        """Return where a level lies; None where the document does not say."""
        steps = (*(level.coordinate_transformations or ()), *(self.coordinate_transformations or ()))
        if not any(step.type != "identity" for step in steps):
            return None
        units = [axis.unit or "none" for axis in self.axes or ()]
        moved = _combined(steps, len(units))
        return moved if isinstance(moved, Unplaced) else place(self.axis_names, *moved, units, source=_SOURCE)


class _Ome(Foreign):
    version: Tolerated[str] = None
    multiscales: Tolerated[tuple[OmeMultiscale, ...]] = None


class NodeAttributes(ForeignDocument):
    """Attributes of a zarr group or array: `.zattrs`, or `attributes` of a `zarr.json`."""

    ome: Tolerated[_Ome] = None
    """Where version 0.5 has what 0.4 had at the top."""
    multiscales: Tolerated[tuple[OmeMultiscale, ...]] = None
    transform: Tolerated[Transform] = None
    """As N5 has it."""
    array_dimensions: Tolerated[tuple[str, ...]] = Field(default=None, alias="_ARRAY_DIMENSIONS")
    """xarray's names of the axes, in the document's order."""

    @property
    def pyramids(self) -> tuple[OmeMultiscale, ...]:
        """The multiscales of either version."""
        return (self.ome.multiscales if self.ome is not None else None) or self.multiscales or ()

    def level(self, name: str) -> tuple[OmeMultiscale, MultiscaleLevel] | None:
        """Return a level that the attributes of a group name, and its pyramid; the first one where there are more."""
        named = ((one, level) for one in self.pyramids for level in one.datasets if level.path.strip("/") == name)
        return next(named, None)


def _combined(
    steps: Iterable[CoordinateTransformation], ndim: int
) -> tuple[Sequence[float], Sequence[float] | None] | Unplaced:
    """Return scale and translation that all steps come to; no translation where no step has one."""
    scale, origin = [1.0] * ndim, [0.0] * ndim
    is_moved = False
    for step in steps:
        match step.type:
            case "identity":
                continue
            case "scale" if len(step.scale) == ndim:
                scale = [size * factor for size, factor in zip(scale, step.scale, strict=True)]
                origin = [at * factor for at, factor in zip(origin, step.scale, strict=True)]
            case "translation" if len(step.translation) == ndim:
                origin = [at + distance for at, distance in zip(origin, step.translation, strict=True)]
                is_moved = True
            case _:
                numbers = len(step.scale or step.translation)
                return Unplaced(f"{_SOURCE}: {step.type} with {numbers} numbers for {ndim} axes")
    return scale, origin if is_moved else None

"""Pictures of a slice: of a volume alone, and of a crop with its labels beside."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mirror.errors import UsageError
from mirror.formats.kinds import VolumeKind, classify_volume
from mirror.view.colours import colour_of, paint
from mirror.view.planes import Plane, grey, parse_axis, parse_box, parse_contrast, parse_position, sampled, zoom
from mirror.view.sheet import Sheet, draw

if TYPE_CHECKING:
    from PIL import Image

    from mirror.view.crop import CropView
    from mirror.view.volume import VolumeView

_LEAST_PIXELS = 480
"""Of the longer side of a panel: small crops are enlarged."""
_LABELS = {VolumeKind.SEGMENTATION, VolumeKind.GROUND_TRUTH}
_MOST_NAMED = 24
"""Labels that a legend names; of a segmentation's thousands none is."""


def volume_picture(
    view: VolumeView, z: str | int, *, axis: str = "z", box: str | None = None, contrast: str = "auto"
) -> Image.Image:
    """Return one slice of a volume: `VolumeView.picture`."""
    plane = _plane(view, z, axis, box)
    shape = len(plane.rows), len(plane.columns)
    try:
        height, width = zoom(shape, _sizes(view, plane), _LEAST_PIXELS)
    except UsageError as error:
        error.hint = _coarser(view)
        raise
    limits = parse_contrast(contrast)
    voxels = view[plane.index][np.ix_(sampled(shape[0], height), sampled(shape[1], width))]
    is_labels = classify_volume(view.volume).kind in _LABELS and view.dtype.kind in "iu"
    pixels = paint(voxels) if is_labels else _as_rgb(grey(voxels, limits))
    standing, _, columns = plane.names
    where = f"{standing} {plane.position} of {view.shape[plane.axis]}"
    part = "" if box is None else f", rows {_spell(plane.rows)}, columns {_spell(plane.columns)}"
    sheet = Sheet(
        title=" ".join(filter(None, (f"{view.dataset}/{view.volume}", view.level))) + f", bucket {view.bucket}",
        panels=(pixels,),
        captions=(f"{where}{part}",),
        nm_per_pixel=_nm_per_pixel(view, columns, len(plane.columns), width),
    )
    return draw(sheet)


def crop_picture(
    crop: CropView,
    z: str | int,
    *,
    axis: str = "z",
    labels: Collection[str | int] = (),
    opacity: float = 0.5,
    contrast: str = "auto",
) -> Image.Image:
    """Return one slice of a crop, raw beside labels over raw: `CropView.picture`."""
    if not 0 <= opacity <= 1:
        raise UsageError("not an opacity", str(opacity), expected="0, where labels are not seen, to 1")
    wanted = crop.label_ids(labels) if labels else None
    limits = parse_contrast(contrast)
    number = parse_axis(axis)
    plane = Plane(number, parse_position(z, crop.shape[number]), *(range(n) for n in _without(crop.shape, number)))
    raw = crop.raw_plane(plane)
    height, width = zoom(raw.shape, _without(crop.voxel_size_nm_zyx, number), _LEAST_PIXELS)
    rows, columns = sampled(raw.shape[0], height), sampled(raw.shape[1], width)
    left = _as_rgb(grey(raw, limits)[np.ix_(rows, columns)])
    ids = crop.label_plane(plane, height, width)
    if wanted is not None:
        ids = np.where(np.isin(ids, list(wanted)), ids, 0)
    sheet = Sheet(
        title=f"{crop.dataset}, crop {crop.number}: {crop.volume} {crop.level or ''}, bucket {crop.bucket}",
        panels=(left, overlay(left, ids, opacity)),
        captions=(_slice_words(crop, plane), "labels over raw"),
        notes=(f"placed by {crop.source}; raw voxels {crop.index_text} (z, y, x)",),
        nm_per_pixel=None if crop.voxel_size_nm_zyx is None else _nm_along(crop.voxel_size_nm_zyx, plane, width),
        legend=tuple(_legend(crop, ids)),
    )
    return draw(sheet)


def overlay(pixels: NDArray[np.uint8], labels: NDArray[Any], opacity: float) -> NDArray[np.uint8]:
    """Return pixels with the colours of labels over them; label 0 is none."""
    share = np.where(labels != 0, opacity, 0.0)[..., np.newaxis]
    mixed = pixels * (1 - share) + paint(labels) * share
    shown: NDArray[np.uint8] = np.rint(mixed).astype("uint8")
    return shown


def _plane(view: VolumeView, z: str | int, axis: str, box: str | None) -> Plane:
    if view.ndim != 3:
        raise UsageError("only volumes of three axes are drawn", view.volume, found=f"{view.ndim} axes")
    number = parse_axis(axis)
    rows, columns = parse_box(box, _without(view.shape, number))
    return Plane(number, parse_position(z, view.shape[number]), rows, columns)


def _coarser(view: VolumeView) -> str:
    """Return what to do about a picture that would be too large."""
    at = view.levels.index(view.level) + 1 if view.level in view.levels else len(view.levels)
    coarser = ", ".join(view.levels[at:])
    return f"Take a part of it (a box), or a coarser level: {coarser}." if coarser else "Take a part of it (a box)."


def _without(values: tuple[Any, ...] | None, axis: int) -> Any:
    return None if values is None else (*values[:axis], *values[axis + 1 :])


def _sizes(view: VolumeView, plane: Plane) -> tuple[float, ...] | None:
    sizes = view.voxel_size_nm_zyx
    chosen: tuple[float, ...] | None = _without(sizes if sizes and len(sizes) == view.ndim else None, plane.axis)
    return chosen


def _nm_per_pixel(view: VolumeView, columns: str, n_columns: int, width: int) -> float | None:
    sizes = view.voxel_size_nm_zyx
    if sizes is None or len(sizes) != view.ndim:
        return None
    return abs(sizes["zyx".index(columns)]) * n_columns / width


def _nm_along(sizes: tuple[float, ...], plane: Plane, width: int) -> float:
    return abs(sizes["zyx".index(plane.names[2])]) * len(plane.columns) / width


def _as_rgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(pixels[..., np.newaxis], 3, axis=2)


def _spell(one: range) -> str:
    return f"{one.start}:{one.stop}"


def _slice_words(crop: CropView, plane: Plane) -> str:
    absolute = crop.box.start_zyx[plane.axis] + plane.position
    return f"raw, {plane.names[0]} {absolute} (slice {plane.position} of {crop.shape[plane.axis]})"


def _legend(crop: CropView, ids: NDArray[Any]) -> Iterator[tuple[str, tuple[int, int, int]]]:
    present = [int(one) for one in np.unique(ids) if one]
    for one in present[:_MOST_NAMED]:
        name = crop.names.get(one)
        yield (f"{name} ({one})" if name and name != str(one) else str(one)), colour_of(one)

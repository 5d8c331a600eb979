"""A manifest against the bucket: what it names and the bucket lacks, the reverse, and flips that miss by one voxel."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from mirror.formats.check_levels import spatial_shape_xyz
from mirror.formats.layout import Container, Dataset, Finding, FindingCode, Severity, Volume
from mirror.formats.manifest import Manifest, ManifestVolume

_MOST_SHOWN = 10
_Y = 1
_TOLERANCE = 0.01
"""Of a voxel."""


def check_manifest(dataset: Dataset, manifest: Manifest, bucket: str | None = None) -> Iterator[Finding]:
    """Yield what the manifest and the dataset do not agree in; nothing where it speaks of another folder or bucket."""
    named = {
        volume.url.key: volume
        for volume in manifest.volumes
        if volume.url is not None and volume.url.key.startswith(dataset.prefix) and bucket in (None, volume.url.bucket)
    }
    if not named:
        return
    present = {volume.prefix.rstrip("/"): volume for volume in dataset.volumes()}
    yield from _absent(dataset, manifest, named)
    for container in dataset.containers:
        yield from _not_named(container, named)
    yield from _half_open_flips(manifest, named, present)


def _absent(dataset: Dataset, manifest: Manifest, named: Mapping[str, ManifestVolume]) -> Iterator[Finding]:
    """Yield one finding a container, or a folder of the dataset, in which something is absent."""
    there = {key.rstrip("/") for key in _prefixes(dataset)}
    absent: defaultdict[str, list[str]] = defaultdict(list)
    for key in named:
        if key not in there:
            folder, _, path = key.removeprefix(dataset.prefix).partition("/")
            absent[f"{dataset.prefix}{folder}/"].append(path or folder)
    for place, paths in sorted(absent.items()):
        expected = f"what {manifest.place.rpartition('/')[2]} names"
        found = f"none of {_shown(paths)}" if len(paths) > 1 else f"no {paths[0]}"
        yield Finding(Severity.WARNING, FindingCode.NAMED_BUT_ABSENT, place, expected, found)


def _prefixes(dataset: Dataset) -> Iterator[str]:
    for container in dataset.containers:
        yield container.prefix
        yield from (group.prefix for group in container.groups)
        for volume in container.volumes:
            yield volume.prefix
            yield from (array.prefix for array in volume.arrays)


def _not_named(container: Container, named: Mapping[str, ManifestVolume]) -> Iterator[Finding]:
    """Yield one note for all volumes of the container that the manifest does not name, nor an array or group of."""
    keys = [key + "/" for key in named]
    missing = [
        volume.path or container.prefix
        for volume in container.volumes
        if not any(key.startswith(volume.prefix) or volume.prefix.startswith(key) for key in keys)
    ]
    if missing:
        expected = "volumes that the manifest names"
        found = f"{len(missing)} more: {_shown(missing)}"
        yield Finding(Severity.NOTE, FindingCode.NOT_IN_MANIFEST, container.prefix, expected, found)


def _half_open_flips(
    manifest: Manifest, named: Mapping[str, ManifestVolume], present: Mapping[str, Volume]
) -> Iterator[Finding]:
    """Yield one note for all volumes whose flip goes by their whole height: that is one voxel too far.

    Voxels have their centres where the transform puts them, so that the last of n rows of size s lies at (n - 1) s.
    """
    flips = [
        (key, flip)
        for key, volume in named.items()
        if key in present and (flip := _half_open_flip(volume, present[key])) is not None
    ]
    if not flips:
        return
    key, (way, rows, size) = flips[0]
    more = f", as in {len(flips) - 1} more" if len(flips) > 1 else ""
    expected = f"translate {(rows - 1) * size:g} nm in y: row j of {rows} is row {rows - 1} - j of the EM"
    found = f"translate {way:g} nm in {manifest.place.rpartition('/')[2]}{more}"
    yield Finding(Severity.NOTE, FindingCode.HALF_OPEN_FLIP, key + "/", expected, found)


def _half_open_flip(named: ManifestVolume, volume: Volume) -> tuple[float, int, float] | None:
    """Return translation, rows and size of a row where the first is the product of the others."""
    finest = next((array.facts for array in volume.arrays if array.facts is not None and not array.level_index), None)
    placement = named.placement
    if not named.is_mirrored_y or finest is None or placement is None or placement.translation_nm_xyz is None:
        return None
    shape = spatial_shape_xyz(finest)
    if min(len(shape), len(placement.voxel_size_nm_xyz), len(placement.translation_nm_xyz)) <= _Y:
        return None
    way, size, rows = placement.translation_nm_xyz[_Y], abs(placement.voxel_size_nm_xyz[_Y]), shape[_Y]
    is_whole = math.isfinite(size) and size > 0 and abs(way - rows * size) <= _TOLERANCE * size
    return (way, rows, size) if is_whole else None


def _shown(paths: Iterable[str]) -> str:
    ordered = sorted(paths)
    more = len(ordered) - _MOST_SHOWN
    return ", ".join(ordered[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")

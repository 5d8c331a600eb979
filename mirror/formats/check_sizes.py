"""Sizes that people published against those of the EM: voxels that are nominal, and gigabytes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from mirror.formats.amounts import lengths_in_words
from mirror.formats.kinds import VolumeKind
from mirror.formats.layout import Array, Dataset, Fact, Finding, FindingCode, Severity

_IN_THE_EM = frozenset(
    {
        VolumeKind.EM,
        VolumeKind.GROUND_TRUTH,
        VolumeKind.MASK,
        VolumeKind.PREDICTION,
        VolumeKind.DISTANCE,
        VolumeKind.SEGMENTATION,
        VolumeKind.ANALYSIS,
    }
)
"""Kinds whose voxels divide or multiply those of the EM. Others have sizes of their own: light, resampled EM."""
_TOLERANCE = 0.01
"""Relative, of voxel sizes and of published bytes."""
_MOST_BYTES = 10**21
"""More was never published: a figure that was misread."""
_SLIGHTLY_UNDER = (0.95, 0.99)
_FACTORS = ((1.9, 2.02, "about twice"), (0.475, 0.505, "about half"))
"""Figures lie 2 to 3 % under the voxels, and have been doubled and halved."""


def check_voxel_sizes(dataset: Dataset) -> Iterator[Finding]:
    """Yield what has cubes for voxels where the EM has none: a nominal size. One finding a kind, size and container."""
    physical = next((sizes for _, array in _finest(dataset, {VolumeKind.EM}) if (sizes := _sizes(array))), None)
    if physical is None or _is_cube(physical):
        return
    nominal: defaultdict[tuple[VolumeKind, tuple[float, ...], str], list[Array]] = defaultdict(list)
    containers = [container.prefix for container in dataset.containers]
    for kind, array in _finest(dataset, _IN_THE_EM):
        sizes = _sizes(array)
        if len(sizes) == len(physical) and _is_cube(sizes):
            container = next((prefix for prefix in containers if array.prefix.startswith(prefix)), "")
            nominal[kind, sizes, container].append(array)
    for (kind, sizes, _), arrays in nominal.items():
        scale = sizes[0] / physical[0]
        expected = f"{lengths_in_words(size * scale for size in physical)}, in proportion to the EM"
        more = f" in {len(arrays)} arrays of kind {kind}" if len(arrays) > 1 else ""
        found = f"{lengths_in_words(sizes)}{more}"
        yield Finding(Severity.NOTE, FindingCode.NOMINAL_RESOLUTION, arrays[0].prefix, expected, found)


def _finest(dataset: Dataset, kinds: set[VolumeKind] | frozenset[VolumeKind]) -> Iterator[tuple[VolumeKind, Array]]:
    """Yield the finest level, or the arrays without levels, of each volume of the kinds."""
    for volume in dataset.volumes():
        kind = volume.classification.kind
        if kind in kinds:
            yield from ((kind, array) for array in volume.arrays if not array.level_index)


def _sizes(array: Array) -> tuple[float, ...]:
    """Return the sizes of a voxel without their signs, or () where they are not known."""
    sizes = tuple(map(abs, array.placement.voxel_size_nm_xyz)) if array.placement is not None else ()
    return sizes if all(math.isfinite(size) and size > 0 for size in sizes) else ()


def _is_cube(sizes: tuple[float, ...]) -> bool:
    return len(sizes) > 1 and max(sizes) - min(sizes) <= _TOLERANCE * max(sizes)


def check_published_size(dataset: Dataset) -> Iterator[Finding]:
    """Yield published sizes that are more than 1 % off the voxels of the finest EM, of the EM that comes nearest."""
    voxels = [
        n_bytes for _, array in _finest(dataset, {VolumeKind.EM}) if 0 < (n_bytes := array.raw_bytes or 0) < _MOST_BYTES
    ]
    for fact in dataset.facts:
        published = _published_bytes(fact)
        if published is None or not voxels:
            continue
        nearest = min(voxels, key=lambda n_bytes: abs(math.log(n_bytes) - math.log(published)))
        ratio = published / nearest
        if abs(ratio - 1) > _TOLERANCE:
            yield Finding(
                Severity.NOTE,
                FindingCode.PUBLISHED_SIZE,
                dataset.prefix + fact.source.partition(":")[0],
                f"{_gigabytes(nearest)} of voxels, within 1 %",
                f"{_gigabytes(published)}, {_in_words(ratio)}",
            )


def _published_bytes(fact: Fact) -> float | None:
    value = fact.value
    if fact.name != "published_size_bytes" or not isinstance(value, (int, float)):
        return None
    return value if 0 < value < _MOST_BYTES else None


def _gigabytes(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.4g} GB"


def _in_words(ratio: float) -> str:
    least, most = _SLIGHTLY_UNDER
    if least <= ratio <= most:
        return f"{1 - ratio:.1%} less"
    words = next((f", {words}" for least, most, words in _FACTORS if least <= ratio <= most), "")
    return f"{ratio:.3g} times as much{words}"

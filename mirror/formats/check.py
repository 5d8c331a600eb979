"""The metadata check of a dataset: what does not fit together, as findings. Nothing here fails on odd values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from mirror.formats.check_levels import check_levels
from mirror.formats.check_manifest import check_manifest
from mirror.formats.check_sizes import check_published_size, check_voxel_sizes
from mirror.formats.folder import Format
from mirror.formats.layout import Array, Dataset, Finding, FindingCode, Severity, Volume
from mirror.formats.manifest import Manifest

_CODECS = {
    Format.N5: frozenset({"raw", "gzip", "bzip2", "lz4", "xz", "blosc", "zstd"}),
    Format.ZARR: frozenset({"raw", "gzip", "zlib", "bz2", "lz4", "lzma", "blosc", "zstd", "sharding_indexed"}),
    Format.PRECOMPUTED: frozenset(
        {
            "raw",
            "jpeg",
            "png",
            "jxl",
            "compressed_segmentation",
            "compresso",
            "crackle",
            "fpzip",
            "kempressed",
            "zfpc",
        }
    ),
}
"""Codecs that readers of each format know; a mirror holds blocks of any other just as well."""


def check_dataset(
    dataset: Dataset, manifests: Iterable[Manifest] = (), *, bucket: str | None = None
) -> tuple[Finding, ...]:
    """Return what is odd about a dataset beside `Dataset.findings`, which tell what reading it met.

    Parameters
    ----------
    manifests
        Those that speak of the dataset; of each, the volumes in the dataset's folder are compared with what is there.
    bucket
        Name of the dataset's bucket; None takes the manifests' addresses to be in it, whatever bucket they name.
    """
    findings = [*_case_twins(dataset), *check_voxel_sizes(dataset), *check_published_size(dataset)]
    for volume in dataset.volumes():
        findings += check_levels(volume)
        findings += _unknown_codecs(volume)
    for manifest in manifests:
        findings += check_manifest(dataset, manifest, bucket)
    return tuple(findings)


def _unknown_codecs(volume: Volume) -> Iterator[Finding]:
    """Yield one finding for each codec of the volume that its format's readers do not know."""
    arrays: dict[str, Array] = {}
    for array in volume.arrays:
        codec = array.facts.compression.get("type") if array.facts is not None else None
        if codec is not None and codec not in _CODECS.get(array.format, {codec}):
            arrays.setdefault(str(codec), array)
    for codec, array in arrays.items():
        expected = f"a codec of {array.format}: {', '.join(sorted(_CODECS[array.format]))}"
        yield Finding(Severity.WARNING, FindingCode.UNKNOWN_CODEC, array.prefix, expected, codec)


def _case_twins(dataset: Dataset) -> Iterator[Finding]:
    """Yield siblings whose names differ only by case: two on S3, one on many shares."""
    names: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for key in _keys(dataset):
        parent = dataset.prefix
        for name in key.removeprefix(dataset.prefix).strip("/").split("/"):
            names[parent, name.casefold()].add(name)
            parent += name + "/"
    for (parent, _), spellings in sorted(names.items()):
        if len(spellings) > 1:
            found = " and ".join(sorted(spellings))
            expected = "names that differ by more than case"
            yield Finding(Severity.WARNING, FindingCode.CASE_TWINS, parent, expected, found)


def _keys(dataset: Dataset) -> Iterator[str]:
    """Yield the keys and prefixes of all that was found, except blocks."""
    yield from dataset.loose_folders
    yield from (file.key for file in dataset.loose_files)
    for container in dataset.containers:
        yield container.prefix
        for group in container.groups:
            yield group.prefix
            yield from (file.key for file in group.files)
        for volume in container.volumes:
            yield volume.prefix
            yield from (array.prefix for array in volume.arrays)

"""The `neuroglancer/` folder of a dataset: precomputed volumes with their scales, and meshes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mirror.errors import MalformedDocumentError
from mirror.formats.folder import MESHES, Folder, FolderKind, Format, classify_folder
from mirror.formats.layout import Array, Container, Finding, FindingCode, Group, Severity, Volume, malformed
from mirror.formats.volumes import unknown_array

_TYPE_BITS = {"uint8": 8, "int8": 8, "uint16": 16, "int16": 16, "uint32": 32, "int32": 32, "uint64": 64, "float32": 32}


def build_precomputed(
    prefix: str, dataset_prefix: str, folders: Mapping[str, Folder]
) -> tuple[Container, list[Finding]]:
    """Return the precomputed volumes at `prefix` (a dataset's `neuroglancer/`), and what is odd about them.

    The files of other folders, such as viewer states, are those of groups.
    """
    volumes: list[Volume] = []
    groups: list[Group] = []
    findings: list[Finding] = []
    for key in sorted(folders):
        if not key.startswith(prefix) or key.startswith(dataset_prefix + MESHES):
            continue
        folder, path = folders[key], key.removeprefix(dataset_prefix).removesuffix("/")
        groups.append(Group(path, key, folder.files))
        if classify_folder(folder, dataset_prefix) is FolderKind.PRECOMPUTED:
            volume, odd = _read_volume(folder, path, dataset_prefix)
            volumes.append(volume)
            findings += odd
        else:
            unlisted = [name for name in folder.folders if folder.child(name) not in folders]
            volumes += [
                Volume(f"{path}/{name}", prefix, folder.child(name), Format.PRECOMPUTED, ()) for name in unlisted
            ]
    return Container(Format.PRECOMPUTED, prefix, tuple(volumes), tuple(groups)), findings


def build_meshes(dataset_prefix: str, folders: Mapping[str, Folder]) -> Container | None:
    """Return the meshes of a dataset, each a volume taken whole, or None where it has none."""
    folder = folders.get(dataset_prefix + MESHES)
    if folder is None:
        return None
    volumes = tuple(
        Volume(f"{MESHES}{name}", folder.prefix, folder.child(name), Format.MESH, ()) for name in folder.folders
    )
    group = Group(MESHES.rstrip("/"), folder.prefix, folder.files)
    return Container(Format.MESH, folder.prefix, volumes, (group,))


def _read_volume(folder: Folder, path: str, dataset_prefix: str) -> tuple[Volume, list[Finding]]:
    try:
        scales, findings = _read_scales(folder, path)
    except MalformedDocumentError as error:
        scales, findings = [], [malformed(error)]
    known = {scale.path for scale in scales}
    strays = [f"{path}/{name}" for name in folder.folders if f"{path}/{name}" not in known]
    arrays = scales + [unknown_array(Format.PRECOMPUTED, stray, f"{dataset_prefix}{stray}/") for stray in strays]
    container_prefix = dataset_prefix + path.partition("/")[0] + "/"
    volume = Volume(path, container_prefix, folder.prefix, Format.PRECOMPUTED, tuple(arrays) if scales else ())
    return volume, findings


def _read_scales(folder: Folder, path: str) -> tuple[list[Array], list[Finding]]:
    place = folder.prefix + "info"
    info = folder.object_document("info")
    scales = info.get("scales")
    if not isinstance(scales, list) or not scales:
        found = f"scales {scales}" if info else "no such file"
        raise MalformedDocumentError("cannot read the metadata", place, expected="a list of scales", found=found)
    arrays, findings = [], []
    for index, scale in enumerate(scales):
        key = scale.get("key") if isinstance(scale, dict) else None
        if not isinstance(key, str) or key not in folder.folders:
            findings.append(
                Finding(Severity.WARNING, FindingCode.LEVEL_ABSENT, place, "a folder for each scale", f"key {key}")
            )
            continue
        arrays.append(_read_scale(folder, path, index, scale, _bytes_per_voxel(info)))
    return arrays, findings


def _read_scale(folder: Folder, path: str, index: int, scale: Mapping[str, Any], voxel_bytes: int | None) -> Array:
    shape, chunk_sizes = _whole_numbers(scale.get("size")), scale.get("chunk_sizes")
    chunk = _whole_numbers(chunk_sizes[0]) if isinstance(chunk_sizes, list) and chunk_sizes else None
    is_gridded = shape is not None and chunk is not None and len(shape) == len(chunk) and min(chunk, default=0) > 0
    counts = zip(shape or (), chunk or (), strict=False) if is_gridded else ()
    return Array(
        format=Format.PRECOMPUTED,
        path=f"{path}/{scale['key']}",
        prefix=folder.child(scale["key"]),
        level_index=index,
        level_name=scale["key"],
        # Shards hold many chunks each, so chunks say nothing of the number of objects there.
        n_blocks=math.prod(-(-n // size) for n, size in counts) if is_gridded and not scale.get("sharding") else None,
        raw_bytes=math.prod(shape) * voxel_bytes if shape is not None and voxel_bytes is not None else None,
    )


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list) or not all(isinstance(n, int) and n >= 0 for n in value):
        return None
    return tuple(value)


def _bytes_per_voxel(info: Mapping[str, Any]) -> int | None:
    bits, channels = _TYPE_BITS.get(str(info.get("data_type"))), info.get("num_channels", 1)
    return bits // 8 * channels if bits is not None and isinstance(channels, int) else None

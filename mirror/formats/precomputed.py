"""The `neuroglancer/` folder of a dataset: precomputed volumes with their scales, and meshes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mirror.errors import MalformedDocumentError
from mirror.formats.document import parse_json_object
from mirror.formats.folder import INFO_NAME, MESHES, Folder, FolderKind, Format, classify_folder
from mirror.formats.layout import (
    Array,
    Container,
    Finding,
    FindingCode,
    Group,
    Placement,
    Severity,
    Volume,
    malformed,
)
from mirror.formats.placing import Unplaced
from mirror.formats.precomputed_info import Info, MeshInfo, Scale
from mirror.formats.volumes import unknown_array


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


def build_meshes(dataset_prefix: str, folders: Mapping[str, Folder]) -> tuple[Container | None, list[Finding]]:
    """Return the meshes of a dataset, each a volume taken whole, or None where it has none; and what is odd there."""
    folder = folders.get(dataset_prefix + MESHES)
    if folder is None:
        return None, []
    read = [_read_mesh(folder, name) for name in folder.folders]
    group = Group(MESHES.rstrip("/"), folder.prefix, folder.files)
    container = Container(Format.MESH, folder.prefix, tuple(volume for volume, _ in read), (group,))
    return container, [finding for _, odd in read for finding in odd]


def _read_mesh(folder: Folder, name: str) -> tuple[Volume, list[Finding]]:
    volume = Volume(f"{MESHES}{name}", folder.prefix, folder.child(name), Format.MESH, ())
    body, place = folder.documents.get(f"{name}/{INFO_NAME}"), folder.child(name) + INFO_NAME
    if body is None:
        return volume, []
    try:
        info = MeshInfo.read(parse_json_object(body, place), place, "the info of meshes")
    except MalformedDocumentError as error:
        return volume, [malformed(error)]
    return replace(volume, mesh_type=info.type), info.odd_parts(place)


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
    info = Info.read(folder.object_document("info"), place, "the info of a precomputed volume with a list of scales")
    arrays, findings = [], info.odd_parts(place)
    for index, scale in enumerate(info.scales):
        key = scale.get("key") if isinstance(scale, dict) else None
        if not isinstance(key, str) or key not in folder.folders:
            findings.append(
                Finding(Severity.WARNING, FindingCode.LEVEL_ABSENT, place, "a folder for each scale", f"key {key}")
            )
            continue
        array, odd = _read_scale(info, scale, f"{path}/{key}", folder.child(key), place)
        arrays.append(replace(array, level_index=index, level_name=key))
        findings += odd
    return arrays, findings


def _read_scale(
    info: Info, document: Mapping[str, Any], path: str, prefix: str, place: str
) -> tuple[Array, list[Finding]]:
    try:
        scale = Scale.read(document, place, "a scale of a precomputed volume")
    except MalformedDocumentError as error:
        return unknown_array(Format.PRECOMPUTED, path, prefix), [malformed(error)]
    placed, findings = scale.placement, scale.odd_parts(place)
    if isinstance(placed, Unplaced):
        findings.append(placed.as_finding(place))
    array = Array(
        format=Format.PRECOMPUTED,
        path=path,
        prefix=prefix,
        facts=scale.facts(info.data_type, info.num_channels),
        placement=placed if isinstance(placed, Placement) else None,
        block_keys=scale.block_keys,
    )
    return array, findings

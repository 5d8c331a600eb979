"""The zarr tree of a dataset, versions 2 and 3, from the folders that discovery listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mirror.errors import MalformedDocumentError
from mirror.formats.folder import Folder, Format
from mirror.formats.layout import Array, Container, Finding, FindingCode, Placement, Severity, malformed
from mirror.formats.n5.multiscale import multiscale_paths, positions
from mirror.formats.n5.placement import place_transform
from mirror.formats.ome import MultiscaleLevel, NodeAttributes, OmeMultiscale
from mirror.formats.placing import Unplaced
from mirror.formats.volumes import TreeReader, build_tree, parent_prefix, unknown_array
from mirror.formats.zarr_array import ZarrArray, read_v2_array, read_v3_array, reversed_to_fastest_first
from mirror.formats.zarr_spec import odd_by_specification

_VERSION_OF = {".zgroup": "2", ".zarray": "2", "zarr.json": "3"}


def build_zarr(prefix: str, dataset_prefix: str, folders: Mapping[str, Folder]) -> tuple[Container, list[Finding]]:
    """Return the zarr container at `prefix`, and what is odd about it."""
    documents = _Documents()
    reader = TreeReader(Format.ZARR, documents.read_array, documents.read_group, positions, documents.place_array)
    container, findings = build_tree(reader, prefix, dataset_prefix, folders)
    return replace(container, version=_version(folders.get(prefix), container)), findings


def _version(root: Folder | None, container: Container) -> str | None:
    """Return the version that the root's documents say, or else those of the first array."""
    of_root = [version for name, version in _VERSION_OF.items() if root is not None and name in root.file_names]
    keys = [key for volume in container.volumes for array in volume.arrays for key in array.metadata_keys]
    of_arrays = [_VERSION_OF[key.rpartition("/")[2]] for key in keys]
    return next(iter(of_root + of_arrays), None)


class _Documents:
    """Reads the documents of a container's folders, each once."""

    def __init__(self) -> None:
        self._arrays: dict[str, ZarrArray] = {}
        self._attributes: dict[str, NodeAttributes] = {}
        """By the folder's prefix; those that cannot be read are absent from both."""

    def read_array(self, folder: Folder, path: str) -> tuple[Array, list[Finding]]:
        """Return an array, as far as its own documents describe it."""
        name = ".zarray" if ".zarray" in folder.file_names else "zarr.json"
        place = folder.prefix + name
        unknown = unknown_array(Format.ZARR, path, folder.prefix, folder.folders)
        if name not in folder.file_names:
            expected = ".zarray or zarr.json above what looks like chunks"
            return unknown, [Finding(Severity.WARNING, FindingCode.NO_METADATA, folder.prefix, expected, "neither")]
        read = read_v2_array if name == ".zarray" else read_v3_array
        try:
            zarr_array, document = read(folder.object_document(name), place)
        except MalformedDocumentError as error:
            return unknown, [malformed(error)]
        self._arrays[folder.prefix] = zarr_array
        array = Array(
            format=Format.ZARR,
            path=path,
            prefix=folder.prefix,
            facts=zarr_array.facts,
            block_keys=zarr_array.block_keys,
            folders=folder.folders,
            metadata_keys=(place,),
        )
        findings = document.odd_parts(place) or odd_by_specification(folder.object_document(name), place)
        try:
            findings += self._keep_attributes(folder, _own_attributes(folder, zarr_array.attributes))
        except MalformedDocumentError as error:
            findings.append(malformed(error))
        return array, findings

    def read_group(self, folder: Folder, path: str) -> tuple[tuple[str, ...], list[Finding]]:
        """Return the levels that a group names."""
        findings = []
        if not path and folder.file_names.isdisjoint({".zgroup", "zarr.json"}):
            expected = ".zgroup or zarr.json at the container's root"
            findings.append(
                Finding(Severity.WARNING, FindingCode.ROOT_WITHOUT_ATTRIBUTES, folder.prefix, expected, "neither")
            )
        try:
            attributes = _own_attributes(folder, folder.object_document("zarr.json").get("attributes"))
            findings += self._keep_attributes(folder, attributes)
            return _named_paths(attributes), findings
        except MalformedDocumentError as error:
            return (), [*findings, malformed(error)]

    def place_array(self, array: Array) -> tuple[Array, list[Finding]]:
        """Return the array with its axes and its place in the world, by its group's documents or else by its own."""
        zarr_array, own = self._arrays[array.prefix], self._attributes.get(array.prefix, NodeAttributes())
        group = self._attributes.get(parent_prefix(array.prefix))
        level = group.level(array.level_name) if group is not None and array.level_name is not None else None
        facts = replace(zarr_array.facts, axes_xyz=_axes_xyz(zarr_array, own, level))
        placed = _placement_of(zarr_array, own, level)
        if isinstance(placed, Unplaced):
            return replace(array, facts=facts), [placed.as_finding(array.prefix)]
        return replace(array, facts=facts, placement=placed), []

    def _keep_attributes(self, folder: Folder, document: Mapping[str, Any]) -> list[Finding]:
        place = folder.prefix + (".zattrs" if ".zattrs" in folder.file_names else "zarr.json")
        attributes = NodeAttributes.read(document, place, "attributes of a zarr node")
        self._attributes[folder.prefix] = attributes
        return attributes.odd_parts(place)


def _own_attributes(folder: Folder, beside: object) -> Mapping[str, Any]:
    """Return `.zattrs` of version 2, or else what `zarr.json` has of attributes."""
    return folder.object_document(".zattrs") or (beside if isinstance(beside, dict) else {})


def _named_paths(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    ome = attributes.get("ome")
    holder = ome if isinstance(ome, dict) and "multiscales" in ome else attributes
    return multiscale_paths(holder.get("multiscales"))


_Level = tuple[OmeMultiscale, MultiscaleLevel]


def _axes_xyz(array: ZarrArray, own: NodeAttributes, level: _Level | None) -> tuple[str, ...] | None:
    of_level = level[0].axis_names if level is not None else ()
    for names in (array.dimension_names, of_level, own.array_dimensions):
        if names and len(names) == array.facts.ndim:
            return reversed_to_fastest_first(names, array.stored_axes)
    return None


def _placement_of(array: ZarrArray, own: NodeAttributes, level: _Level | None) -> Placement | Unplaced | None:
    placed = level[0].place(level[1]) if level is not None else None
    if placed is not None:
        return placed
    ndim = array.facts.ndim
    if own.transform is not None and own.transform.scale:
        return place_transform(own.transform, ndim, source="transform")
    if level is not None and level[1].transform is not None and level[1].transform.scale:
        return place_transform(level[1].transform, ndim, source="multiscales")
    return None

"""The zarr tree of a dataset (versions 2 and 3), as far as selecting from it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mirror.errors import MalformedDocumentError
from mirror.formats.folder import Folder, Format
from mirror.formats.layout import Array, Container, Finding, FindingCode, Severity, malformed
from mirror.formats.n5.multiscale import multiscale_paths, positions
from mirror.formats.volumes import TreeReader, build_tree, unknown_array

_DIGITS = "0123456789"


def build_zarr(prefix: str, dataset_prefix: str, folders: Mapping[str, Folder]) -> tuple[Container, list[Finding]]:
    """Return the zarr container at `prefix`, and what is odd about it."""
    reader = TreeReader(Format.ZARR, _read_array, _read_group, positions)
    return build_tree(reader, prefix, dataset_prefix, folders)


def _read_array(folder: Folder, path: str) -> tuple[Array, list[Finding]]:
    name = ".zarray" if ".zarray" in folder.file_names else "zarr.json"
    place = folder.prefix + name
    unknown = unknown_array(Format.ZARR, path, folder.prefix, folder.folders)
    if name not in folder.file_names:
        expected = ".zarray or zarr.json above what looks like chunks"
        return unknown, [Finding(Severity.WARNING, FindingCode.NO_METADATA, folder.prefix, expected, "neither")]
    try:
        shape, chunk, item_bytes = _read_shape(folder.object_document(name), place)
    except MalformedDocumentError as error:
        return unknown, [malformed(error)]
    array = Array(
        format=Format.ZARR,
        path=path,
        prefix=folder.prefix,
        n_blocks=math.prod(-(-n // size) for n, size in zip(shape, chunk, strict=True)),
        raw_bytes=None if item_bytes is None else math.prod(shape) * item_bytes,
        folders=folder.folders,
        metadata_keys=(place,),
    )
    return array, []


def _read_shape(document: Mapping[str, Any], place: str) -> tuple[list[int], list[int], int | None]:
    """Return shape, size of a stored chunk (or shard) and bytes of an element, in the document's own axis order."""
    shape, dtype = document.get("shape"), document.get("dtype", document.get("data_type"))
    chunk = document.get("chunks", _v3_chunk(document))
    for value, least in ((shape, 0), (chunk, 1)):
        if not isinstance(value, list) or not all(isinstance(n, int) and n >= least for n in value):
            raise _not_an_array(place, f"shape {shape}, chunks {chunk}")
    if len(shape or ()) != len(chunk or ()):
        raise _not_an_array(place, f"shape {shape}, chunks {chunk}")
    return list(shape or ()), list(chunk or ()), _item_bytes(dtype)


def _v3_chunk(document: Mapping[str, Any]) -> object:
    grid = document.get("chunk_grid")
    configuration = grid.get("configuration") if isinstance(grid, dict) else None
    return configuration.get("chunk_shape") if isinstance(configuration, dict) else None


def _item_bytes(dtype: object) -> int | None:
    """Version 2 counts bytes (`<u2`), version 3 counts bits (`uint16`)."""
    if dtype == "bool":
        return 1
    if not isinstance(dtype, str) or not dtype[-1:].isdecimal():
        return None
    number = int(dtype[len(dtype.rstrip(_DIGITS)) :])
    return number if dtype[0] in "<>|" else number // 8


def _not_an_array(place: str, found: str) -> MalformedDocumentError:
    expected = "the metadata of a zarr array"
    return MalformedDocumentError("cannot read the metadata", place, expected=expected, found=found)


def _read_group(folder: Folder, path: str) -> tuple[tuple[str, ...], list[Finding]]:
    findings = []
    if not path and folder.file_names.isdisjoint({".zgroup", "zarr.json"}):
        expected = ".zgroup or zarr.json at the container's root"
        findings.append(
            Finding(Severity.WARNING, FindingCode.ROOT_WITHOUT_ATTRIBUTES, folder.prefix, expected, "neither")
        )
    try:
        return _named_paths(folder), findings
    except MalformedDocumentError as error:
        return (), [*findings, malformed(error)]


def _named_paths(folder: Folder) -> tuple[str, ...]:
    attributes = folder.object_document(".zattrs") or folder.object_document("zarr.json").get("attributes")
    if not isinstance(attributes, dict):
        return ()
    ome = attributes.get("ome")
    holder = ome if isinstance(ome, dict) and "multiscales" in ome else attributes
    return multiscale_paths(holder.get("multiscales"))

"""The N5 tree of a dataset, from the folders that discovery listed."""

from __future__ import annotations

from collections.abc import Mapping

from mirror.errors import MalformedDocumentError
from mirror.formats.folder import Folder, Format
from mirror.formats.layout import Array, Container, Finding, FindingCode, Severity, malformed
from mirror.formats.n5.attributes import (
    ATTRIBUTES_NAME,
    ArrayAttributes,
    GroupAttributes,
    Transform,
    parse_attributes,
)
from mirror.formats.n5.multiscale import level_indices, multiscale_paths
from mirror.formats.volumes import TreeReader, build_tree, unknown_array

_NEWEST_MAJOR = 4
_AXES_ZYX = ("z", "y", "x")


def build_n5(prefix: str, dataset_prefix: str, folders: Mapping[str, Folder]) -> tuple[Container, list[Finding]]:
    """Return the N5 container at `prefix`, and what is odd about it.

    Parameters
    ----------
    folders
        Every visited folder by its full prefix; those of other containers are passed over.
    """
    reader = TreeReader(Format.N5, _read_array, _read_group, level_indices)
    return build_tree(reader, prefix, dataset_prefix, folders)


def _read_array(folder: Folder, path: str) -> tuple[Array, list[Finding]]:
    place = folder.prefix + ATTRIBUTES_NAME
    unknown = unknown_array(Format.N5, path, folder.prefix, folder.folders)
    if ATTRIBUTES_NAME not in folder.file_names:
        expected = "attributes.json above what looks like blocks"
        return unknown, [Finding(Severity.WARNING, FindingCode.NO_METADATA, place, expected, "no such file")]
    try:
        attributes = _attributes_of(folder)
    except MalformedDocumentError as error:
        return unknown, [malformed(error)]
    if not isinstance(attributes, ArrayAttributes):
        return unknown, []
    array = Array(
        format=Format.N5,
        path=path,
        prefix=folder.prefix,
        attributes=attributes,
        n_blocks=attributes.grid.n_blocks,
        raw_bytes=attributes.n_bytes,
        folders=folder.folders,
        metadata_keys=(place,),
    )
    return array, _odd_parts(attributes, place)


def _attributes_of(folder: Folder) -> ArrayAttributes | GroupAttributes:
    folder.object_document(ATTRIBUTES_NAME)
    return parse_attributes(folder.documents[ATTRIBUTES_NAME], folder.prefix + ATTRIBUTES_NAME)


def _read_group(folder: Folder, path: str) -> tuple[tuple[str, ...], list[Finding]]:
    place = folder.prefix + ATTRIBUTES_NAME
    if ATTRIBUTES_NAME not in folder.file_names:
        if path:
            return (), []
        expected = 'attributes.json with {"n5": VERSION} at the container\'s root'
        return (), [Finding(Severity.WARNING, FindingCode.ROOT_WITHOUT_ATTRIBUTES, place, expected, "no such file")]
    try:
        attributes = _attributes_of(folder)
    except MalformedDocumentError as error:
        return (), [malformed(error)]
    paths = multiscale_paths(folder.object_document(ATTRIBUTES_NAME).get("multiscales"))
    return paths, _odd_parts(attributes, place) + _odd_version(attributes, place)


def _odd_version(attributes: GroupAttributes | ArrayAttributes, place: str) -> list[Finding]:
    major = (attributes.n5 or "").partition(".")[0]
    if not major.isdecimal() or int(major) <= _NEWEST_MAJOR:
        return []
    expected = f"N5 up to version {_NEWEST_MAJOR}"
    return [Finding(Severity.WARNING, FindingCode.NEWER_FORMAT, place, expected, attributes.n5 or "")]


def _odd_parts(attributes: GroupAttributes | ArrayAttributes, place: str) -> list[Finding]:
    odd = [
        Finding(Severity.NOTE, FindingCode.ODD_METADATA, place, "a part that can be read", fault)
        for fault in attributes.faults
    ]
    for where, transform in _transforms(attributes):
        if set(transform.axes) == set(_AXES_ZYX) and transform.axes != _AXES_ZYX:
            found = f"{where} with axes {', '.join(transform.axes)}"
            expected = "transforms in the order z, y, x"
            odd.append(Finding(Severity.NOTE, FindingCode.ODD_METADATA, place, expected, found))
    return odd


def _transforms(attributes: GroupAttributes | ArrayAttributes) -> list[tuple[str, Transform]]:
    own = [("transform", attributes.transform)]
    levels = [
        (f"multiscales: {level.path}", level.transform)
        for pyramid in attributes.multiscales or ()
        for level in pyramid.datasets
    ]
    return [(where, transform) for where, transform in own + levels if transform is not None]

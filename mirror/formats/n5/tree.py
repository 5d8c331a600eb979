"""The N5 tree of a dataset, from the folders that discovery listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mirror.errors import MalformedDocumentError
from mirror.formats.block_keys import GridKeys
from mirror.formats.folder import Folder, Format
from mirror.formats.layout import Array, Container, Finding, FindingCode, Severity, malformed
from mirror.formats.n5.attributes import ATTRIBUTES_NAME, ArrayAttributes, Attributes, parse_attributes
from mirror.formats.n5.multiscale import level_indices, multiscale_paths
from mirror.formats.n5.odd import odd_attributes
from mirror.formats.n5.placement import axes_xyz, placement_of
from mirror.formats.placing import Unplaced
from mirror.formats.volumes import TreeReader, build_tree, parent_prefix, unknown_array

_NEWEST_MAJOR = 4


def build_n5(prefix: str, dataset_prefix: str, folders: Mapping[str, Folder]) -> tuple[Container, list[Finding]]:
    """Return the N5 container at `prefix`, and what is odd about it.

    Parameters
    ----------
    folders
        Every visited folder by its full prefix; those of other containers are passed over.
    """
    documents = _Documents()
    reader = TreeReader(
        Format.N5, documents.read_array, documents.read_group, level_indices, place_array=documents.place_array
    )
    container, findings = build_tree(reader, prefix, dataset_prefix, folders)
    root = documents.parsed.get(prefix)
    return replace(container, version=root.n5 if root else None), findings


class _Documents:
    """Reads the attributes of a container's folders, each once."""

    def __init__(self) -> None:
        self.parsed: dict[str, Attributes] = {}
        """By the folder's prefix; those that cannot be read are absent."""

    def read_array(self, folder: Folder, path: str) -> tuple[Array, list[Finding]]:
        """Return an array, as far as its own document describes it."""
        place = folder.prefix + ATTRIBUTES_NAME
        unknown = unknown_array(Format.N5, path, folder.prefix, folder.folders)
        if ATTRIBUTES_NAME not in folder.file_names:
            expected = "attributes.json above what looks like blocks"
            return unknown, [Finding(Severity.WARNING, FindingCode.NO_METADATA, place, expected, "no such file")]
        try:
            attributes = self._read(folder)
        except MalformedDocumentError as error:
            return unknown, [malformed(error)]
        if not isinstance(attributes, ArrayAttributes):
            return unknown, []
        array = Array(
            format=Format.N5,
            path=path,
            prefix=folder.prefix,
            facts=attributes.facts,
            block_keys=GridKeys(attributes.grid.shape_in_blocks_xyz),
            folders=folder.folders,
            metadata_keys=(place,),
        )
        return array, odd_attributes(attributes, place)

    def read_group(self, folder: Folder, path: str) -> tuple[tuple[str, ...], list[Finding]]:
        """Return the levels that a group names."""
        place = folder.prefix + ATTRIBUTES_NAME
        if ATTRIBUTES_NAME not in folder.file_names:
            if path:
                return (), []
            expected = 'attributes.json with {"n5": VERSION} at the container\'s root'
            return (), [Finding(Severity.WARNING, FindingCode.ROOT_WITHOUT_ATTRIBUTES, place, expected, "no such file")]
        try:
            attributes = self._read(folder)
        except MalformedDocumentError as error:
            return (), [malformed(error)]
        paths = multiscale_paths(folder.object_document(ATTRIBUTES_NAME).get("multiscales"))
        return paths, odd_attributes(attributes, place) + _odd_version(attributes, place)

    def place_array(self, array: Array) -> tuple[Array, list[Finding]]:
        """Return the array with its axes and its place in the world, by its own document or else by its group's."""
        own, group = self.parsed[array.prefix], self.parsed.get(parent_prefix(array.prefix))
        if array.facts is None or not isinstance(own, ArrayAttributes):
            return array, []
        facts = replace(array.facts, axes_xyz=axes_xyz(own, group))
        placed = placement_of(own, group, array.level_name, array.level_index)
        if isinstance(placed, Unplaced):
            return replace(array, facts=facts), [placed.as_finding(array.prefix + ATTRIBUTES_NAME)]
        return replace(array, facts=facts, placement=placed), []

    def _read(self, folder: Folder) -> Attributes:
        folder.object_document(ATTRIBUTES_NAME)
        attributes = parse_attributes(folder.documents[ATTRIBUTES_NAME], folder.prefix + ATTRIBUTES_NAME)
        self.parsed[folder.prefix] = attributes
        return attributes


def _odd_version(attributes: Attributes, place: str) -> list[Finding]:
    major = (attributes.n5 or "").partition(".")[0]
    if not major.isdecimal() or int(major) <= _NEWEST_MAJOR:
        return []
    expected = f"N5 up to version {_NEWEST_MAJOR}"
    return [Finding(Severity.WARNING, FindingCode.NEWER_FORMAT, place, expected, attributes.n5 or "")]

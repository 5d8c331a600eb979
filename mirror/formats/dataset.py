"""A dataset from the folders that discovery listed, and what any one of its keys is."""

from __future__ import annotations

from collections.abc import Mapping

from mirror.errors import UsageError
from mirror.formats.folder import ABOUT_NAMES, METADATA_NAMES, NEUROGLANCER, Folder, Format, container_format
from mirror.formats.layout import (
    Array,
    Container,
    Dataset,
    Fact,
    Finding,
    FindingCode,
    Group,
    KeyKind,
    Severity,
    Volume,
)

__all__ = [
    "Array",
    "Container",
    "Dataset",
    "Fact",
    "Finding",
    "FindingCode",
    "Format",
    "Group",
    "KeyKind",
    "Severity",
    "Volume",
    "build_dataset",
    "classify_key",
]


def build_dataset(name: str, prefix: str, folders: Mapping[str, Folder]) -> Dataset:
    """Return what the dataset holds. Never fails on what others wrote: what is odd becomes a finding.

    Parameters
    ----------
    prefix
        Full prefix of the dataset's folder, ending with a slash.
    folders
        By full prefix, every folder that `folders_to_visit` named, the dataset's own among them.
    """
    root = folders.get(prefix, Folder(prefix, (), (), {}))
    containers: list[Container] = []
    findings: list[Finding] = []
    for child in root.folders:
        found, odd = _build_container(root.child(child), container_format(child), prefix, folders)
        containers += found
        findings += odd
    loose = tuple(root.child(child) for child in root.folders if container_format(child) is None)
    facts, odd = _read_facts(root)
    return Dataset(name, prefix, tuple(containers), root.files, loose, (*findings, *odd), facts)


def _read_facts(root: Folder) -> tuple[tuple[Fact, ...], list[Finding]]:
    from mirror.formats.about import read_about

    facts: list[Fact] = []
    findings: list[Finding] = []
    for name in ABOUT_NAMES:
        if name in root.documents:
            about, odd = read_about(name, root.documents[name], root.prefix + name)
            facts += about.facts
            findings += odd
    return tuple(facts), findings


def _build_container(
    prefix: str, kind: Format | None, dataset_prefix: str, folders: Mapping[str, Folder]
) -> tuple[list[Container], list[Finding]]:
    # Imported here: attributes need pydantic, which costs a tenth of a second and more at every start.
    from mirror.formats.n5.tree import build_n5
    from mirror.formats.precomputed import build_meshes, build_precomputed
    from mirror.formats.zarr import build_zarr

    match kind:
        case Format.N5:
            container, findings = build_n5(prefix, dataset_prefix, folders)
        case Format.ZARR:
            container, findings = build_zarr(prefix, dataset_prefix, folders)
        case Format.PRECOMPUTED | Format.MESH:
            container, findings = build_precomputed(prefix, dataset_prefix, folders)
            meshes, odd = build_meshes(dataset_prefix, folders)
            return [container, meshes] if meshes else [container], findings + odd
        case None:
            return [], []
    return [container], findings


def classify_key(dataset: Dataset, key: str) -> KeyKind:
    """Return what one object of the dataset is. Looks through all arrays: for single keys, not for a listing.

    A block outside its array's grid is a stray: no reader asks for it.

    Raises
    ------
    UsageError
        The key does not lie in the dataset's folder.
    """
    if not key.startswith(dataset.prefix):
        raise UsageError("not a key of the dataset", key, expected=f"a key that begins with {dataset.prefix}")
    if key.endswith("/"):
        return KeyKind.FOLDER_MARKER
    for container in dataset.containers[::-1]:  # meshes lie inside `neuroglancer/`, and come after it
        if key.startswith(container.prefix):
            return _classify_in_container(container, key)
    below = key.removeprefix(dataset.prefix)
    return KeyKind.STRAY if below.startswith(NEUROGLANCER) else KeyKind.LOOSE_FILE


def _classify_in_container(container: Container, key: str) -> KeyKind:
    for volume in container.volumes:
        for array in volume.arrays:
            if key.startswith(array.prefix):
                return _classify_in_array(array, key)
        if volume.format is Format.MESH and key.startswith(volume.prefix):
            return KeyKind.MESH
    folder, _, name = key.rpartition("/")
    if name not in METADATA_NAMES:
        return KeyKind.STRAY
    return KeyKind.CONTAINER if folder + "/" == container.prefix else KeyKind.GROUP


def _classify_in_array(array: Array, key: str) -> KeyKind:
    suffix = key.removeprefix(array.prefix)
    if suffix in METADATA_NAMES:
        return KeyKind.ARRAY if array.level_index is None else KeyKind.LEVEL
    is_block = array.block_keys is not None and array.block_keys.is_block(suffix)
    return KeyKind.BLOCK if is_block else KeyKind.STRAY

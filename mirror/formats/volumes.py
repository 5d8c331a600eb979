"""From the arrays and groups of a container to its volumes: the same for every tree format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter

from mirror.formats.folder import Folder, FolderKind, Format, classify_folder
from mirror.formats.layout import Array, Container, Finding, FindingCode, Group, Severity, Volume


@dataclass(frozen=True, slots=True)
class TreeReader:
    """What a tree format knows that the others do not."""

    format: Format
    read_array: Callable[[Folder, str], tuple[Array, list[Finding]]]
    """An array's folder and its path to the array, without its level, and what is odd about it."""
    read_group: Callable[[Folder, str], tuple[tuple[str, ...], list[Finding]]]
    """A group's folder and its path (empty: the root) to the level paths that it names, and what is odd about it."""
    level_indices: Callable[[Iterable[str], tuple[str, ...]], Mapping[str, int]]
    place_array: Callable[[Array], tuple[Array, list[Finding]]]
    """An understood array that knows its level to the same with what its group says of it, and what is odd there."""


def build_tree(
    reader: TreeReader, prefix: str, dataset_prefix: str, folders: Mapping[str, Folder]
) -> tuple[Container, list[Finding]]:
    """Return the container at `prefix`, and what is odd about it.

    Folders that a listing named and `folders` lacks become arrays that are not understood, so that nothing is lost.
    """
    below = [folders[key] for key in sorted(folders) if key.startswith(prefix)]
    group_folders = [folder for folder in below if classify_folder(folder, dataset_prefix) is FolderKind.GROUP]
    in_groups = {folder.prefix for folder in group_folders}
    array_folders = [folder for folder in below if folder.prefix not in in_groups]
    read_groups = {path: reader.read_group(folder, path) for path, folder in _by_path(prefix, group_folders)}
    read_arrays = [reader.read_array(folder, path) for path, folder in _by_path(prefix, array_folders)]
    unlisted = _unlisted(prefix, group_folders, folders)
    arrays = [array for array, _ in read_arrays]
    arrays += [unknown_array(reader.format, _path_in(prefix, place), place) for place in unlisted]
    named = {path: paths for path, (paths, _) in read_groups.items()}
    leveled, odd_levels = _assign_levels(reader, prefix, arrays, named)
    placed = [reader.place_array(array) if array.is_understood else (array, []) for array in leveled]
    groups = tuple(Group(path, folder.prefix, folder.files) for path, folder in _by_path(prefix, group_folders))
    container = Container(reader.format, prefix, _volumes_of(reader.format, prefix, [one for one, _ in placed]), groups)
    odd = [finding for _, found in (*read_groups.values(), *read_arrays, *placed) for finding in found]
    return container, odd + [_not_listed(place) for place in unlisted if not place.endswith("//")] + odd_levels


def unknown_array(array_format: Format, path: str, prefix: str, folders: tuple[str, ...] = ()) -> Array:
    """Return an array of which only the place is known."""
    return Array(array_format, path, prefix, folders=folders, is_understood=False)


def parent_prefix(prefix: str) -> str:
    """Return the full prefix of the folder that holds a folder.

    >>> parent_prefix("jrc_hela-2/jrc_hela-2.n5/em/fibsem-uint16/s0/")
    'jrc_hela-2/jrc_hela-2.n5/em/fibsem-uint16/'
    """
    return prefix[: prefix.rstrip("/").rfind("/") + 1]


def _path_in(container_prefix: str, prefix: str) -> str:
    return prefix.removeprefix(container_prefix).removesuffix("/")


def _by_path(container_prefix: str, folders: Iterable[Folder]) -> list[tuple[str, Folder]]:
    return sorted(((_path_in(container_prefix, folder.prefix), folder) for folder in folders), key=itemgetter(0))


def _unlisted(prefix: str, group_folders: Iterable[Folder], folders: Mapping[str, Folder]) -> list[str]:
    """Return the prefixes that nobody looked into; those with an empty name (`a//`) among them, on purpose."""
    named = [folder.child(name) for folder in group_folders for name in folder.folders]
    return [place for place in (prefix, *named) if place not in folders]


def _not_listed(prefix: str) -> Finding:
    return Finding(Severity.WARNING, FindingCode.NOT_LISTED, prefix, "a listing of the folder", "none")


def _split(path: str) -> tuple[str, str]:
    parent, _, name = path.rpartition("/")
    return parent, name


def _assign_levels(
    reader: TreeReader, prefix: str, arrays: Iterable[Array], named: Mapping[str, tuple[str, ...]]
) -> tuple[list[Array], list[Finding]]:
    children: defaultdict[str, dict[str, Array]] = defaultdict(dict)
    for array in arrays:
        parent, name = _split(array.path)
        children[parent][name] = array
    leveled: list[Array] = []
    findings: list[Finding] = []
    for parent in sorted({*children, *named}):
        siblings, paths = children[parent], named.get(parent, ())
        levels = reader.level_indices(siblings, paths)
        findings += _compare_levels(f"{prefix}{parent}/" if parent else prefix, set(levels), paths)
        for name, array in siblings.items():
            index = levels.get(name)
            leveled.append(array if index is None else replace(array, level_index=index, level_name=name))
    return leveled, findings


def _compare_levels(place: str, present: set[str], paths: tuple[str, ...]) -> list[Finding]:
    absent = [name for name in paths if name not in present]
    unnamed = sorted(present.difference(paths)) if paths else []
    return [
        Finding(Severity.WARNING, FindingCode.LEVEL_ABSENT, place + name, "a level, as multiscales names it", "none")
        for name in absent
    ] + [
        Finding(Severity.NOTE, FindingCode.LEVEL_NOT_NAMED, place + name, "its name in multiscales", ", ".join(paths))
        for name in unnamed
    ]


def _volumes_of(volume_format: Format, container_prefix: str, arrays: Iterable[Array]) -> tuple[Volume, ...]:
    by_volume: defaultdict[tuple[str, bool], list[Array]] = defaultdict(list)
    for array in arrays:
        is_level = array.level_index is not None
        by_volume[_split(array.path)[0] if is_level else array.path, is_level].append(array)
    return tuple(
        Volume(
            path=path,
            container_prefix=container_prefix,
            prefix=f"{container_prefix}{path}/" if path else container_prefix,
            format=volume_format,
            arrays=tuple(sorted(members, key=_level_order)),
        )
        for (path, _), members in sorted(by_volume.items())
    )


def _level_order(array: Array) -> tuple[int, str]:
    return (-1 if array.level_index is None else array.level_index, array.path)

"""One folder as a LIST with a delimiter shows it, what it is, and which folders below it to LIST next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from mirror.errors import MalformedDocumentError
from mirror.formats.document import MAX_ABOUT_BYTES, MAX_DOCUMENT_BYTES, is_n5_array, parse_json_object
from mirror.formats.n5.grid import is_canonical_decimal
from mirror.objects import RemoteObject

METADATA_NAMES = frozenset({"attributes.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata", "zarr.json", "info"})
"""Files that a reader needs to open what lies below them."""
_WANTED = METADATA_NAMES - {".zmetadata"}
ABOUT_NAMES = ("README.json", "index.json", "README.md")
"""Files in a dataset's own folder that say what it is. No reader needs them."""
INFO_NAME = "info"
NEUROGLANCER = "neuroglancer/"
MESHES = "neuroglancer/mesh/"


class Format(StrEnum):
    """In which format a container keeps its volumes."""

    N5 = "n5"
    ZARR = "zarr"
    PRECOMPUTED = "precomputed"
    MESH = "mesh"


class FolderKind(Enum):
    """What a folder of a dataset is."""

    DATASET = auto()
    GROUP = auto()
    ARRAY = auto()
    """An array of N5 or zarr whose metadata can be read."""
    PRECOMPUTED = auto()
    """A Neuroglancer volume: `info` and one folder per scale."""
    MESHES = auto()
    """The folder whose children are meshes."""
    PLAIN = auto()
    """Not understood, and perhaps full of blocks: not looked into, taken whole."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What one LIST with a delimiter shows, and the metadata documents read in it."""

    prefix: str
    """Full key prefix, ending with a slash."""
    folders: tuple[str, ...]
    """Names of the child folders, without slash, sorted."""
    files: tuple[RemoteObject, ...]
    """Objects directly inside, the folder's own marker among them where there is one."""
    documents: Mapping[str, bytes]
    """File name to body, for those that could be read of `wanted_documents`, and in a dataset's own folder of
    `wanted_about`; `<mesh>/info` of `documents_beside`."""

    @property
    def file_names(self) -> frozenset[str]:
        """Names of the objects directly inside."""
        return frozenset(file.key.rpartition("/")[2] for file in self.files)

    def child(self, name: str) -> str:
        """Return the full prefix of a child folder."""
        return f"{self.prefix}{name}/"

    def object_document(self, name: str) -> dict[str, object]:
        """Return a metadata document as a JSON object; {} where the folder has no such file.

        Raises
        ------
        MalformedDocumentError
            It is there, and could not be read, or is no JSON object.
        """
        if name not in self.file_names:
            return {}
        place = self.prefix + name
        if name not in self.documents:
            raise MalformedDocumentError("cannot read the metadata", place, expected="a document", found="no answer")
        return parse_json_object(self.documents[name], place)


def wanted_documents(files: Iterable[RemoteObject]) -> tuple[str, ...]:
    """Return the names of the files that must be read to understand the folder they lie in, sorted."""
    names = (file.key.rpartition("/")[2] for file in files if file.size <= MAX_DOCUMENT_BYTES)
    return tuple(sorted(_WANTED.intersection(names)))


def wanted_about(files: Iterable[RemoteObject]) -> tuple[str, ...]:
    """Return the names of the files that say what a dataset is, of those directly in its own folder."""
    names = {file.key.rpartition("/")[2] for file in files if file.size <= MAX_ABOUT_BYTES}
    return tuple(name for name in ABOUT_NAMES if name in names)


def container_format(name: str) -> Format | None:
    """Return the format of a dataset's child folder called `name` (no slash), or None for a loose folder.

    >>> container_format("jrc_hela-2.n5").value, container_format("skeletons")
    ('n5', None)
    """
    if name.endswith(".n5"):
        return Format.N5
    if name.endswith(".zarr"):
        return Format.ZARR
    return Format.PRECOMPUTED if name + "/" == NEUROGLANCER else None


def folders_to_visit(folder: Folder, dataset_prefix: str) -> tuple[str, ...]:
    """Return the full prefixes to LIST next, so that every volume is found and no block is listed.

    Begin with the dataset's own folder, and repeat for each folder that this names. Loose folders of the dataset are
    never visited: they are taken whole.

    Parameters
    ----------
    dataset_prefix
        Full prefix of the dataset's folder, ending with a slash.
    """
    match classify_folder(folder, dataset_prefix):
        case FolderKind.DATASET:
            return tuple(folder.child(name) for name in folder.folders if container_format(name) is not None)
        case FolderKind.GROUP:
            # Nothing below an empty name can be a file on the share; it is listed only to name what is refused.
            return tuple(folder.child(name) for name in folder.folders if name)
        case _:
            return ()


def documents_beside(folder: Folder, dataset_prefix: str) -> tuple[str, ...]:
    """Return the full keys of documents to read, where they are, in child folders that are not to be listed: of meshes.

    A mesh is one flat folder of perhaps millions of objects, so that a LIST of it would list what it holds.
    """
    if classify_folder(folder, dataset_prefix) is not FolderKind.MESHES:
        return ()
    return tuple(folder.child(name) + INFO_NAME for name in folder.folders if name)


def classify_folder(folder: Folder, dataset_prefix: str) -> FolderKind:
    """Return what a folder of the dataset is. Loose folders of the dataset are plain."""
    below = folder.prefix.removeprefix(dataset_prefix)
    if not below:
        return FolderKind.DATASET
    match container_format(below.partition("/")[0]):
        case Format.N5:
            return _classify_tree(folder, _n5_says_array)
        case Format.ZARR:
            return _classify_tree(folder, _zarr_says_array)
        case Format.PRECOMPUTED:
            return _classify_neuroglancer(folder, below)
        case _:
            return FolderKind.PLAIN


def _classify_tree(folder: Folder, says_array: Callable[[Folder], bool]) -> FolderKind:
    try:
        if says_array(folder):
            return FolderKind.ARRAY
    except MalformedDocumentError:
        # A damaged group still has volumes below it, a damaged array has blocks: the children's names tell.
        looks_like_array = not folder.folders or any(is_canonical_decimal(name) for name in folder.folders)
        return FolderKind.PLAIN if looks_like_array else FolderKind.GROUP
    is_documented = not METADATA_NAMES.isdisjoint(folder.file_names)
    looks_like_array = bool(folder.folders) and all(is_canonical_decimal(name) for name in folder.folders)
    return FolderKind.PLAIN if looks_like_array and not is_documented else FolderKind.GROUP


def _n5_says_array(folder: Folder) -> bool:
    return is_n5_array(folder.object_document("attributes.json"))


def _zarr_says_array(folder: Folder) -> bool:
    return ".zarray" in folder.file_names or folder.object_document("zarr.json").get("node_type") == "array"


def _classify_neuroglancer(folder: Folder, below: str) -> FolderKind:
    if below == MESHES:
        return FolderKind.MESHES
    if below.startswith(MESHES):
        return FolderKind.PLAIN
    is_volume = below.endswith(".precomputed/") or "info" in folder.file_names
    return FolderKind.PRECOMPUTED if is_volume else FolderKind.GROUP

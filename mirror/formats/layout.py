"""What a dataset holds, as values: containers, groups, volumes and their arrays, and what is odd about them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mirror.errors import MalformedDocumentError
from mirror.formats.block_keys import BlockKeys
from mirror.formats.data_type import element_bytes
from mirror.formats.folder import Format
from mirror.formats.kinds import VolumeClass, classify_volume
from mirror.formats.n5.grid import Grid
from mirror.objects import RemoteObject


class Severity(StrEnum):
    """How much a finding matters."""

    NOTE = "note"
    WARNING = "warning"


class FindingCode(StrEnum):
    """What was found to be odd. The values stand in the catalog and in JSON."""

    ROOT_WITHOUT_ATTRIBUTES = "root-without-attributes"
    NEWER_FORMAT = "newer-format"
    MALFORMED_METADATA = "malformed-metadata"
    ODD_METADATA = "odd-metadata"
    FACT_NOT_READ = "fact-not-read"
    NO_METADATA = "no-metadata"
    NOT_LISTED = "not-listed"
    LEVEL_ABSENT = "level-absent"
    LEVEL_NOT_NAMED = "level-not-named"
    AXES_PERMUTED = "axes-permuted"
    RESOLUTION_DIFFERS = "resolution-differs"
    NO_PYRAMID = "no-pyramid"
    TRANSLATION_DIFFERS = "translation-differs"
    UNKNOWN_CODEC = "unknown-codec"
    NOMINAL_RESOLUTION = "nominal-resolution"
    PUBLISHED_SIZE = "published-size"
    CASE_TWINS = "case-twins"
    HALF_OPEN_FLIP = "half-open-flip"
    NAMED_BUT_ABSENT = "named-but-absent"
    NOT_IN_MANIFEST = "not-in-manifest"
    PATTERN_WITHOUT_EFFECT = "pattern-without-effect"
    NO_VOLUMES = "no-volumes"
    CROP_SOURCES_DISAGREE = "crop-sources-disagree"
    CROP_START_NOT_WHOLE = "crop-start-not-whole"
    CROP_OUTSIDE_RAW = "crop-outside-raw"
    CROP_SHAPE_DIFFERS = "crop-shape-differs"
    CROP_OF_UNKNOWN_DATASET = "crop-of-unknown-dataset"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd that is reported and does not fail."""

    severity: Severity
    code: FindingCode
    place: str
    """Key or prefix in the bucket."""
    expected: str
    found: str


def malformed(error: MalformedDocumentError) -> Finding:
    """Return what the error says as a finding: odd metadata never ends a run."""
    return Finding(Severity.WARNING, FindingCode.MALFORMED_METADATA, error.thing, error.expected, error.found)


FactValue = str | int | float | tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that people say of a dataset."""

    name: str
    """With its unit and the order of its axes, as `voxel_size_nm_xyz`."""
    value: FactValue
    source: str
    """The document and the field in it, as `README.json: imaging.gridSpacing`."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an array's voxels lie in the world, as its own documents say. Only the spatial axes, x first."""

    voxel_size_nm_xyz: tuple[float, ...]
    """As written, negative where an axis is mirrored."""
    translation_nm_xyz: tuple[float, ...] | None
    """Centre of the first voxel; None where the document does not say. With `resolution` the `offset` as written,
    which in B's ground truth counts from the corner of a raw voxel."""
    source: str
    """The field it was read from: `transform`, `multiscales`, `pixelResolution` and `resolution` of N5 (and of zarr
    that imitates it), `coordinateTransformations` of OME-NGFF, `scales` of precomputed."""


@dataclass(frozen=True, slots=True)
class ArrayFacts:
    """What any array is, whatever its format. The axis whose neighbours lie side by side first, as N5 orders them."""

    shape_xyz: tuple[int, ...]
    """Voxels. Arrays with channels or time have more than three axes."""
    block_size_xyz: tuple[int, ...]
    """Voxels of what one object holds: an N5 block, a zarr chunk, a whole shard. A shard of precomputed may be no box,
    where its chunks are hashed: then voxels of a chunk."""
    data_type: str
    """As numpy spells it: uint8, float32; as the document does where numpy has no name."""
    compression: Mapping[str, object]
    """`type` and its parameters as the document spells them; `{"type": "raw"}` for none."""
    inner_block_size_xyz: tuple[int, ...] | None = None
    """Voxels of what is compressed by itself inside a shard; None where nothing is sharded."""
    axes_xyz: tuple[str, ...] | None = None
    """Names of the axes in the order of `shape_xyz`; None where the document has none."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape_xyz)

    @property
    def grid(self) -> Grid:
        """The array cut into blocks.

        Raises
        ------
        MirrorError
            An array of no axis: a single value, which has no grid.
        """
        return Grid(self.shape_xyz, self.block_size_xyz)

    @property
    def raw_bytes(self) -> int | None:
        """Bytes of all voxels before compression, without padding; None for elements of no fixed size."""
        n_bytes = element_bytes(self.data_type)
        return None if n_bytes is None else math.prod(self.shape_xyz) * n_bytes


@dataclass(frozen=True, slots=True)
class Array:
    """One array: a level of a volume, or the volume itself; in precomputed one scale."""

    format: Format
    path: str
    """Inside the container; for precomputed inside the dataset's folder."""
    prefix: str
    """Full key prefix, ending with a slash."""
    level_index: int | None = None
    """0 is the finest; None for an array without levels."""
    level_name: str | None = None
    facts: ArrayFacts | None = None
    """Of all arrays that are understood."""
    placement: Placement | None = None
    """None where no document of the array, or of the group that names it as a level, places it."""
    block_keys: BlockKeys | None = None
    """Which keys below the prefix are blocks; of all arrays that are understood."""
    folders: tuple[str, ...] = ()
    """Names of its child folders: the slabs of the grid along x, and stray folders. () for precomputed."""
    metadata_keys: tuple[str, ...] = ()
    """Full keys that must be published last: with them an array opens, and reads as 0 where blocks are missing."""
    is_understood: bool = True
    """False: neither shape nor blocks are known, and all below the prefix is taken as plain objects."""

    @property
    def n_blocks(self) -> int | None:
        """Objects of the whole grid; fewer may be stored. None where it cannot be known without a listing."""
        return None if self.block_keys is None else self.block_keys.n_blocks

    @property
    def raw_bytes(self) -> int | None:
        """Bytes of all voxels before compression; None where elements have no fixed size, or nothing is known."""
        return None if self.facts is None else self.facts.raw_bytes

    @property
    def n5_facts(self) -> ArrayFacts | None:
        """Facts of an N5 array, whose blocks are found by their place in the grid; None for all others."""
        return self.facts if self.format is Format.N5 else None


@dataclass(frozen=True, slots=True)
class Volume:
    """What a user calls a volume: a pyramid or a single array; for meshes a folder taken whole (no arrays)."""

    path: str
    """Inside the container; for precomputed and meshes inside the dataset's folder."""
    container_prefix: str
    prefix: str
    """Full key prefix, ending with a slash."""
    format: Format
    arrays: tuple[Array, ...]
    """Finest level first; arrays without levels last. () where the volume can only be taken whole."""
    mesh_type: str | None = None
    """The `@type` that a mesh's own `info` names, such as `neuroglancer_multilod_draco`."""

    @property
    def classification(self) -> VolumeClass:
        """What the volume shows, as its path and format tell."""
        return classify_volume(self.path, self.format)


@dataclass(frozen=True, slots=True)
class Group:
    """A folder of a container above or beside its arrays, with the objects directly in it."""

    path: str
    """As `Volume.path`; empty for the container's root."""
    prefix: str
    files: tuple[RemoteObject, ...]
    """Metadata and strays, the folder's marker among them where there is one."""


@dataclass(frozen=True, slots=True)
class Container:
    """One `.n5` or `.zarr` tree, the `neuroglancer/` folder, or its meshes."""

    format: Format
    prefix: str
    volumes: tuple[Volume, ...]
    """Sorted by path."""
    groups: tuple[Group, ...]
    """Sorted by path."""
    version: str | None = None
    """Of the format, as the container's documents say: N5's "2.0.0", zarr's "2" or "3"; None where they do not."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """All that discovery found of a dataset in one bucket."""

    name: str
    prefix: str
    containers: tuple[Container, ...]
    loose_files: tuple[RemoteObject, ...]
    """Objects directly in the dataset's folder."""
    loose_folders: tuple[str, ...]
    """Full prefixes of folders that are no containers."""
    findings: tuple[Finding, ...]
    facts: tuple[Fact, ...] = ()
    """What README.json, index.json and README.md in its folder say, in this order; they need not agree."""

    def volumes(self) -> Iterator[Volume]:
        """Yield the volumes of all containers, in their order."""
        for container in self.containers:
            yield from container.volumes

    @property
    def formats(self) -> frozenset[Format]:
        """The formats that hold a volume."""
        return frozenset(volume.format for volume in self.volumes())


class KeyKind(StrEnum):
    """What one object of a dataset is."""

    CONTAINER = "container"
    """Metadata of a container's root."""
    GROUP = "group"
    """Metadata of a group or of a volume with levels."""
    ARRAY = "array"
    """Metadata of an array without levels."""
    LEVEL = "level"
    """Metadata of an array that is a level."""
    BLOCK = "block"
    MESH = "mesh"
    LOOSE_FILE = "loose file"
    STRAY = "stray"
    FOLDER_MARKER = "folder marker"

"""The values that the catalog takes and gives: frozen records, and plain tuples where there are millions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias

HOW_MD5 = 1
"""The bytes were compared by an ETag that is an MD5."""
HOW_MULTIPART_ETAG = 2
"""By the ETag of a multipart upload."""
HOW_CHECKSUM = 3
"""By one of S3's additional checksums."""
HOW_SIZE_ONLY = 4
"""By nothing but the length: the bucket offers no more."""
HOW_ADOPTED = 8
"""Added to one of the above: the file lay on the share already and was not fetched by us."""

ListedBlockRow: TypeAlias = tuple[int, int, int, int, bytes]
"""x, y, z, size, packed ETag."""
ListedObjectRow: TypeAlias = tuple[str, int, bytes, int]
"""Full key, size, packed ETag, LastModified in seconds since 1970."""
MirroredBlockRow: TypeAlias = tuple[int, int, int, int, int, bytes, bytes | None, int, int]
"""Array id, x, y, z, size, packed ETag, xxh3-128 of what was written, how it was verified, run id."""
MirroredObjectRow: TypeAlias = tuple[int, str, int, bytes, bytes | None, int, int]
"""Bucket id, full key, size, packed ETag, xxh3-128, how it was verified, run id."""
MirroredBlock: TypeAlias = tuple[int, int, int, int, bytes, int]
"""x, y, z, size, packed ETag, how it was verified."""
MirroredObject: TypeAlias = tuple[str, int, bytes, int]
"""Full key, size, packed ETag, how it was verified."""
DocumentRow: TypeAlias = tuple[int, str, bytes, bytes, bytes | None]
"""Bucket id, full key, packed ETag, the document's bytes, their hash."""


class RunKind(StrEnum):
    """What a run does."""

    SYNC = "sync"
    SCAN = "scan"
    ADOPT = "adopt"
    VERIFY = "verify"
    FETCH = "fetch"
    """Single blocks, for who reads a volume in Python."""


class RunState(StrEnum):
    """How far a run came. A run that was killed stays `running` until `close_dead_runs` finds it."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class ChangeKind(StrEnum):
    """How an object of the bucket differs from the listing before."""

    NEW = "new"
    CHANGED = "changed"
    VANISHED = "vanished"


class SnapshotScope(StrEnum):
    """What a snapshot covers: a whole dataset, or what one selection chose of it."""

    ALL = "all"
    SELECTION = "selection"


class Count(NamedTuple):
    """A number of objects and their bytes."""

    objects: int = 0
    bytes: int = 0

    def plus(self, other: Count) -> Count:
        """Return the sum of both; `+` is that of tuples.

        >>> Count(1, 10).plus(Count(2, 5))
        Count(objects=3, bytes=15)
        """
        return Count(self.objects + other.objects, self.bytes + other.bytes)


NOTHING = Count()


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """The one share whose state this catalog holds."""

    uuid: str
    path: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Seal:
    """When, where and by what a catalog was published."""

    published_at: datetime
    host: str
    version: str
    """Of oomirror."""
    origin: str
    """The catalog that was copied, in words that tell it from others."""


@dataclass(frozen=True, slots=True)
class ArrayRecord:
    """An array of a container, as its attributes describe it. `(bucket_id, prefix, path)` names it."""

    bucket_id: int
    prefix: str
    """Full key prefix of the container, ending with a slash."""
    path: str
    """Path inside the container, without slashes at its ends; empty where the container is the array."""
    format: str
    shape_xyz: tuple[int, ...]
    """Voxels in N5's order; arrays that are not 3-D have their own number of axes."""
    block_size_xyz: tuple[int, ...]
    data_type: str
    compression: Mapping[str, object]
    attributes_hash: bytes | None = None
    id: int | None = None
    """None until it was put."""
    volume_id: int | None = None
    level_index: int | None = None
    """0 is the finest; None for an array without levels."""
    level_name: str | None = None
    inner_block_size_xyz: tuple[int, ...] | None = None
    """Voxels of what is compressed by itself inside a shard; None where nothing is sharded."""
    axes_xyz: tuple[str, ...] | None = None
    voxel_size_nm_xyz: tuple[float, ...] | None = None
    """Of the spatial axes, as written; None where no document says."""
    translation_nm_xyz: tuple[float, ...] | None = None
    """Centre of the first voxel."""
    placement_source: str | None = None
    """The field of the document that the two above were read from."""
    n_blocks: int | None = None
    """Of the whole grid; fewer may be stored. None where it cannot be known without a listing."""
    raw_bytes: int | None = None
    """Bytes of all voxels before compression."""
    is_present: bool = True
    """Whether the bucket still had it when it was last looked at."""

    @property
    def key_prefix(self) -> str:
        """Full key prefix of the array's folder, ending with a slash."""
        return f"{self.prefix}{self.path}/" if self.path else self.prefix


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """A dataset in one bucket. `(bucket_id, name)` names it."""

    bucket_id: int
    name: str
    prefix: str
    """Full key prefix of its folder, ending with a slash."""
    discovered_at: datetime | None = None
    """When its folders were last walked."""
    digest: bytes | None = None
    """Of what the walk found: an equal one means that nothing below needs to be written again."""
    id: int | None = None
    """None until it was put."""


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """One tree of a dataset. `(dataset_id, prefix)` names it."""

    dataset_id: int
    prefix: str
    """Full key prefix, ending with a slash."""
    format: str
    """n5, zarr, precomputed or mesh."""
    version: str | None = None
    """As the container's own document says: `2.0.0` for N5, `2` or `3` for zarr."""
    is_present: bool = True
    id: int | None = None


@dataclass(frozen=True, slots=True)
class VolumeRecord:
    """A pyramid or a single array. `(container_id, path)` names it."""

    container_id: int
    path: str
    prefix: str
    """Full key prefix, ending with a slash."""
    kind: str | None = None
    """What it shows, as a word of `mirror.formats.kinds`; None until this version looked at it."""
    organelle_class: str | None = None
    is_present: bool = True
    id: int | None = None


@dataclass(frozen=True, slots=True)
class FactRecord:
    """One thing that a document says of a dataset. `(dataset, name, source)` names it."""

    dataset: str
    name: str
    source: str
    """Where it stands: the `s3://` URL of a document, or a manifest's place."""
    value: object
    """A JSON value."""


@dataclass(frozen=True, slots=True)
class ManifestRecord:
    """A manifest.json of the project, as it was imported. One a dataset: a newer import replaces it."""

    dataset: str
    source: str
    """File or URL that it came from."""
    imported_at: datetime
    body: bytes
    hash: bytes
    id: int | None = None


@dataclass(frozen=True, slots=True)
class AnnotationRecord:
    """What a manifest says of one volume. Belongs to the volume of that prefix, whenever that is found."""

    manifest_id: int
    bucket_url: str
    """As the catalog names the bucket, aliases resolved; as written where no bucket of ours is meant."""
    prefix: str
    """Full key prefix in that bucket, ending with a slash."""
    name: str
    format: str | None = None
    content_type: str | None = None
    sample_type: str | None = None
    description: str | None = None
    is_mirrored_y: bool | None = None
    """Whether rows are stored in the opposite order (`j = ny-1-i`); None where the manifest does not say."""
    id: int | None = None


@dataclass(frozen=True, slots=True)
class SearchEntry:
    """What full-text search finds: a dataset, a volume, a crop. `(bucket_id, kind, place)` names it."""

    bucket_id: int
    dataset: str
    kind: str
    """`dataset`, `volume`, ..."""
    place: str
    """Full key prefix of what is meant."""
    title: str
    """As it is shown."""
    words: str
    """What is searched: words of letters and digits, in lower case, with blanks between them."""


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """How one folder of the bucket differs from the listing before: what a run found new, changed or gone."""

    run_id: int
    bucket_id: int
    dataset: str
    prefix: str
    """Of the array or folder, ending with a slash."""
    kind: ChangeKind
    changed: Count
    """For `vanished` the bytes that were there, else those that are."""
    example: str
    """Full key of one of them."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a command that writes."""

    id: int
    kind: RunKind
    bucket_id: int
    datasets: tuple[str, ...]
    selection: Mapping[str, object]
    started_at: datetime
    finished_at: datetime | None
    state: RunState
    exit_code: int | None
    host: str
    pid: int
    version: str
    counters: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """A dated listing: what the bucket had."""

    id: int
    bucket_id: int
    dataset: str
    run_id: int
    scope: SnapshotScope
    started_at: datetime
    finished_at: datetime | None
    is_complete: bool
    listed: Count


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """One part of a listing: a slab of a grid or a folder. Snapshots with equal parts share them."""

    id: int
    bucket_id: int
    array_id: int | None
    """The array in whose folder the shard lies; None for all else."""
    prefix: str
    digest: bytes
    """Of the content, 16 bytes: equal digests of one prefix mean equal keys, sizes and ETags."""
    listed: Count
    blocks: Count = NOTHING
    """Those of `listed` that are blocks inside their array's grid."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one complete listing says of one key that it covers."""

    run_id: int
    scope: SnapshotScope
    listed_at: datetime
    """End of the listing."""
    size: int | None
    """None: the bucket did not have it."""
    etag: bytes | None
    last_modified: int | None
    """Seconds since 1970; None for blocks, too."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the catalog has of one object on the share."""

    size: int
    etag: bytes
    """Empty: in doubt, for a run that was replacing it did not finish."""
    hash: bytes | None
    how: int
    run_id: int


@dataclass(frozen=True, slots=True)
class ComparisonRecord:
    """An answer of `diff-buckets` about one dataset."""

    dataset: str
    question: object
    """What was asked, as a JSON value: answers to equal questions can be compared."""
    made_at: datetime
    a_snapshot_id: int | None
    """The listing of bucket A that was compared; None where A lacks the dataset. Listings go, their numbers stay."""
    b_snapshot_id: int | None
    report: object
    """The answer, as a JSON value."""
    id: int | None = None
    """None until it was put."""


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """Something that is odd about the data, not about us. Kept once, however often it is seen."""

    bucket_id: int
    dataset: str
    origin: str
    """What looked: `metadata`, `manifest`. Each look replaces what the same origin said of the dataset before."""
    severity: str
    code: str
    place: str
    expected: str = ""
    found: str = ""
    first_seen_at: datetime | None = None
    closed_at: datetime | None = None
    """When it was seen to be true no more."""
    id: int | None = None
    """None until it was put."""


@dataclass(frozen=True, slots=True)
class MirrorState:
    """The sums of what is on the share below one prefix: an array's folder, or a dataset's for all outside arrays."""

    bucket_id: int
    prefix: str
    mirrored: Count = NOTHING
    is_published: bool = False
    """Whether the document is there with which the array opens."""
    by_md5: int = 0
    by_multipart_etag: int = 0
    by_checksum: int = 0
    by_size_only: int = 0
    adopted: int = 0
    """Of all the above: objects that lay on the share already."""
    first_run_id: int | None = None
    last_run_id: int | None = None
    """The runs in which the oldest and the newest of its objects were verified."""


@dataclass(frozen=True, slots=True)
class LevelState:
    """What is known of one array: in the bucket and on the share."""

    array: ArrayRecord
    listed: Count | None
    """None where no complete snapshot contains the array."""
    listed_at: datetime | None
    """End of the newest complete snapshot that contains it."""
    state: MirrorState
    blocks: Count | None = None
    """Those of `listed` that are blocks inside the grid."""
    is_cropped: bool = False
    """Whether no listing has it, for runs mirrored of it only what crops touch."""

    @property
    def mirrored(self) -> Count:
        """What is on the share."""
        return self.state.mirrored

    @property
    def most_objects(self) -> int | None:
        """How many objects there are as it was listed; of a cropped one as its grid has room for, with its metadata.

        None where neither is known.
        """
        if self.listed is not None:
            return self.listed.objects
        return None if not self.is_cropped or self.array.n_blocks is None else self.array.n_blocks + 1


@dataclass(frozen=True, slots=True)
class LooseState:
    """What is known of a dataset's objects outside all arrays."""

    listed: Count | None
    """None where there is no complete snapshot of the dataset."""
    listed_at: datetime | None
    state: MirrorState

    @property
    def mirrored(self) -> Count:
        """What is on the share."""
        return self.state.mirrored

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


class RunState(StrEnum):
    """How far a run came. A run that was killed stays `running` until `close_dead_runs` finds it."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class SnapshotScope(StrEnum):
    """What a snapshot covers: a whole dataset, or what one selection chose of it."""

    ALL = "all"
    SELECTION = "selection"


class Count(NamedTuple):
    """A number of objects and their bytes."""

    objects: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """The one share whose state this catalog holds."""

    uuid: str
    path: str
    created_at: datetime


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

    @property
    def key_prefix(self) -> str:
        """Full key prefix of the array's folder, ending with a slash."""
        return f"{self.prefix}{self.path}/" if self.path else self.prefix


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
    """Of the content, 16 bytes: equal digests of one prefix mean equal rows."""
    listed: Count


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """Something that is odd about the data, not about us."""

    run_id: int
    bucket_id: int
    dataset: str
    severity: str
    code: str
    place: str
    expected: str = ""
    found: str = ""
    id: int | None = None
    """None until it was put."""


@dataclass(frozen=True, slots=True)
class LevelState:
    """What is known of one array: in the bucket and on the share."""

    array: ArrayRecord
    listed: Count | None
    """None where no complete snapshot contains the array."""
    listed_at: datetime | None
    """End of the newest complete snapshot that contains it."""
    mirrored: Count


@dataclass(frozen=True, slots=True)
class LooseState:
    """What is known of a dataset's objects outside all arrays."""

    listed: Count | None
    """None where there is no complete snapshot of the dataset."""
    listed_at: datetime | None
    mirrored: Count

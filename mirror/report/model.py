"""What commands answer, as models: one for JSON, for text and for tests."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mirror.objects import Tally


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Amount(_Report):
    """A number of objects and their bytes."""

    objects: int = 0
    bytes: int = 0

    @classmethod
    def of(cls, tally: Tally) -> Amount:
        """Return the amount of a tally."""
        return cls(objects=tally.objects, bytes=tally.bytes)


class FailedObject(_Report):
    """An object that is not on the share, and why."""

    key: str
    path: str
    """Below the share's root."""
    reason: str


class SkippedObject(_Report):
    """An object that was left out on purpose, and why."""

    key: str
    reason: str


class Verified(_Report):
    """How the objects of this run were compared with the bucket's."""

    md5: Amount = Amount()
    multipart_etag: Amount = Amount()
    checksum: Amount = Amount()
    size_only: Amount = Amount()


class SyncReport(_Report):
    """What `oomirror sync` and `oomirror adopt` did, or would do."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    run: int | None
    """Number of the run in the catalog; null for a dry run."""
    dry_run: bool
    complete: bool
    """False when it was stopped before all was tried; the next run goes on."""
    bucket: str
    datasets: tuple[str, ...]
    planned: Amount
    transferred: Amount = Amount()
    adopted: Amount = Amount()
    up_to_date: Amount = Amount()
    replaced: Amount = Amount()
    deleted: Amount = Amount()
    failed: tuple[FailedObject, ...] = ()
    skipped: tuple[SkippedObject, ...] = ()
    refused: int = 0
    """How many of `skipped` are keys that cannot be files on the share."""
    verified: Verified = Verified()
    seconds: float = 0.0


class ScanReport(_Report):
    """What `oomirror scan` listed."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    run: int
    bucket: str
    dataset: str
    listed: Amount
    volumes: int
    arrays: int
    findings: int
    seconds: float


class LevelLine(_Report):
    """One level of a volume in `oomirror ls`: what the bucket has and what the share has."""

    bucket: str
    dataset: str
    container: str
    volume: str
    level: str | None
    """None for a volume without levels."""
    shape_zyx: tuple[int, ...] | None
    data_type: str | None
    listed: Amount | None
    """None where the bucket was never listed whole."""
    listed_at: str | None = None
    """Of the newest whole listing: ISO 8601, UTC."""
    mirrored: Amount
    state: Literal["none", "partial", "whole", "unknown"]


class DatasetLine(_Report):
    """One dataset in `oomirror ls`."""

    bucket: str
    dataset: str
    listed: Amount | None
    listed_at: str | None
    """ISO 8601, UTC."""
    mirrored: Amount


class FoundLine(_Report):
    """Something that `oomirror catalog search` found."""

    bucket: str
    dataset: str
    kind: str
    """`dataset` or `volume`."""
    place: str
    """Full key prefix in the bucket."""
    title: str


class ManifestLine(_Report):
    """What became of one document that `oomirror catalog import-manifest` read."""

    source: str
    """File or address."""
    dataset: str | None
    """None for a document that is no manifest."""
    state: Literal["new", "changed", "unchanged", "failed"]
    volumes: int
    """That it names."""
    findings: int
    """Of what it says, and of what it and the buckets do not agree about."""
    reason: str = ""
    """Why it failed."""


class ErrorParts(_Report):
    """Why a command failed, in its parts; empty where there is nothing to say."""

    exit: int
    """Exit code of the process."""
    what: str
    """What could not be done."""
    thing: str
    """To which thing."""
    expected: str
    found: str
    hint: str
    """What the user can do next."""


class ErrorReport(_Report):
    """What any command with `--json` prints when it fails."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    error: ErrorParts

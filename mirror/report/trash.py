"""What `oomirror trash` answers, as models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mirror.report.model import Amount, FailedObject


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrashLine(_Report):
    """The trash of one run."""

    run: str
    """Name of its folder, by which it is restored or emptied."""
    begun_at: str
    """ISO 8601, UTC."""
    bucket: str | None
    """As S3 calls it; null, as the next two, where the run was killed before it said so."""
    datasets: tuple[str, ...] | None
    catalog_run: int | None
    """Number of the run in the catalog that was used."""
    trashed: Amount


class TrashedFile(_Report):
    """One file in the trash of a run."""

    path: str
    """`<bucket>/<key>`: where it lay below the share's root."""
    bytes: int


class RestoreReport(_Report):
    """What `oomirror trash restore` did."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    trash: str
    """The run whose trash it was."""
    run: int | None
    """Number of this run in the catalog; null where nothing of it has a bucket, or it is empty."""
    restored: Amount
    set_aside: Amount = Amount()
    """Files that stood in the place of restored ones and went to the trash (--overwrite)."""
    failed: tuple[FailedObject, ...] = ()


class EmptyReport(_Report):
    """What `oomirror trash empty` removed for good."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    runs: tuple[str, ...]
    removed: Amount
    in_use: tuple[str, ...] = ()
    """Runs that still go on, or are being restored: theirs was left."""

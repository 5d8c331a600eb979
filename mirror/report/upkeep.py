"""What `oomirror catalog info` and `oomirror catalog vacuum` answer, as models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableLine(_Report):
    """One table of the catalog with its indexes."""

    table: str
    """`others`: what the database keeps for itself, full-text search among it."""
    rows: int | None
    """null where nobody knows."""
    bytes: int
    bytes_per_row: float | None
    is_estimate: bool
    """Whether one of these was estimated and not measured."""


class SnapshotLine(_Report):
    """A listing that the catalog keeps."""

    bucket: str
    dataset: str
    scope: Literal["all", "selection"]
    objects: int
    started_at: str
    """ISO 8601, UTC."""
    finished_at: str | None
    is_complete: bool


class ListingCost(_Report):
    """What another listing of a dataset adds where all of it has changed; where nothing has, next to nothing."""

    bucket: str
    dataset: str
    objects: int
    bytes: int


class GrowthForecast(_Report):
    """How large the catalog will be if it goes on as it did."""

    runs: int
    """That were looked at, the newest ones."""
    days: float
    """From the first of them to the last."""
    bytes_per_day: int
    bytes_in_a_year: int


class CatalogInfo(_Report):
    """What `oomirror catalog info` tells."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    catalog: str
    """Its URL, without a password."""
    revision: str
    database: str
    """Name and version."""
    file_bytes: int | None
    log_bytes: int | None
    """Of the write-ahead log."""
    free_bytes: int | None
    """In the file, for rows to come. These three are null on PostgreSQL."""
    used_bytes: int
    bytes_per_block_row: float | None
    tables: tuple[TableLine, ...]
    snapshots: tuple[SnapshotLine, ...]
    runs: int
    listings: tuple[ListingCost, ...]
    forecast: GrowthForecast | None
    """null where too few runs, or runs of too few days, kept how large the catalog was."""


class FileSize(_Report):
    """A catalog's size on disk."""

    file_bytes: int
    log_bytes: int
    """Of the write-ahead log."""
    free_bytes: int
    """In the file, for rows to come."""


class CatalogVacuumed(_Report):
    """What `oomirror catalog vacuum` did."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    catalog: str
    """Its URL, without a password."""
    dropped_snapshots: int
    """That killed runs left unfinished."""
    dropped_shards: int
    """Parts of listings that no snapshot has any more."""
    before: FileSize
    after: FileSize
    seconds: float

"""What `oomirror refresh` answers, as models."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from mirror.report.model import Amount, ErrorParts, FailedObject, SkippedObject


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Contents(_Report):
    """Objects that changed upstream and were fetched, by how they compare with what was on the share before."""

    reuploaded: Amount = Amount()
    """The same bytes under another ETag."""
    other: Amount = Amount()
    """Other bytes."""
    other_same_size: Amount = Amount()
    """Those of `other` whose length is the same."""
    unknown: Amount = Amount()
    """There was no hash to compare with."""


class Upstream(_Report):
    """What changed in the bucket since the listing before, and what came of it."""

    new: Amount = Amount()
    changed: Amount = Amount()
    vanished: Amount = Amount()
    contents: Contents = Contents()


EntryState: TypeAlias = Literal["done", "incomplete", "stopped", "locked", "failed", "unsafe", "not_reached"]
"""done: all of it was tried, and came; incomplete: objects failed or were refused; stopped: by its time, or because the
share went away; locked: another run holds the dataset; unsafe: exit code 5; not_reached: no time was left."""


class MirrorLine(_Report):
    """One entry of `[[mirrors]]`: what its run did."""

    number: int
    """Its place in the configuration, from 1."""
    bucket: str
    dataset: str
    state: EntryState
    exit: int
    run: int | None = None
    """Number of the run in the catalog; null where it came to none."""
    new: Amount = Amount()
    """In the bucket, since the listing before, as the next two. Without one, nothing is known to be new."""
    changed: Amount = Amount()
    """Another size or ETag."""
    vanished: Amount = Amount()
    """Gone from the bucket; what is on the share stays there."""
    contents: Contents = Contents()
    planned: Amount = Amount()
    transferred: Amount = Amount()
    adopted: Amount = Amount()
    replaced: Amount = Amount()
    up_to_date: Amount = Amount()
    failed_objects: int = 0
    refused_objects: int = 0
    failed: tuple[FailedObject, ...] = ()
    skipped: tuple[SkippedObject, ...] = ()
    """Refused ones, excluded ones, folder markers, and documents of levels that are not whole."""
    only_listed: bool = False
    """Its time was up before anything could be fetched: listing alone took longer than all of `--max-duration`."""
    problem: ErrorParts | None = None
    """Why the whole entry failed."""
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """`BUCKET/DATASET`."""
        return f"{self.bucket}/{self.dataset}"

    @property
    def is_change(self) -> bool:
        """Whether anything came to the share, or changed in the bucket."""
        return _is_change(self)


class RefreshReport(_Report):
    """What a refresh did with all its entries."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    dry_run: bool
    complete: bool
    """False where not all entries were tried to their end; the next refresh begins with those."""
    exit: int
    mirrors: tuple[MirrorLine, ...]
    """In the order of the configuration."""
    transferred: Amount
    """Of all entries, as the next ones."""
    new: Amount
    changed: Amount
    vanished: Amount
    failed_objects: int
    refused_objects: int
    problem: ErrorParts | None = None
    """Why the refresh ended before all entries had their turn."""
    started_at: str
    """ISO 8601, UTC."""
    finished_at: str
    seconds: float

    @property
    def is_change(self) -> bool:
        """Whether anything came to the share, or changed in the bucket."""
        return _is_change(self)


def _is_change(one: MirrorLine | RefreshReport) -> bool:
    return any(amount.objects for amount in (one.transferred, one.new, one.changed, one.vanished))


def total(amounts: list[Amount]) -> Amount:
    """Return the sum.

    >>> total([Amount(objects=1, bytes=2), Amount(objects=3, bytes=4)])
    Amount(objects=4, bytes=6)
    """
    return Amount(objects=sum(one.objects for one in amounts), bytes=sum(one.bytes for one in amounts))

"""What `oomirror import-mongo` answers, as models."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FailedDocumentLine(_Report):
    """A document that could not be read, or of which nothing could be made."""

    place: str
    """In its source, as `line 17`."""
    key: str
    """What names it; empty where it could not be read."""
    expected: str
    found: str


class DocumentCounts(_Report):
    """How many documents of one source."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    vanished: int = 0
    """Known from before, and not in the source any more."""
    dropped: int = 0
    """Of these: dropped by `--prune`."""
    unreadable: int = 0
    not_understood: int = 0
    """Kept, but nothing was made of them."""


class SourceReport(_Report):
    """What became of one collection or file."""

    kind: Literal["crops", "evaluations", "class-crops"]
    place: str
    """Address without user and password, or path of the file."""
    collection: str
    version: str
    """Of the ground truth."""
    complete: bool
    """False where it could be read up to some document only: what was committed stays, the next import goes on."""
    resumed: bool
    """An earlier import was cut, and this one went on behind it: its counts are of the rest."""
    documents: DocumentCounts
    crops_by_dataset: dict[str, int]
    labels_by_state: dict[str, int]
    issues: dict[str, int]
    """What is odd about documents: how often each code; `oomirror catalog issues` lists them."""
    failed: tuple[FailedDocumentLine, ...]
    """Of what is unreadable or not understood, the first thousand."""
    error: str | None
    """Why it could not be read to its end."""
    seconds: float


class ImportReport(_Report):
    """What `oomirror import-mongo` did, or would do."""

    schema_: Literal[1] = Field(default=1, alias="schema", serialization_alias="schema")
    dry_run: bool
    sources: tuple[SourceReport, ...]
    left_out: tuple[str, ...]
    """What lies there and is not imported, and why."""

    @property
    def n_failed_documents(self) -> int:
        """How many documents could not be read or not be understood."""
        return sum(one.documents.unreadable + one.documents.not_understood for one in self.sources)

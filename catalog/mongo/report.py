"""What an import did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from catalog.mongo.documents import Document, Unreadable
from catalog.mongo.issues import IssueCode
from catalog.mongo.mapped import Mapped
from catalog.records import CropRecord, Evaluation, ImportKind

MOST_LISTED = 1_000
"""Documents that could not be understood are listed one by one up to here, and counted beyond."""


@dataclass(frozen=True, slots=True)
class FailedDocument:
    """A document that could not be read, or of which nothing could be made."""

    place: str
    """As `line 17`."""
    key: str
    """Empty where it could not be read."""
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one import did, or would do. Counts are of documents."""

    kind: ImportKind
    place: str
    collection: str
    version: str
    is_dry_run: bool
    is_resumed: bool
    """It went on where an earlier import was cut; its counts are of the rest alone."""
    pass_number: int
    seen: int
    new: int
    changed: int
    unchanged: int
    vanished: int
    """Known from before, and not in the source any more."""
    dropped: int
    """Of these: dropped because that was asked for."""
    n_unreadable: int
    n_not_understood: int
    """Kept, but nothing was made of them."""
    failed: tuple[FailedDocument, ...]
    """Of the two above, the first `MOST_LISTED`."""
    issues: Mapping[str, int]
    """How often each code, as the catalog has them now; of a dry run those that single documents show."""
    by_dataset: Mapping[str, int]
    """Crops by dataset; an empty name where the document has none."""
    by_state: Mapping[str, int]
    """What these crops say of labels: how often each state."""


@dataclass(slots=True)
class Tally:
    """Counts what an import meets."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    n_unreadable: int = 0
    n_not_understood: int = 0
    failed: list[FailedDocument] = field(default_factory=list)
    issues: Counter[str] = field(default_factory=Counter)
    by_dataset: Counter[str] = field(default_factory=Counter)
    by_state: Counter[str] = field(default_factory=Counter)

    def count_unreadable(self, found: Iterable[Unreadable]) -> None:
        """Count documents that could not be read."""
        for one in found:
            self.seen += 1
            self.n_unreadable += 1
            self.issues[IssueCode.UNREADABLE] += 1
            self._list(FailedDocument(one.place, "", one.expected, one.found))

    def count(self, document: Document, mapped: Mapped[CropRecord] | Mapped[Evaluation]) -> None:
        """Count what a document says."""
        if mapped.issues:
            self.issues.update(issue.code.value for issue in mapped.issues)
        record = mapped.record
        if record is None:
            self.n_not_understood += 1
            why = next(one for one in mapped.issues if one.code is IssueCode.NOT_UNDERSTOOD)
            self._list(FailedDocument(document.place, document.key, why.expected, why.found))
        elif isinstance(record, CropRecord):
            self.by_dataset[record.dataset or ""] += 1
            self.by_state.update(one.state.value for one in record.labels)

    def _list(self, failed: FailedDocument) -> None:
        if len(self.failed) < MOST_LISTED:
            self.failed.append(failed)

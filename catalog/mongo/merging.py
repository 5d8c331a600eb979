"""One crop from all documents of its number and version: what the newest of those says that say anything. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.mongo.issues import Issue, IssueCode
from catalog.mongo.reading import shown
from catalog.records import CropLabel, CropRecord

_FIELDS = {
    "dataset": "dataset_id",
    "parent": "parent",
    "biotype": "biotype",
    "alias": "alias",
    "completion": "completion",
    "shape_xyz": "dimensions",
    "offset_xyz": "offset",
    "resolution_nm_xyz": "resolution",
    "labels": "labels",
}
"""Column to the document's field."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one document says of a crop."""

    source_id: int
    document_key: str
    record: CropRecord


@dataclass(frozen=True, slots=True)
class Merged:
    """A crop as its documents describe it together, and what only shows when they are seen together."""

    record: CropRecord
    issues: tuple[tuple[Told, Issue], ...]
    """Each with the document that it is about."""


def merge_crop(told: Sequence[Told], names: Mapping[int, str]) -> Merged:
    """Return the crop that documents of one number and version describe.

    Parameters
    ----------
    told
        The newest first; at least one.
    names
        Name of each label that the catalog knows.
    """
    values: dict[str, Any] = {}
    for column in _FIELDS:
        said = [value for one in told if (value := getattr(one.record, column)) not in {None, ()}]
        if said:
            values[column] = said[0]
    others: dict[str, object] = {}
    for one in told:
        others = {**one.record.others, **others}
    record = CropRecord(number=told[0].record.number, version=told[0].record.version, others=others, **values)
    issues = (*_disagreements(told, values, others), *_duplicates(told), *_odd_names(told, names))
    return Merged(record, issues)


def _disagreements(
    told: Sequence[Told], values: Mapping[str, Any], others: Mapping[str, object]
) -> Iterator[tuple[Told, Issue]]:
    code = IssueCode.DOCUMENTS_DISAGREE
    for one in told[1:]:
        for column, field in _FIELDS.items():
            found = getattr(one.record, column)
            if found not in {None, ()} and not _is_same(column, found, values[column]):
                expected, shown_found = _compared(column, values[column], found)
                yield one, Issue(code, field, expected, shown_found)
        for name, value in one.record.others.items():
            if value != others[name]:
                yield one, Issue(code, name, shown(others[name]), shown(value))


def _is_same(column: str, one: Any, other: Any) -> bool:
    return bool(set(one) == set(other) if column == "labels" else one == other)


def _compared(column: str, expected: Any, found: Any) -> tuple[str, str]:
    """Return what differs, in words: of labels only those that do."""
    if column != "labels":
        return shown(expected), shown(found)
    return _label_words(set(expected) - set(found)), _label_words(set(found) - set(expected))


def _label_words(labels: set[CropLabel]) -> str:
    words = [f"{one.label_id} {one.name} {one.state}" for one in labels]
    return shown(", ".join(sorted(words)) or "nothing more")


def _duplicates(told: Sequence[Told]) -> Iterator[tuple[Told, Issue]]:
    newest: dict[int, Told] = {}
    for one in told:
        first = newest.setdefault(one.source_id, one)
        if first is not one:
            expected = f"one document for crop {one.record.number}, version {one.record.version}"
            yield one, Issue(IssueCode.DUPLICATE_CROP, "number", expected, shown(f"also {first.document_key}"))


def _odd_names(told: Sequence[Told], names: Mapping[int, str]) -> Iterator[tuple[Told, Issue]]:
    for one in told:
        odd = {
            label.label_id: label.name
            for label in one.record.labels
            if label.label_id is not None and label.name is not None and names.get(label.label_id) != label.name
        }
        for label_id, name in sorted(odd.items()):
            yield one, Issue(IssueCode.LABEL_NAME, f"labels {label_id}", str(names.get(label_id)), shown(name))

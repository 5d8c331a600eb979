"""One batch of documents into the catalog: as they are, what they say, and what is odd about them; one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from catalog import queries
from catalog.mongo.bodies import document_of, storable
from catalog.mongo.documents import Document, Unreadable
from catalog.mongo.issues import OF_CROPS, Issue, IssueCode
from catalog.mongo.labels import LABELS, class_members
from catalog.mongo.mapping import Mapped, map_crop
from catalog.mongo.merging import Told, merge_crop
from catalog.mongo.plan import BatchPlan, Incoming
from catalog.mongo.reading import shown
from catalog.records import (
    CropRecord,
    Evaluation,
    ImportIssue,
    ImportKind,
    LabelRecord,
    SourceDocument,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

_Mapped = Mapped[CropRecord] | Mapped[Evaluation]
OF_DOCUMENTS = frozenset(IssueCode) - OF_CROPS - {IssueCode.UNREADABLE, IssueCode.UNKNOWN_DATASET}
"""Issues that a document shows by itself."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be written."""

    source_id: int
    kind: ImportKind
    pass_number: int
    plan: BatchPlan
    mapped: Mapping[str, _Mapped]
    """What each document says, by its name in the catalog: of the new and the changed, or of all."""
    now: datetime


def prepare(connection: Connection) -> None:
    """Keep the paper's labels and the classes of several."""
    queries.put_labels(connection, LABELS)
    queries.put_label_classes(connection, class_members())


def write_batch(connection: Connection, batch: Batch) -> None:
    """Write documents, what they say and what is odd about them."""
    plan = batch.plan
    queries.see_documents(connection, [known.id for _, known in plan.unchanged], batch.pass_number)
    queries.keep_earlier(connection, [known.id for _, known in plan.changed], reason="changed", now=batch.now)
    ids = _write_documents(connection, batch)
    ids |= {one.key: known.id for one, known in plan.unchanged if one.key in batch.mapped}
    _write_issues(connection, batch, ids)
    if batch.kind is ImportKind.CROPS:
        _write_crops(connection, batch, ids)
    else:
        _write_evaluations(connection, batch, ids)


def write_unreadable(connection: Connection, source_id: int, found: Iterable[Unreadable], *, now: datetime) -> None:
    """Put down which documents could not be read; what was put down of others stays."""
    issues = {
        storable(one.place): [
            ImportIssue(source_id, storable(one.place), IssueCode.UNREADABLE, "", shown(one.expected), shown(one.found))
        ]
        for one in found
    }
    queries.replace_issues(connection, source_id, issues, {IssueCode.UNREADABLE}, now=now)


def drop_documents(connection: Connection, ids: Sequence[int], *, now: datetime) -> None:
    """Keep documents as dropped ones, delete them, and describe their crops by the documents that are left."""
    touched = set(queries.crops_of_documents(connection, ids).values())
    queries.keep_earlier(connection, ids, reason="dropped", now=now)
    queries.drop_documents(connection, ids)
    describe_crops(connection, touched, now=now)


def describe_crops(connection: Connection, crop_ids: Iterable[int], *, now: datetime) -> None:
    """Write crops anew from all their documents; one that has none left is deleted."""
    for crop_id in sorted(crop_ids):
        documents = queries.crop_documents(connection, crop_id)
        if not documents:
            queries.drop_crop(connection, crop_id)
            continue
        version = queries.crop_version(connection, crop_id)
        told = [one for document in documents if (one := _told(document, version)) is not None]
        _put_new_labels(connection, told)
        names = {one.id: one.name for one in queries.labels(connection)}
        merged = merge_crop(told, names)
        queries.put_crop(connection, merged.record)
        _write_crop_issues(connection, told, merged.issues, now=now)


def _write_documents(connection: Connection, batch: Batch) -> dict[str, int]:
    """Write the new and the changed documents; return their ids by name."""
    first_id = queries.next_document_id(connection)
    new = [_record(batch, one, first_id + number) for number, one in enumerate(batch.plan.new)]
    before = {
        one.id: one for one in queries.source_documents(connection, (known.id for _, known in batch.plan.changed))
    }
    changed = [
        replace(
            before[known.id],
            hash=one.hash,
            body=batch.plan.bodies[one.key],
            # Another import of the source may be a pass ahead: to its --prune this document must not have vanished.
            pass_number=max(known.pass_number, batch.pass_number),
            changed_at=batch.now,
        )
        for one, known in batch.plan.changed
    ]
    queries.put_source_documents(connection, (*new, *changed))
    return {one.document_key: one.id for one in (*new, *changed) if one.id is not None}


def _record(batch: Batch, one: Incoming, document_id: int) -> SourceDocument:
    return SourceDocument(
        source_id=batch.source_id,
        document_key=one.key,
        hash=one.hash,
        body=batch.plan.bodies[one.key],
        pass_number=batch.pass_number,
        first_seen_at=batch.now,
        changed_at=batch.now,
        id=document_id,
    )


def _write_issues(connection: Connection, batch: Batch, ids: Mapping[str, int]) -> None:
    new = {one.key for one in batch.plan.new}
    found: dict[str, list[ImportIssue]] = {}
    for key in ids:
        issues = batch.mapped[key].issues
        # Of a new document nothing was put down before.
        if issues or key not in new:
            found[key] = _import_issues(batch.source_id, key, issues)
    queries.replace_issues(connection, batch.source_id, found, OF_DOCUMENTS, now=batch.now)


def _import_issues(source_id: int, key: str, issues: Iterable[Issue]) -> list[ImportIssue]:
    named = {(one.code, one.field): one for one in reversed(tuple(issues))}
    return [
        ImportIssue(source_id, key, one.code.value, one.field, one.expected, one.found)
        for _, one in sorted(named.items())
    ]


def _write_evaluations(connection: Connection, batch: Batch, ids: Mapping[str, int]) -> None:
    records = {
        document_id: record
        for key, document_id in ids.items()
        if isinstance(record := batch.mapped[key].record, Evaluation)
    }
    queries.put_evaluations(connection, records)
    queries.drop_evaluations(connection, {known.id for _, known in batch.plan.changed} - records.keys())


def _write_crops(connection: Connection, batch: Batch, ids: Mapping[str, int]) -> None:
    touched = set(queries.crops_of_documents(connection, list(ids.values())).values())
    queries.unlink_crop_documents(connection, list(ids.values()))
    for key, document_id in ids.items():
        record = batch.mapped[key].record
        if isinstance(record, CropRecord):
            known = queries.find_crop(connection, record.number, record.version)
            crop_id = queries.put_crop(connection, record) if known is None or known.id is None else known.id
            queries.link_crop_document(connection, crop_id, document_id)
            touched.add(crop_id)
    describe_crops(connection, touched, now=batch.now)


def _told(document: SourceDocument, version: str) -> Told | None:
    fields = document_of(document.body)
    record = map_crop(Document(document.document_key, fields, ""), version).record
    return None if record is None else Told(document.source_id, document.document_key, record)


def _put_new_labels(connection: Connection, told: Sequence[Told]) -> None:
    """Keep labels beyond the paper's own, by the name that they are met with first."""
    known = {one.id for one in queries.labels(connection)}
    found = {
        label.label_id: LabelRecord(label.label_id, label.name)
        for one in told
        for label in reversed(one.record.labels)
        if label.label_id is not None and label.name is not None and label.label_id not in known
    }
    queries.put_labels(connection, (found[label_id] for label_id in sorted(found)))


def _write_crop_issues(
    connection: Connection, told: Sequence[Told], issues: Sequence[tuple[Told, Issue]], *, now: datetime
) -> None:
    for source_id in sorted({one.source_id for one in told}):
        found = {
            one.document_key: _import_issues(
                source_id, one.document_key, (issue for about, issue in issues if about is one)
            )
            for one in told
            if one.source_id == source_id
        }
        queries.replace_issues(connection, source_id, found, OF_CROPS, now=now)

"""Foreign documents: where they came from, how they were, and what is odd about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Select, delete, func, insert, literal, select, update

from catalog.queries.rows import batches, put_named, put_rows
from catalog.records import EarlierDocument, ImportKind, ImportSource, SourceDocument
from catalog.tables import (
    UtcText,
    crop,
    crop_document,
    earlier_document,
    evaluation,
    import_issue,
    import_source,
    source_document,
)

_T = TypeVar("_T")
_AT_ONCE = 500
"""Keys or numbers in one statement."""


class KnownDocument(NamedTuple):
    """What the catalog has of one document."""

    id: int
    hash: bytes
    pass_number: int


def find_import_source(connection: Connection, kind: ImportKind, place: str, collection: str) -> ImportSource | None:
    """Return what is known of a source; None where nothing was ever imported from it."""
    t = import_source.c
    wanted = (t.kind == kind, t.place == place, t.collection == collection)
    row = connection.execute(select(import_source).where(*wanted)).mappings().one_or_none()
    return None if row is None else _source(row)


def put_import_source(connection: Connection, record: ImportSource) -> int:
    """Keep what is known of a source, instead of what was known before; return its id."""
    return put_named(connection, import_source, record, by=("kind", "place", "collection"))


def put_import_progress(connection: Connection, source_id: int, *, resume_after: str | None, documents: int) -> None:
    """Keep how far the pass over a source is."""
    values = {"resume_after": resume_after, "documents": documents}
    connection.execute(update(import_source).where(import_source.c.id == source_id).values(values))


def end_import(connection: Connection, source_id: int, *, now: datetime) -> None:
    """Keep that the pass over a source came to its end."""
    values = {"resume_after": None, "finished_at": now}
    connection.execute(update(import_source).where(import_source.c.id == source_id).values(values))


def import_sources(connection: Connection) -> tuple[ImportSource, ...]:
    """Return all sources, by kind, place and collection."""
    t = import_source.c
    rows = connection.execute(select(import_source).order_by(t.kind, t.place, t.collection)).mappings()
    return tuple(map(_source, rows))


def known_documents(connection: Connection, source_id: int, keys: Iterable[str]) -> dict[str, KnownDocument]:
    """Return those of the documents that the catalog has, by key."""
    t = source_document.c
    found = {}
    for some in in_parts(keys):
        query = select(t.document_key, t.id, t.hash, t.pass_number).where(
            t.source_id == source_id, t.document_key.in_(some)
        )
        found.update({key: KnownDocument(*rest) for key, *rest in connection.execute(query)})
    return found


def next_document_id(connection: Connection) -> int:
    """Return the first id that no document has; it stays free as long as the write transaction lasts."""
    return int(connection.execute(select(func.coalesce(func.max(source_document.c.id), 0))).scalar_one()) + 1


def put_source_documents(connection: Connection, records: Iterable[SourceDocument]) -> None:
    """Keep documents as they are, each under the id that its record has."""
    put_rows(connection, source_document, map(_document_row, records))


def source_documents(connection: Connection, ids: Iterable[int]) -> tuple[SourceDocument, ...]:
    """Return documents, in the order of their ids."""
    t = source_document.c
    return tuple(
        SourceDocument(**row)
        for some in in_parts(sorted(ids))
        for row in connection.execute(select(source_document).where(t.id.in_(some)).order_by(t.id)).mappings()
    )


def see_documents(connection: Connection, ids: Iterable[int], pass_number: int) -> None:
    """Keep that documents were seen in this pass, as they were; what a later pass saw stays so."""
    t = source_document.c
    for some in in_parts(ids):
        older = (t.id.in_(some), t.pass_number < pass_number)
        connection.execute(update(source_document).where(*older).values(pass_number=pass_number))


def keep_earlier(connection: Connection, ids: Iterable[int], *, reason: str, now: datetime) -> None:
    """Keep how documents are now, before they change or are dropped."""
    t = source_document.c
    names = ["source_id", "document_key", "hash", "body", "replaced_at", "reason"]
    for some in in_parts(ids):
        values = (
            select(t.source_id, t.document_key, t.hash, t.body, literal(now, UtcText), literal(reason))
            .where(t.id.in_(some))
            .order_by(t.id)
        )
        connection.execute(insert(earlier_document).from_select(names, values))


def earlier_documents(connection: Connection, source_id: int, document_key: str) -> tuple[EarlierDocument, ...]:
    """Return how one document was, the oldest first."""
    t = earlier_document.c
    query = select(earlier_document).where(t.source_id == source_id, t.document_key == document_key).order_by(t.id)
    rows = connection.execute(query).mappings()
    return tuple(EarlierDocument(**{name: value for name, value in row.items() if name != "id"}) for row in rows)


def drop_documents(connection: Connection, ids: Iterable[int]) -> None:
    """Delete documents, what was made of them alone, and what was odd about them."""
    t = source_document.c
    for some in in_parts(ids):
        keys = connection.execute(select(t.source_id, t.document_key).where(t.id.in_(some))).all()
        for source_id in sorted({one for one, _ in keys}):
            of_source = [key for one, key in keys if one == source_id]
            connection.execute(
                delete(import_issue).where(
                    import_issue.c.source_id == source_id, import_issue.c.document_key.in_(of_source)
                )
            )
        connection.execute(delete(crop_document).where(crop_document.c.document_id.in_(some)))
        connection.execute(delete(source_document).where(t.id.in_(some)))


def count_vanished(connection: Connection, source_id: int, pass_number: int) -> int:
    """Return how many documents of a source were not seen in this pass."""
    query = _vanished(func.count(), source_id=source_id, pass_number=pass_number)
    return int(connection.execute(query).scalar_one())


def vanished_documents(connection: Connection, source_id: int, pass_number: int, *, limit: int) -> tuple[int, ...]:
    """Return the ids of documents of a source that were not seen in this pass, at most `limit`, in their order."""
    query = _vanished(source_document.c.id, source_id=source_id, pass_number=pass_number)
    return tuple(connection.execute(query.order_by(source_document.c.id).limit(limit)).scalars())


def _vanished(what: Any, *, source_id: int, pass_number: int) -> Select[Any]:
    t = source_document.c
    return select(what).where(t.source_id == source_id, t.pass_number < pass_number)


def imported_datasets(connection: Connection) -> tuple[tuple[int, str, str, int], ...]:
    """Return the datasets that documents are about: source, field that says so, dataset and how many documents."""
    t = source_document.c
    of_crops = (
        select(t.source_id, literal("dataset_id"), crop.c.dataset, func.count())
        .join(crop_document, crop_document.c.document_id == t.id)
        .join(crop, crop.c.id == crop_document.c.crop_id)
        .where(crop.c.dataset.is_not(None))
        .group_by(t.source_id, crop.c.dataset)
    )
    of_evaluations = (
        select(t.source_id, literal("parent_dataset_id"), evaluation.c.parent_dataset_id, func.count())
        .join(evaluation, evaluation.c.document_id == t.id)
        .where(evaluation.c.parent_dataset_id.is_not(None))
        .group_by(t.source_id, evaluation.c.parent_dataset_id)
    )
    rows = [tuple(row) for query in (of_crops, of_evaluations) for row in connection.execute(query)]
    return tuple((source_id, field, dataset, n) for source_id, field, dataset, n in sorted(rows))


def _source(row: Mapping[Any, Any]) -> ImportSource:
    return ImportSource(**{**row, "kind": ImportKind(row["kind"])})


def _document_row(record: SourceDocument) -> tuple[Any, ...]:
    return (
        record.id,
        record.source_id,
        record.document_key,
        record.hash,
        record.body,
        record.pass_number,
        _stored(record.first_seen_at),
        _stored(record.changed_at),
    )


@lru_cache(maxsize=2)
def _stored(moment: datetime) -> str:
    return str(moment.astimezone(UTC).isoformat(timespec="microseconds"))


def in_parts(values: Iterable[_T]) -> Iterator[list[_T]]:
    """Return values in lists, each short enough for one statement."""
    return batches(values, _AT_ONCE)

"""What documents and manifests say of the data, each with its source."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from catalog.queries.rows import starts_with, upsert
from catalog.records import AnnotationRecord, FactRecord, ManifestRecord
from catalog.tables import annotation, fact, manifest


def put_facts(connection: Connection, dataset: str, sources: str, records: Iterable[FactRecord]) -> None:
    """Keep what the documents of one place say of a dataset, instead of what they said before.

    Parameters
    ----------
    sources
        Beginning of the sources that were read now, all of them: what none of them says any more is forgotten.
    """
    t = fact.c
    connection.execute(delete(fact).where(t.dataset == dataset, starts_with(t.source, sources)))
    for record in records:
        values = {column.name: getattr(record, column.name) for column in fact.columns}
        connection.execute(upsert(fact, connection.dialect), values)


def facts(connection: Connection, dataset: str | None = None) -> tuple[FactRecord, ...]:
    """Return what is said of one dataset, or of all, by dataset, name and source."""
    query = select(fact).order_by(fact.c.dataset, fact.c.name, fact.c.source)
    if dataset is not None:
        query = query.where(fact.c.dataset == dataset)
    return tuple(FactRecord(**row) for row in connection.execute(query).mappings())


def put_manifest(connection: Connection, record: ManifestRecord, annotations: Iterable[AnnotationRecord]) -> int:
    """Keep a manifest and what it says of volumes, instead of the dataset's manifest before; return its id.

    Parameters
    ----------
    annotations
        Their `manifest_id` is not looked at.
    """
    connection.execute(delete(manifest).where(manifest.c.dataset == record.dataset))
    values = {column.name: getattr(record, column.name) for column in manifest.columns if column.name != "id"}
    connection.execute(insert(manifest), values)
    query = select(manifest.c.id).where(manifest.c.dataset == record.dataset)
    manifest_id = int(connection.execute(query).scalar_one())
    names = [column.name for column in annotation.columns if column.name not in {"id", "manifest_id"}]
    rows = [{"manifest_id": manifest_id, **{name: getattr(one, name) for name in names}} for one in annotations]
    if rows:
        connection.execute(insert(annotation), rows)
    return manifest_id


def manifests(connection: Connection, dataset: str | None = None) -> tuple[ManifestRecord, ...]:
    """Return the imported manifests, or that of one dataset, by dataset."""
    query = select(manifest).order_by(manifest.c.dataset)
    if dataset is not None:
        query = query.where(manifest.c.dataset == dataset)
    return tuple(ManifestRecord(**row) for row in connection.execute(query).mappings())


def annotations_below(connection: Connection, bucket_url: str, prefix: str) -> tuple[AnnotationRecord, ...]:
    """Return what manifests say of the volumes below a full key prefix of one bucket, by prefix."""
    t = annotation.c
    query = select(annotation).where(t.bucket_url == bucket_url, starts_with(t.prefix, prefix)).order_by(t.prefix, t.id)
    return tuple(AnnotationRecord(**row) for row in connection.execute(query).mappings())

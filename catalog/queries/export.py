"""The rows of whole tables, as an export writes them: streamed, of all datasets or of some."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, false, or_, select, tuple_, type_coerce

from catalog.queries.overview import bucket_datasets
from catalog.queries.rows import starts_with, stream
from catalog.tables import (
    JsonText,
    UtcText,
    bucket,
    class_crop,
    crop,
    crop_document,
    evaluation,
    fact,
    manifest,
    metadata,
    source_document,
)
from catalog.tables import dataset as dataset_table
from catalog.tables import run as run_table

BLOCK_TABLES = frozenset({"listed_block", "mirrored_block"})
"""Those with a row for each block."""

_OWNERS = ("dataset_id", "container_id", "array_id", "shard_id", "manifest_id", "crop_id")
"""Foreign keys that say to which dataset a row belongs, where neither name nor place does."""


def table_rows(connection: Connection, table: str, datasets: Collection[str] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield all rows of a table as they are stored, in the order of its key; some thousands in memory at a time.

    Times and JSON are the stored texts; a boolean may be 0 or 1.

    Parameters
    ----------
    datasets
        Only what belongs to these, in any bucket; none given: all. Buckets and the share belong to all.
    """
    known = metadata.tables[table]
    columns = (
        type_coerce(column, Text).label(column.name) if isinstance(column.type, (JsonText, UtcText)) else column
        for column in known.columns
    )
    query = select(*columns).order_by(*known.primary_key)
    if datasets:
        condition = _belongs(known, sorted(datasets), _prefixes(connection, datasets))
        if condition is not None:
            query = query.where(condition)
    return stream(connection, query)


def all_dataset_names(connection: Connection) -> frozenset[str]:
    """Return the datasets of which the catalog knows anything, in whatever bucket."""
    names = set(bucket_datasets(connection))
    for column in (fact.c.dataset, manifest.c.dataset, crop.c.dataset, class_crop.c.dataset):
        names.update(connection.execute(select(column).where(column.is_not(None)).distinct()).scalars())
    return frozenset(names)


def _prefixes(connection: Connection, datasets: Collection[str]) -> dict[int, tuple[str, ...]]:
    """Return by bucket the full key prefixes of the datasets' folders."""
    prefixes = {}
    for number, url in connection.execute(select(bucket.c.id, bucket.c.url)):
        folder = url.partition("://")[2].partition("/")[2].strip("/")
        root = f"{folder}/" if folder else ""
        prefixes[number] = tuple(f"{root}{name}/" for name in sorted(datasets))
    return prefixes


def _belongs(table: Table, names: list[str], prefixes: dict[int, tuple[str, ...]]) -> ColumnElement[bool] | None:
    """Return the condition that a row belongs to the datasets; None where rows belong to no dataset."""
    columns = table.c
    if table is run_table:
        quoted = (type_coerce(columns.datasets, Text).contains(f'"{name}"', autoescape=True) for name in names)
        return or_(*quoted)
    if table is dataset_table:
        return columns.name.in_(names)
    if table is evaluation or "document_key" in columns:
        return _says_of(table, names)
    if "dataset" in columns:
        return columns.dataset.in_(names)
    place = columns.get("key", columns.get("prefix"))
    if "bucket_id" in columns and place is not None:
        below = [
            (columns.bucket_id == number) & starts_with(place, prefix)
            for number, some in prefixes.items()
            for prefix in some
        ]
        return or_(false(), *below)
    for name in _OWNERS:
        if name in columns:
            owner = next(iter(columns[name].foreign_keys)).column.table
            condition = _belongs(owner, names, prefixes)
            return None if condition is None else columns[name].in_(select(owner.c.id).where(condition))
    return None


def _says_of(table: Table, names: list[str]) -> ColumnElement[bool]:
    """Return the condition that an evaluation, a document or what is known of one is about the datasets."""
    of_crops = select(crop.c.number).where(crop.c.dataset.in_(names))
    # An evaluation's own `dataset` is an array in the file of predictions.
    is_about = evaluation.c.parent_dataset_id.in_(names) | (
        evaluation.c.parent_dataset_id.is_(None) & evaluation.c.crop.in_(of_crops)
    )
    if table is evaluation:
        return is_about
    t = source_document.c
    linked = select(crop_document.c.document_id).join(crop).where(crop.c.dataset.in_(names))
    has_said = t.id.in_(linked) | t.id.in_(select(evaluation.c.document_id).where(is_about))
    if table is source_document:
        return has_said
    named = select(t.source_id, t.document_key).where(has_said)
    return tuple_(table.c.source_id, table.c.document_key).in_(named)

"""The rows of whole tables, as an export writes them: streamed, of all datasets or of some."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, false, or_, select, type_coerce

from catalog.queries.overview import dataset_names
from catalog.queries.rows import starts_with, stream
from catalog.tables import JsonText, UtcText, bucket, fact, manifest, metadata
from catalog.tables import dataset as dataset_table
from catalog.tables import run as run_table

BLOCK_TABLES = frozenset({"listed_block", "mirrored_block"})
"""Those with a row for each block."""

_OWNERS = ("dataset_id", "container_id", "array_id", "shard_id", "manifest_id")
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
    buckets = connection.execute(select(bucket.c.id)).scalars().all()
    names = {name for number in buckets for name in dataset_names(connection, number)}
    for column in (dataset_table.c.name, fact.c.dataset, manifest.c.dataset):
        names.update(connection.execute(select(column).distinct()).scalars())
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

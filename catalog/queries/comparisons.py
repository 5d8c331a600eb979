"""Answers of `diff-buckets`, kept so that the same question later tells what changed since."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, insert, select

from catalog.records import ComparisonRecord
from catalog.tables import comparison

KEPT_COMPARISONS = 20
"""Of each dataset and question."""


def put_comparison(connection: Connection, record: ComparisonRecord) -> None:
    """Keep an answer. One from the very listings of the one before replaces it: nothing changed in between."""
    t = comparison.c
    before = newest_comparison(connection, record.dataset, record.question)
    if before is not None and _listings(before) == _listings(record):
        connection.execute(delete(comparison).where(t.id == before.id))
    values = {column.name: getattr(record, column.name) for column in comparison.columns if column.name != "id"}
    connection.execute(insert(comparison), values)
    ids = select(t.id).where(*_same(record.dataset, record.question)).order_by(t.id.desc()).offset(KEPT_COMPARISONS)
    superfluous = connection.execute(ids.limit(KEPT_COMPARISONS)).scalars().all()
    if superfluous:
        connection.execute(delete(comparison).where(t.id.in_(superfluous)))


def newest_comparison(
    connection: Connection, dataset: str, question: Any, *, other_than: tuple[int | None, int | None] | None = None
) -> ComparisonRecord | None:
    """Return the newest answer to a question about a dataset, or None.

    Parameters
    ----------
    other_than
        Listings of A and B whose answer is not meant.
    """
    query = select(comparison).where(*_same(dataset, question)).order_by(comparison.c.id.desc())
    for row in connection.execute(query).mappings():
        record = ComparisonRecord(**row)
        if _listings(record) != other_than:
            return record
    return None


def _same(dataset: str, question: Any) -> tuple[Any, Any]:
    return comparison.c.dataset == dataset, comparison.c.question == question


def _listings(record: ComparisonRecord) -> tuple[int | None, int | None]:
    return record.a_snapshot_id, record.b_snapshot_id

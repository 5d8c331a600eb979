"""What is odd about foreign documents: kept from the time it is first seen to the time it is seen no more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from catalog.queries.imports import in_parts
from catalog.records import ImportIssue
from catalog.tables import import_issue


def replace_issues(
    connection: Connection,
    source_id: int,
    found: Mapping[str, Sequence[ImportIssue]],
    codes: Collection[str],
    *,
    now: datetime,
) -> None:
    """Keep what is odd about documents, instead of what was odd about them before; what stays odd keeps its date.

    Parameters
    ----------
    found
        By key; a document about which nothing is odd any more has an empty list.
    codes
        Only issues with these codes are looked at, and may be in `found`.
    """
    before = {
        (one.document_key, one.code, one.field): one for one in _issues_of(connection, source_id, list(found), codes)
    }
    now_found = {(one.document_key, one.code, one.field): one for some in found.values() for one in some}
    t = import_issue.c
    for named in before.keys() - now_found.keys():
        connection.execute(delete(import_issue).where(*_is_named(source_id, named)))
    for named in sorted(before.keys() & now_found.keys()):
        one = now_found[named]
        if (one.expected, one.found) != (before[named].expected, before[named].found):
            changed = update(import_issue).where(*_is_named(source_id, named))
            connection.execute(changed.values({t.expected: one.expected, t.found: one.found}))
    new = [
        {
            "source_id": source_id,
            "document_key": one.document_key,
            "code": one.code,
            "field": one.field,
            "expected": one.expected,
            "found": one.found,
            "first_seen_at": now,
        }
        for named, one in now_found.items()
        if named not in before
    ]
    for some in in_parts(new):
        connection.execute(insert(import_issue), some)


def issue_keys(connection: Connection, source_id: int, code: str) -> frozenset[str]:
    """Return the keys of a source's documents that have an issue with this code."""
    t = import_issue.c
    query = select(t.document_key).where(t.source_id == source_id, t.code == code).distinct()
    return frozenset(connection.execute(query).scalars())


def import_issues(
    connection: Connection, *, source_id: int | None = None, document_keys: Collection[str] | None = None
) -> tuple[ImportIssue, ...]:
    """Return what is odd about documents, by source, document, code and field."""
    t = import_issue.c
    query = select(import_issue).order_by(t.source_id, t.document_key, t.code, t.field)
    if source_id is not None:
        query = query.where(t.source_id == source_id)
    if document_keys is not None:
        query = query.where(t.document_key.in_(sorted(document_keys)))
    return tuple(_issue(row) for row in connection.execute(query).mappings())


def count_issues(connection: Connection, source_id: int) -> dict[str, int]:
    """Return how many issues of each code a source's documents have."""
    t = import_issue.c
    query = select(t.code, func.count().label("n")).where(t.source_id == source_id).group_by(t.code).order_by(t.code)
    return {row.code: row.n for row in connection.execute(query)}


def _issues_of(
    connection: Connection, source_id: int, keys: Sequence[str], codes: Collection[str]
) -> Iterator[ImportIssue]:
    t = import_issue.c
    for some in in_parts(keys):
        query = select(import_issue).where(
            t.source_id == source_id, t.document_key.in_(some), t.code.in_(sorted(codes))
        )
        yield from (_issue(row) for row in connection.execute(query).mappings())


def _is_named(source_id: int, named: tuple[str, str, str]) -> tuple[Any, ...]:
    t = import_issue.c
    key, code, field = named
    return t.source_id == source_id, t.document_key == key, t.code == code, t.field == field


def _issue(row: Mapping[Any, Any]) -> ImportIssue:
    return ImportIssue(**{name: value for name, value in row.items() if name != "id"})

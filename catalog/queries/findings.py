"""What is odd about the data: kept once, from the time it is first seen to the time it is seen no more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from catalog.records import FindingRecord
from catalog.tables import finding


def put_findings(
    connection: Connection,
    bucket_id: int,
    dataset: str,
    origin: str,
    records: Iterable[FindingRecord],
    *,
    now: datetime,
) -> None:
    """Keep what one look at a dataset found odd: new findings open, those that it did not find again close.

    A finding that comes back opens anew, as another one.
    """
    seen = {_named(record): record for record in records}
    known = {_named(record): record for record in _open(connection, bucket_id, dataset, origin)}
    for name, record in known.items():
        if name not in seen:
            connection.execute(update(finding).where(finding.c.id == record.id).values(closed_at=now))
    new = [
        {
            "bucket_id": bucket_id,
            "dataset": dataset,
            "origin": origin,
            "severity": record.severity,
            "code": record.code,
            "place": record.place,
            "expected": record.expected,
            "found": record.found,
            "first_seen_at": now,
        }
        for name, record in seen.items()
        if name not in known
    ]
    if new:
        connection.execute(insert(finding), new)


def findings(
    connection: Connection,
    *,
    bucket_id: int | None = None,
    dataset: str | None = None,
    with_closed: bool = False,
) -> tuple[FindingRecord, ...]:
    """Return the findings, of one bucket or dataset where given, in the order they were first seen.

    Parameters
    ----------
    with_closed
        Those that are over as well.
    """
    wanted = {"bucket_id": bucket_id, "dataset": dataset}
    conditions: list[Any] = [finding.c[name] == value for name, value in wanted.items() if value is not None]
    if not with_closed:
        conditions.append(finding.c.closed_at.is_(None))
    rows = connection.execute(select(finding).where(*conditions).order_by(finding.c.id)).mappings()
    return tuple(FindingRecord(**row) for row in rows)


def _open(connection: Connection, bucket_id: int, dataset: str, origin: str) -> tuple[FindingRecord, ...]:
    of_dataset = findings(connection, bucket_id=bucket_id, dataset=dataset)
    return tuple(record for record in of_dataset if record.origin == origin)


def _named(record: FindingRecord) -> tuple[str, ...]:
    return record.severity, record.code, record.place, record.expected, record.found

"""What a look at a dataset found odd, written into the catalog."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import FindingRecord
from mirror.formats.layout import Finding

if TYPE_CHECKING:
    from sqlalchemy import Connection


def put_findings(
    connection: Connection, bucket_id: int, dataset: str, origin: str, found: Iterable[Finding], *, now: datetime
) -> None:
    """Write what one look at a dataset found odd, instead of what the same look found before."""
    records = [
        FindingRecord(
            bucket_id=bucket_id,
            dataset=dataset,
            origin=origin,
            severity=one.severity.value,
            code=one.code.value,
            place=one.place,
            expected=one.expected,
            found=one.found,
        )
        for one in found
    ]
    queries.put_findings(connection, bucket_id, dataset, origin, records, now=now)

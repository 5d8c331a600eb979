"""What changed upstream."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from catalog import queries
from catalog.records import ChangeKind, ChangeRecord, Count
from tests.catalog import builders
from tests.catalog.builders import CONTAINER, DATASET


def test_changes_come_back_by_run_and_dataset(connection: Connection, bucket: int) -> None:
    """Sums by folder and kind are read back as they were put; putting them again changes nothing."""
    run = builders.start_run(connection, bucket)
    new = ChangeRecord(run, bucket, DATASET, CONTAINER, ChangeKind.NEW, Count(3, 30), f"{CONTAINER}1/2/3")
    gone = replace(new, kind=ChangeKind.VANISHED, changed=Count(1, 5))
    for _ in range(2):
        queries.put_changes(connection, [gone, new])
    assert queries.changes(connection) == (new, gone)
    assert queries.changes(connection, run_id=run, dataset=DATASET) == (new, gone)
    assert queries.changes(connection, run_id=run + 1) == ()

"""What changed upstream from one listing to the next, summed by folder: kept when the older listing goes."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from catalog.queries.rows import put_rows
from catalog.records import ChangeKind, ChangeRecord, Count
from catalog.tables import change


def put_changes(connection: Connection, records: Iterable[ChangeRecord]) -> None:
    """Keep what a run found changed; an equal key replaces."""
    put_rows(connection, change, map(_row, records))


def changes(
    connection: Connection, *, run_id: int | None = None, bucket_id: int | None = None, dataset: str | None = None
) -> tuple[ChangeRecord, ...]:
    """Return what changed, of one run, bucket or dataset where given, by run, prefix and kind."""
    wanted = {"run_id": run_id, "bucket_id": bucket_id, "dataset": dataset}
    conditions = [change.c[name] == value for name, value in wanted.items() if value is not None]
    query = select(change).where(*conditions).order_by(change.c.run_id, change.c.prefix, change.c.kind)
    records = []
    for row in connection.execute(query).mappings():
        values = {**row, "kind": ChangeKind(row["kind"]), "changed": Count(row["objects"], row["bytes"])}
        del values["objects"], values["bytes"]
        records.append(ChangeRecord(**values))
    return tuple(records)


def _row(record: ChangeRecord) -> tuple[object, ...]:
    values = {"kind": record.kind.value, "objects": record.changed.objects, "bytes": record.changed.bytes}
    return tuple(values.get(column.name, getattr(record, column.name, None)) for column in change.columns)

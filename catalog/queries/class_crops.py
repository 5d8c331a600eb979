"""Rows of cellmap tables: where the ground truth of each class of each crop lies in bucket A's world."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from catalog.records import ClassCrop
from catalog.tables import class_crop


def class_crops(
    connection: Connection, *, number: str | None = None, dataset: str | None = None, source_id: int | None = None
) -> tuple[ClassCrop, ...]:
    """Return rows, of one number, dataset or source where given, by number, dataset and class.

    Of one class of one crop in several tables the one that was first imported last comes first.
    """
    t = class_crop.c
    wanted: dict[Any, object] = {t.number: number, t.dataset: dataset, t.source_id: source_id}
    query = (
        select(class_crop)
        .where(*(column == value for column, value in wanted.items() if value is not None))
        .order_by(t.number, t.dataset, t.class_label, t.source_id.desc())
    )
    return tuple(map(_record, connection.execute(query).mappings()))


def replace_class_crops(connection: Connection, source_id: int, records: Iterable[ClassCrop]) -> None:
    """Keep the rows of a table instead of those that it had before; their `source_id` is not looked at."""
    connection.execute(delete(class_crop).where(class_crop.c.source_id == source_id))
    names = [column.name for column in class_crop.columns if column.name != "source_id"]
    rows = [{"source_id": source_id, **{name: getattr(one, name) for name in names}} for one in records]
    if rows:
        connection.execute(insert(class_crop), rows)


def _record(row: Mapping[Any, Any]) -> ClassCrop:
    values: dict[Any, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return ClassCrop(**values)

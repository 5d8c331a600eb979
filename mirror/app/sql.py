"""`oomirror catalog sql`: one query of the user's own, which can only read."""

from __future__ import annotations

from typing import Any

from catalog import queries
from catalog.columns import column_notes
from mirror.app.reading import catalog_for_reading
from mirror.config import Settings
from mirror.report.model import ColumnLine, SqlReport


def run_query(settings: Settings, sql: str, *, limit: int) -> SqlReport:
    """Return the first rows of the query. Nothing is written, whatever it says.

    Raises
    ------
    QueryError
        It is no query, or more than one, or would do more than read.
    CatalogError
        There is no catalog, or it cannot be read.
    """
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        answer = queries.run_query(connection, sql, limit=limit)
    rows: Any = answer.rows
    return SqlReport(columns=answer.columns, rows=rows, has_more=answer.has_more)


def column_lines() -> tuple[ColumnLine, ...]:
    """Return a line for each column of the catalog, by table. Needs no catalog."""
    return tuple(
        ColumnLine(table=note.table, column=note.name, type=note.type, unit=note.unit, meaning=note.meaning)
        for note in column_notes()
    )

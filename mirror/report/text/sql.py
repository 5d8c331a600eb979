"""`oomirror catalog sql` as text."""

from __future__ import annotations

from collections.abc import Sequence

from mirror.report.model import ColumnLine, SqlReport
from mirror.report.text.table import render_table, shorten

_WIDEST_CELL = 60


def render_rows(report: SqlReport, *, width: int | None = None) -> str:
    """Return a table of what a query gave; on a terminal, cells of more than 60 characters are cut."""
    if not report.rows:
        return f"No rows. Columns: {', '.join(report.columns)}."
    numbers = {
        number
        for number, column in enumerate(zip(*report.rows, strict=True))
        if all(isinstance(cell, (int, float)) or cell is None for cell in column)
    }
    words = set(range(len(report.columns))) - numbers
    rows = [[_cell(cell, width) for cell in row] for row in report.rows]
    return render_table(report.columns, rows, words=words, width=width)


def _cell(value: object, width: int | None) -> str:
    text = "" if value is None else str(value)
    return text if width is None else shorten(text, _WIDEST_CELL)


def render_columns(lines: Sequence[ColumnLine], *, width: int | None = None) -> str:
    """Return a table of the catalog's columns."""
    rows = [(f"{line.table}.{line.column}", line.type, _meaning(line)) for line in lines]
    return render_table(("column", "type", "meaning"), rows, words=(0, 1, 2), width=width)


def _meaning(line: ColumnLine) -> str:
    return f"{line.meaning} [{line.unit}]" if line.unit else line.meaning

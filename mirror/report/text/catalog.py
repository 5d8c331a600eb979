"""What `oomirror catalog` lists, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from mirror.report.model import ColumnLine, ExportedTable, ExportReport, FoundLine, SqlReport
from mirror.report.numbers import Units, format_bytes, format_count, plural
from mirror.report.text.table import render_table, shorten


def render_found(lines: Sequence[FoundLine], *, width: int | None = None) -> str:
    """Return a table of what a search found."""
    if not lines:
        return "Nothing has all these words."
    rows = [(line.place, line.bucket, line.title) for line in lines]
    return render_table(("place", "bucket", "what"), rows, words=(0, 1, 2), width=width)


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


def render_exported_table(one: ExportedTable, *, units: Units = Units.SI) -> str:
    """Return a line about a table that was written."""
    return f"{one.file}: {plural(one.rows, 'row')}, {format_bytes(one.bytes, units)}"


def render_export(report: ExportReport, *, units: Units = Units.SI) -> str:
    """Return what an export wrote."""
    n_rows, n_bytes = sum(one.rows for one in report.tables), sum(one.bytes for one in report.tables)
    words = {"parquet": "Parquet", "csv": "CSV"}[report.format]
    text = (
        f"{plural(len(report.tables), 'table')} as {words}, {format_count(n_rows)} rows, {format_bytes(n_bytes, units)}"
        f"; {plural(len(report.manifests), 'manifest')} as imported. In {report.folder};"
        " schema.json there says what each column means."
    )
    if report.left_over:
        text += f"\n{plural(len(report.left_over), 'file')} of an earlier export stayed there; schema.json names them."
    return text

"""`oomirror catalog export` as text."""

from __future__ import annotations

from mirror.report.model import ExportedTable, ExportReport
from mirror.report.numbers import Units, format_bytes, format_count, plural


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

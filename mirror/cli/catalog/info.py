"""`oomirror catalog info`."""

from __future__ import annotations

from mirror.cli import options
from mirror.report.numbers import Units


def info(
    *,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """Show where the catalog is, how large its tables are, which listings it keeps, and how it grows.

    Rows and sizes of a SQLite catalog of up to 1 GB are exact; larger ones, and PostgreSQL's rows, are estimates and
    marked so. The CSV has the tables.
    """
    from datetime import UTC, datetime

    from mirror.app.growth import catalog_info
    from mirror.cli.output import put_listing, put_result, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.json import document
    from mirror.report.text.upkeep import render_info
    from mirror.report.upkeep import TableLine

    report = catalog_info(load_settings(config))
    if as_json and not as_csv:
        put_result(document(report))
    else:
        now = datetime.now(UTC)
        put_listing(
            TableLine,
            report.tables,
            lambda: render_info(report, now=now, units=units, width=result_width()),
            as_json=as_json,
            as_csv=as_csv,
        )
    return ExitCode.DONE

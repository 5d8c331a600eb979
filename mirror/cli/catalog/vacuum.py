"""`oomirror catalog vacuum`."""

from __future__ import annotations

from mirror.cli import options
from mirror.report.numbers import Units


def vacuum(
    *,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """Drop what killed runs left in the catalog, and write it anew without gaps. Needed only after much was dropped.

    A SQLite catalog needs room for two copies (exit 5 without), no run that goes on and no other writer (exit 1);
    commands that read go on. On PostgreSQL all go on. Killed in the middle, it leaves the catalog as it was.
    """
    from mirror.app.growth import vacuum_catalog
    from mirror.cli.output import put_listing, put_result
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.json import document
    from mirror.report.text.upkeep import render_vacuumed
    from mirror.report.upkeep import CatalogVacuumed

    report = vacuum_catalog(load_settings(config))
    if as_json and not as_csv:
        put_result(document(report))
    else:
        put_listing(
            CatalogVacuumed,
            [report],
            lambda: render_vacuumed(report, units=units),
            as_json=as_json,
            as_csv=as_csv,
        )
    return ExitCode.DONE

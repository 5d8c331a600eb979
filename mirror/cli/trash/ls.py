"""`oomirror trash ls`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.report.numbers import Units


def ls(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Show the files of this run.", show_default="all runs")
    ] = None,
    *,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """Show what lies in the share's trash, run by run. Needs no catalog; writes nothing."""
    from mirror.app.trash import list_trash, list_trashed_files
    from mirror.app.workplace import utc_now
    from mirror.cli.output import put_listing, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.text.trash import render_trash, render_trashed_files
    from mirror.report.trash import TrashedFile, TrashLine

    settings = load_settings(config)
    if run is not None:
        files = list_trashed_files(settings, run)
        put_listing(
            TrashedFile, files, lambda: render_trashed_files(files, units=units), as_json=as_json, as_csv=as_csv
        )
        return ExitCode.DONE
    lines = list_trash(settings)
    put_listing(
        TrashLine,
        lines,
        lambda: render_trash(lines, now=utc_now(), units=units, width=result_width()) if lines else "It is empty.",
        as_json=as_json,
        as_csv=as_csv,
    )
    return ExitCode.DONE

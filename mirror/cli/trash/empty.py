"""`oomirror trash empty`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.report.numbers import Units


def empty(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Only the trash of this run.", show_default="of all runs")
    ] = None,
    *,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="T", help="Only of runs of before that, as 30d.", show_default="any"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. Needed where there is no terminal.")] = False,
    config: options.Config = None,
    as_json: options.Json = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """Remove for good what lies in the share's trash. That of a run that goes on is left."""
    from mirror.app.trash import empty as run_empty
    from mirror.cli.confirm import Removal
    from mirror.cli.output import put_result
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.quantities import parse_duration
    from mirror.report.json import document
    from mirror.report.text.trash import render_emptied

    removal = Removal(yes=yes, units=units)
    seconds = parse_duration(older_than, "--older-than") if older_than is not None else None
    report = run_empty(load_settings(config), run, older_than_seconds=seconds, confirm=removal)
    put_result(document(report) if as_json else render_emptied(report, units=units))
    return ExitCode.FAILED if removal.is_refused else ExitCode.DONE

"""`oomirror catalog issues`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def issues(
    *,
    code: Annotated[
        str | None, typer.Option("--code", metavar="CODE", help="Only of this code.", show_default="all")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            help="Only of these documents: crops, evaluations, class-crops.",
            show_default="all",
        ),
    ] = None,
    severity: Annotated[
        str | None,
        typer.Option("--severity", metavar="WORD", help="Only of this severity: note, warning.", show_default="all"),
    ] = None,
    limit: options.Limit = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """List what is odd about the documents that were imported: what was expected, what was found, since when."""
    from mirror.app.crops.issues import list_issues
    from mirror.cli.output import put_listing, result_width, upto
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.crops import IssueLine
    from mirror.report.text.crops import render_issues

    lines = upto(limit, list_issues(load_settings(config), code=code, kind=kind, severity=severity))
    put_listing(IssueLine, lines, lambda: render_issues(lines, width=result_width()), as_json=as_json, as_csv=as_csv)
    return ExitCode.DONE

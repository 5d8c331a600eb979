"""`oomirror catalog findings`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def findings(
    dataset: options.DatasetIfAny = None,
    *,
    bucket: options.BucketAll = None,
    severity: Annotated[
        str | None,
        typer.Option("--severity", metavar="WORD", help="Only of this severity: note, warning.", show_default="all"),
    ] = None,
    closed: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    limit: options.Limit = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """List what is odd about the data, in metadata and manifests: what was expected, what was found, since when."""
    from datetime import UTC, datetime

    from mirror.app.listings import list_findings
    from mirror.cli.output import put_listing, result_width, upto
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import FindingLine
    from mirror.report.text.catalog import render_findings

    settings, now = load_settings(config), datetime.now(UTC)
    lines = upto(limit, list_findings(settings, dataset, bucket=bucket, severity=severity, with_closed=closed))
    put_listing(
        FindingLine,
        lines,
        lambda: render_findings(lines, now=now, width=result_width()),
        as_json=as_json,
        as_csv=as_csv,
    )
    return ExitCode.DONE

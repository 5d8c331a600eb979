"""`oomirror catalog runs`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.report.numbers import Units


def runs(
    dataset: options.DatasetIfAny = None,
    *,
    bucket: options.BucketAll = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Show at most so many.")] = 20,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """List the runs of `sync`, `scan` and `adopt`, the newest first: what each moved, and how it ended."""
    from datetime import UTC, datetime

    from mirror.app.listings import list_runs
    from mirror.cli.output import put_listing, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import RunLine
    from mirror.report.text.catalog import render_runs

    lines, now = list_runs(load_settings(config), dataset, bucket=bucket, limit=limit), datetime.now(UTC)
    put_listing(
        RunLine,
        lines,
        lambda: render_runs(lines, now=now, units=units, width=result_width()),
        as_json=as_json,
        as_csv=as_csv,
    )
    return ExitCode.DONE

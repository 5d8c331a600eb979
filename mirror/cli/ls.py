"""`oomirror ls`: what the buckets hold and what the share holds."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.report.numbers import Units


def ls(
    dataset: Annotated[
        str | None,
        typer.Argument(metavar="DATASET", help="Show its volumes and levels.", show_default="all datasets"),
    ] = None,
    *,
    bucket: options.BucketAll = None,
    config: options.Config = None,
    as_json: options.Json = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """Show what the buckets hold, as last listed, and what the share holds, as the catalog knows.

    `whole` and `partial n of m` compare the share with the newest listing of the whole dataset (`oomirror scan`).
    """
    from datetime import UTC, datetime

    from mirror.app.inventory import list_datasets, list_levels
    from mirror.cli.output import put_result, put_words, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.json import listing
    from mirror.report.text.inventory import render_datasets, render_levels

    settings, now = load_settings(config), datetime.now(UTC)
    if dataset is None:
        datasets = list_datasets(settings, bucket, on_unreachable=lambda error: put_words(str(error)), tell=put_words)
        text = render_datasets(datasets, now=now, units=units, width=result_width())
        put_result(listing(datasets) if as_json else text)
    else:
        levels = list_levels(settings, dataset, bucket, tell=put_words)
        put_result(listing(levels) if as_json else render_levels(levels, now=now, units=units))
    return ExitCode.DONE

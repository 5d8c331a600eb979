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
    is_long: options.Long = False,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """Show what the buckets hold, as last listed, and what the share holds, as the catalog knows.

    `whole` and `partial n of m` compare the share with the newest listing of each level, n and m being objects.
    """
    from datetime import UTC, datetime
    from functools import partial

    from mirror.app.inventory import list_datasets, list_levels
    from mirror.cli.output import put_listing, put_words, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import DatasetLine, LevelLine
    from mirror.report.text.inventory import render_datasets, render_levels

    settings, now, width = load_settings(config), datetime.now(UTC), result_width()
    if dataset is None:
        datasets = list_datasets(settings, bucket, on_unreachable=lambda error: put_words(str(error)))
        render = partial(render_datasets, datasets, now=now, units=units, width=width, is_long=is_long)
        put_listing(DatasetLine, datasets, render, as_json=as_json, as_csv=as_csv)
    else:
        levels = list_levels(settings, dataset, bucket)
        render = partial(render_levels, levels, now=now, units=units, width=width, is_long=is_long)
        put_listing(LevelLine, levels, render, as_json=as_json, as_csv=as_csv)
    return ExitCode.DONE

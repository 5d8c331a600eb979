"""`oomirror catalog datasets`."""

from __future__ import annotations

from mirror.cli import options
from mirror.report.numbers import Units


def datasets(
    dataset: options.DatasetIfAny = None,
    *,
    bucket: options.BucketAll = None,
    limit: options.Limit = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """List the datasets that the catalog knows: how much of each was looked at, listed, and is on the share."""
    from datetime import UTC, datetime

    from mirror.app.listings import list_known_datasets
    from mirror.cli.output import put_listing, result_width, upto
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import DatasetLine
    from mirror.report.text.catalog import render_known_datasets

    lines, now = (
        upto(limit, list_known_datasets(load_settings(config), dataset, bucket=bucket)),
        datetime.now(UTC),
    )
    put_listing(
        DatasetLine,
        lines,
        lambda: render_known_datasets(lines, now=now, units=units, width=result_width()),
        as_json=as_json,
        as_csv=as_csv,
    )
    return ExitCode.DONE

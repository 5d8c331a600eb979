"""`oomirror catalog levels`."""

from __future__ import annotations

from mirror.cli import options
from mirror.report.numbers import Units


def levels(
    dataset: options.DatasetIfAny = None,
    *,
    bucket: options.BucketAll = None,
    volume: options.VolumePath = None,
    vanished: options.Vanished = False,
    limit: options.Limit = None,
    is_long: options.Long = False,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """List levels: blocks, how many of them the bucket lacks, bytes of the voxels and as stored, and the share's part.

    A block that the bucket lacks reads as 0.
    """
    from datetime import UTC, datetime

    from mirror.app.listings import list_level_table
    from mirror.cli.output import put_listing, result_width, upto
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import LevelLine
    from mirror.report.text.volumes import render_level_table

    settings, now = load_settings(config), datetime.now(UTC)
    lines = upto(limit, list_level_table(settings, dataset, bucket=bucket, volume=volume, with_vanished=vanished))
    put_listing(
        LevelLine,
        lines,
        lambda: render_level_table(lines, now=now, units=units, width=result_width(), is_long=is_long),
        as_json=as_json,
        as_csv=as_csv,
    )
    return ExitCode.DONE

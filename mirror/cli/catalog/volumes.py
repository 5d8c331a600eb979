"""`oomirror catalog volumes`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.report.numbers import Units


def volumes(
    dataset: options.DatasetIfAny = None,
    *,
    bucket: options.BucketAll = None,
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="Only of this kind: em, segmentation, ...", show_default="all"),
    ] = None,
    organelle: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="NAME", help="Only of this organelle, as mito, er-mem, er_golgi.", show_default="all"
        ),
    ] = None,
    vanished: options.Vanished = False,
    limit: options.Limit = None,
    is_long: options.Long = False,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """List volumes: what each shows, its levels, its size in the bucket, and how much of it is on the share."""
    from mirror.app.listings import list_volumes
    from mirror.cli.output import put_listing, result_width, upto
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import VolumeLine
    from mirror.report.text.volumes import render_volumes

    chosen = list_volumes(
        load_settings(config),
        dataset,
        bucket=bucket,
        kind=kind,
        organelle_class=organelle,
        with_vanished=vanished,
    )
    lines = upto(limit, chosen)
    put_listing(
        VolumeLine,
        lines,
        lambda: render_volumes(lines, units=units, width=result_width(), is_long=is_long),
        as_json=as_json,
        as_csv=as_csv,
    )
    return ExitCode.DONE

"""`oomirror scan`: what a bucket has, kept in the catalog."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.cli.talk import Manner, Talk
from mirror.report.numbers import Units


def scan(
    datasets: options.Datasets,
    *,
    bucket: options.BucketDefault = None,
    metadata_only: Annotated[
        bool, typer.Option("--metadata-only", help="Find volumes and levels; list no blocks, keep no snapshot.")
    ] = False,
    transport: options.TransportOption = None,
    config: options.Config = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log_json: options.LogJson = None,
    progress: options.Progress = options.ProgressKind.AUTO,
    units: options.UnitsOption = Units.SI,
) -> int:
    """List whole datasets of a bucket and keep the listing in the catalog, dated.

    `oomirror ls` compares the share with the newest one. Nothing is fetched but metadata.
    """
    with Talk(Manner(as_json, quiet, verbose, log_json, progress, units), "scan") as talk:
        from mirror.app.scan import scan as run_scan
        from mirror.cli.signals import run
        from mirror.config import load_settings
        from mirror.errors import ExitCode
        from mirror.report.json import listing
        from mirror.report.text.results import render_scans

        names = tuple(dict.fromkeys(datasets))
        settings = load_settings(config).with_transport(transport)
        reports = run(run_scan(settings, names, bucket=bucket, metadata_only=metadata_only, sink=talk.sink))
        talk.answer(reports, listing(reports), lambda: "" if quiet else render_scans(reports, units=units))
        return ExitCode.DONE

"""`oomirror adopt`: what lies on the share comes into the catalog."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.cli.talk import Manner, Talk
from mirror.report.numbers import Units


def adopt(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASET", help="Names of datasets.", show_default="all that lie on the share"),
    ] = None,
    *,
    bucket: options.BucketAll = None,
    check: Annotated[
        options.Check,
        typer.Option("--check", help="Compare content where the bucket's ETag allows (md5), or lengths alone (size)."),
    ] = options.Check.MD5,
    force: options.Force = False,
    transport: options.TransportOption = None,
    config: options.Config = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log_json: options.LogJson = None,
    progress: options.Progress = options.ProgressKind.AUTO,
    units: options.UnitsOption = Units.SI,
) -> int:
    """Take what lies on the share already, downloaded by other means, into the catalog. Nothing is fetched.

    A file that differs from the bucket's object is listed as failed, and left as it is: `oomirror sync` replaces it.
    """
    with Talk(Manner(as_json, quiet, verbose, log_json, progress, units), "adopt") as talk:
        from mirror.app.adopt import adopt as run_adopt
        from mirror.app.sync import exit_code_of
        from mirror.cli.signals import run
        from mirror.config import load_settings
        from mirror.engine.fetch import ChecksumMode
        from mirror.errors import ExitCode
        from mirror.report.json import listing
        from mirror.report.text.results import render_problems, render_syncs

        mode = ChecksumMode.SIZE if check is options.Check.SIZE else ChecksumMode.AUTO
        names = tuple(dict.fromkeys(datasets or ()))
        settings = load_settings(config).with_transport(transport)
        reports = run(run_adopt(settings, names, bucket=bucket, check=mode, sink=talk.sink, force_catalog=force))
        talk.answer(
            reports,
            listing(reports),
            lambda: (
                "\n".join(filter(None, map(render_problems, reports))) if quiet else render_syncs(reports, units=units)
            ),
        )
        return max((exit_code_of(report) for report in reports), default=ExitCode.DONE)

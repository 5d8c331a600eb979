"""`oomirror refresh`: all that the configuration keeps up to date; for cron."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mirror.cli import options
from mirror.cli.talk import Manner, Talk
from mirror.report.numbers import Units


def refresh(
    mirrors: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BUCKET/]DATASET",
            help="Only these entries of [[mirrors]], as b/jrc_hela-2.",
            show_default="all entries",
        ),
    ] = None,
    *,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, max=32, help="Entries at work at a time.")] = 1,
    max_duration: Annotated[
        str | None,
        typer.Option(
            "--max-duration",
            metavar="T",
            help="Begin nothing new after that time, as 90s, 10m or 2h; the next run goes on. Exit code 0.",
            show_default="no limit",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be fetched, and write nothing.")
    ] = False,
    force: options.Force = False,
    transport: options.TransportOption = None,
    config: options.Config = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log: options.Log = None,
    log_json: options.LogJson = None,
    progress: options.Progress = options.ProgressKind.AUTO,
    units: options.UnitsOption = Units.SI,
) -> int:
    """Mirror every entry of [[mirrors]] in the configuration, and tell whom [notify] names what came of it.

    One that fails ends no other. Who was longest not finished comes first. `oomirror schedule` lets cron run it.
    The exit code is the first that is present of 5, 1, 6, 4, 0; it is 6, too, where another refresh is at work.
    """
    with Talk(Manner(as_json, quiet, verbose, log_json, progress, units, log), "refresh") as talk:
        from mirror.app.refresh import RefreshRequest, RefreshRunsError, refresh_and_tell
        from mirror.cli.signals import run
        from mirror.config import load_settings
        from mirror.config.mirrors import EXAMPLE
        from mirror.quantities import parse_duration
        from mirror.report.json import document
        from mirror.report.text.refresh import render_refresh, render_refresh_problems

        talk.log("refresh begins")
        request = RefreshRequest(
            names=tuple(mirrors or ()),
            jobs=jobs,
            max_duration_seconds=parse_duration(max_duration, "--max-duration") if max_duration is not None else None,
            dry_run=dry_run,
            force_catalog=force,
        )
        settings = load_settings(config).with_transport(transport)
        if not settings.mirrors:
            talk.words(f"{_lacking(config)} One to begin with:\n\n{EXAMPLE}\n")
        try:
            report = run(refresh_and_tell(settings, request, sink=talk.sink))
        except RefreshRunsError as error:
            if not quiet or as_json:
                raise
            # The next tick of a clock, and no failure: cron would send mail of each word.
            talk.log(f"exit code {int(error.exit_code)}: {error}")
            return error.exit_code
        text = render_refresh(report, units=units)
        talk.log(text)
        talk.answer((report,), document(report), lambda: render_refresh_problems(report) if quiet else text)
        talk.log(f"exit code {report.exit}")
        return report.exit


def _lacking(config: Path | None) -> str:
    """Return the sentence for who has no entries: which file they go into, or how there comes to be one."""
    from mirror.config import find_config

    file = find_config(config)
    if file is None:
        return "There is no configuration yet: `oomirror init --share DIR` writes it, and [[mirrors]] go into it."
    return f"{file.absolute()} has no [[mirrors]] yet."

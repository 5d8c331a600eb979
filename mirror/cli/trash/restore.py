"""`oomirror trash restore`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.cli.talk import Manner, Talk
from mirror.report.numbers import Units


def restore(
    run: Annotated[str, typer.Argument(metavar="RUN", help="As `trash ls` names it.", show_default=False)],
    keys: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY|PREFIX|GLOB", help="Only these, as jrc_hela-2/jrc_hela-2.n5/labels.", show_default="all of it"
        ),
    ] = None,
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Move a file that differs and has the place of one to the trash.")
    ] = False,
    force: options.Force = False,
    config: options.Config = None,
    as_json: options.Json = False,
    verbose: options.Traceback = False,
    units: options.UnitsOption = Units.SI,
) -> int:
    """Give files of a run's trash their names again, byte for byte, and record them in the catalog.

    What the bucket has no more goes again when `oomirror sync` is told to delete; what it has in another version is
    fetched by the next one.
    """
    with Talk(Manner(as_json, verbose=verbose, units=units), "trash restore") as talk:
        from mirror.app.trash import restore as run_restore
        from mirror.cli.signals import run as run_stoppable
        from mirror.config import load_settings
        from mirror.errors import ExitCode
        from mirror.report.json import document
        from mirror.report.text.trash import render_restored

        settings = load_settings(config)
        names = tuple(keys or ())
        report = run_stoppable(
            run_restore(settings, run, names, overwrite=overwrite, sink=talk.sink, force_catalog=force)
        )
        talk.answer((report,), document(report), lambda: render_restored(report, units=units))
        return ExitCode.INCOMPLETE if report.failed else ExitCode.DONE

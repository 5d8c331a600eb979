"""`oomirror import-mongo`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.cli.talk import Manner, Talk


def import_mongo(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="A mongodb:// address, a dump (.bson, a folder, gzip too), JSON, JSON lines, CSV, or a text dump.",
            show_default="mongo.uri",
        ),
    ] = None,
    *,
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="NAME", help="Only this database.", show_default="crops and evaluation"),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option(
            "--collection", metavar="NAME", help="Only this collection.", show_default="v0003 and v0003.2.v0003"
        ),
    ] = None,
    ground_truth: Annotated[
        str | None,
        typer.Option(
            "--ground-truth",
            metavar="VERSION",
            help="Version of the ground truth that crops belong to.",
            show_default="as the collection's name tells, else 0003",
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Drop from the catalog what is not in the source any more.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be done, and write nothing.")
    ] = False,
    config: options.Config = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log_json: options.LogJson = None,
    progress: options.Progress = options.ProgressKind.AUTO,
) -> int:
    """Take crops and evaluations of the paper's databases, or of their dumps, into the catalog.

    Each document is kept as it is, and becomes a crop, an evaluation or an issue. Importing again changes nothing but
    what changed in the source, and an import that was cut goes on. Exit code 4 where documents were not understood.
    """
    with Talk(Manner(as_json, quiet, verbose, log_json, progress), "import-mongo") as talk:
        from mirror.app.crops.imported import import_documents
        from mirror.cli.output import result_width
        from mirror.config import load_settings
        from mirror.errors import ExitCode
        from mirror.report.json import document
        from mirror.report.text.imports import render_failed, render_import

        report = import_documents(
            load_settings(config),
            source,
            database=database,
            collection=collection,
            ground_truth=ground_truth,
            prune=prune,
            dry_run=dry_run,
            sink=talk.sink,
        )
        talk.answer(
            (report,),
            document(report),
            lambda: render_failed(report) if quiet else render_import(report, width=result_width()),
        )
        if any(one.error is not None for one in report.sources):
            return ExitCode.FAILED
        return ExitCode.INCOMPLETE if report.n_failed_documents else ExitCode.DONE

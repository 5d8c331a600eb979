"""`oomirror catalog export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mirror.cli import options
from mirror.report.numbers import Units


def export(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASET", help="Only what belongs to these.", show_default="all datasets"),
    ] = None,
    *,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Write there.", show_default=False)],
    format_: Annotated[
        options.TableFormat | None,
        typer.Option(
            "--format", help="What the files are.", show_default="parquet where pyarrow is installed, else csv"
        ),
    ] = None,
    tables: Annotated[
        str | None,
        typer.Option("--tables", metavar="LIST", help="Tables, with commas between them.", show_default="all"),
    ] = None,
    no_blocks: Annotated[
        bool, typer.Option("--no-blocks", help="Leave out the tables that have a row for each block.")
    ] = False,
    config: options.Config = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """Write the tables of the catalog into a folder, a file each, and imported manifests as they were imported.

    schema.json in the folder says what each column means, and in which unit. Files of an earlier export are replaced,
    others are never touched.
    """
    from mirror.app.export import ExportFormat, ExportRequest
    from mirror.app.export import export as run_export
    from mirror.cli.output import put_result, put_words
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.json import document
    from mirror.report.text.export import render_export, render_exported_table

    names = tuple(name.strip() for name in (tables or "").split(",") if name.strip())
    kind = None if format_ is None else ExportFormat(format_)
    request = ExportRequest(to, kind, names, tuple(datasets or ()), with_blocks=not no_blocks)
    report = run_export(
        load_settings(config),
        request,
        on_table=lambda one: None if quiet else put_words(render_exported_table(one, units=units)),
    )
    if format_ is None and report.format == "csv" and not quiet:
        put_words('CSV, for pyarrow is not installed: `pip install "oomirror[parquet]"` brings it.')
    if as_json:
        put_result(document(report))
    elif not quiet:
        put_result(render_export(report, units=units))
    return ExitCode.DONE

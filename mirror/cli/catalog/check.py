"""`oomirror catalog check`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def check(
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Also each index against its rows, listings, and the tables; takes longer.")
    ] = False,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Look whether the catalog is sound: revision, pages, references, and the kept sums against the rows.

    Writes nothing. Exit code 3 where something is wrong.
    """
    from mirror.app.upkeep import check_catalog
    from mirror.cli.output import put_listing, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import CheckLine
    from mirror.report.text.catalog import render_check

    lines = check_catalog(load_settings(config), full=full)
    put_listing(CheckLine, lines, lambda: render_check(lines, width=result_width()), as_json=as_json, as_csv=as_csv)
    return ExitCode.DONE if all(line.good for line in lines) else ExitCode.DIFFERENCES

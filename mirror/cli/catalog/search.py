"""`oomirror catalog search`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def search(
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORDS", help="All of them, or beginnings of them, must be there.", show_default=False),
    ],
    *,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Show at most so many.")] = 100,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Search names, kinds, organelles and titles of datasets and volumes: `oomirror catalog search mito seg`."""
    from mirror.app.search import search as run_search
    from mirror.cli.output import put_listing, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import FoundLine
    from mirror.report.text.catalog import render_found

    lines = run_search(load_settings(config), " ".join(words), limit=limit)
    put_listing(FoundLine, lines, lambda: render_found(lines, width=result_width()), as_json=as_json, as_csv=as_csv)
    return ExitCode.DONE

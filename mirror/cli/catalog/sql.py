"""`oomirror catalog sql`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mirror.cli import options

if TYPE_CHECKING:
    from mirror.report.model import SqlReport


def sql(
    query: Annotated[
        str | None,
        typer.Argument(metavar="QUERY", help="One query that reads; - takes it from stdin.", show_default=False),
    ] = None,
    *,
    tables: Annotated[bool, typer.Option("--tables", help="Show the tables and their columns instead.")] = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Show at most so many rows.")] = 1000,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Run one query on the catalog: `oomirror catalog sql "SELECT kind, count(*) FROM volume GROUP BY kind"`.

    It can do nothing but read: writes, ATTACH, settings and several statements are refused. Bytes are shown as hex.
    """
    from mirror.app.sql import column_lines, run_query
    from mirror.cli.output import put_listing, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import ColumnLine
    from mirror.report.text.sql import render_columns

    if tables:
        lines = column_lines()
        text = render_columns(lines, width=result_width())
        put_listing(ColumnLine, lines, lambda: text, as_json=as_json, as_csv=as_csv)
        return ExitCode.DONE
    report = run_query(load_settings(config), _query(query), limit=limit)
    _put(report, limit, as_json=as_json, as_csv=as_csv)
    return ExitCode.DONE


def _query(query: str | None) -> str:
    import sys

    from mirror.errors import UsageError

    if query is None:
        raise UsageError(
            "there is no query", hint="Give one, - to read it from stdin, or --tables to see what there is."
        )
    return sys.stdin.read() if query == "-" else query


def _put(report: SqlReport, limit: int, *, as_json: bool, as_csv: bool) -> None:
    from mirror.cli.output import put_result, put_words, refuse_two_forms, result_width
    from mirror.report.csv import rows_text
    from mirror.report.json import document
    from mirror.report.text.sql import render_rows

    refuse_two_forms(as_json=as_json, as_csv=as_csv)
    if as_json:
        put_result(document(report))
    elif as_csv:
        put_result(rows_text(report.columns, report.rows))
    else:
        put_result(render_rows(report, width=result_width()))
    if report.has_more:
        put_words(f"There are more rows; these are the first {limit:,}. --limit N shows more.")

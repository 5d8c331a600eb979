"""`oomirror why`: one object's whole story."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.report.numbers import Units


def why(
    what: Annotated[
        str,
        typer.Argument(
            metavar="PATH|KEY",
            help="A path on the share (also as Windows writes it), an s3:// address, a key, or DATASET/...",
            show_default=False,
        ),
    ],
    *,
    bucket: options.BucketAll = None,
    config: options.Config = None,
    as_json: options.Json = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """Tell what a file or a folder is and what became of it: in the bucket, on the share, by which run.

    A block that is missing is absent in the bucket (it reads as 0), lost here, or was not chosen. Needs no network.
    """
    from datetime import UTC, datetime
    from pathlib import Path

    from mirror.app.why import why as tell
    from mirror.cli.output import put_result, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.json import document
    from mirror.report.text.why import render_why

    report = tell(load_settings(config), what, bucket=bucket, here=Path.cwd())
    text = render_why(report, now=datetime.now(UTC), units=units, width=result_width())
    put_result(document(report) if as_json else text)
    return ExitCode.DONE

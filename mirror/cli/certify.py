"""`oomirror certify`: a dataset on the share, as a file to cite and to check elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mirror.cli import options
from mirror.report.numbers import Units


def certify(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help="Name of a dataset, such as jrc_hela-2.", show_default=False)
    ],
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The certificate; packed where it ends in .gz.", show_default=False
        ),
    ],
    bucket: Annotated[
        str | None,
        typer.Option(
            "--bucket", metavar="NAME", help="Mirrored from this bucket.", show_default="the one it was mirrored from"
        ),
    ] = None,
    config: options.Config = None,
    as_json: options.Json = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """Write what is on the share of a dataset, object by object: key, size, ETag, xxh3-128, how it was verified.

    `oomirror verify --against FILE` checks any copy of the share against it. No file of the share is read.
    """
    from mirror.app.verify.certify import certify as run_certify
    from mirror.app.verify.certify import exit_code_of
    from mirror.cli.output import put_result
    from mirror.config import load_settings
    from mirror.report.json import document
    from mirror.report.text.verification import render_certify

    report = run_certify(load_settings(config), dataset, output, bucket=bucket)
    put_result(document(report) if as_json else render_certify(report, units=units))
    return exit_code_of(report)

"""`oomirror crops show`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.report.numbers import Units


def show(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Number of the crop.", show_default=False)],
    *,
    ground_truth: Annotated[
        str | None,
        typer.Option(
            "--ground-truth", metavar="VERSION", help="Of this version of the ground truth.", show_default="the newest"
        ),
    ] = None,
    documents: Annotated[bool, typer.Option("--documents", help="Show the documents themselves, too.")] = False,
    config: options.Config = None,
    as_json: options.Json = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """Show all that is known of a crop: labels by state, ground truth, its documents and what is odd about them."""
    from mirror.app.crops.listed import show_crop
    from mirror.cli.output import put_result, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.json import document
    from mirror.report.text.crops import render_crop

    report = show_crop(load_settings(config), number, version=ground_truth, with_documents=documents)
    put_result(document(report) if as_json else render_crop(report, units=units, width=result_width()))
    return ExitCode.DONE

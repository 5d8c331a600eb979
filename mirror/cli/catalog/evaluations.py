"""`oomirror catalog evaluations`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def evaluations(
    dataset: options.DatasetIfAny = None,
    *,
    best: Annotated[
        bool, typer.Option("--best", help="Only the best setup and iteration of each label, dataset and metric.")
    ] = False,
    label: Annotated[
        str | None, typer.Option("--label", metavar="LABEL", help="Only of this label.", show_default="all")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="Only of this metric: dice, hausdorff, ...", show_default="all"),
    ] = None,
    setup: Annotated[
        str | None, typer.Option("--setup", metavar="NAME", help="Only of this setup.", show_default="all")
    ] = None,
    crop: Annotated[
        str | None, typer.Option("--crop", metavar="NUMBER", help="Only on this crop.", show_default="all")
    ] = None,
    validation: Annotated[
        bool, typer.Option("--validation", help="Only on crops that were kept from training.")
    ] = False,
    threshold: Annotated[
        float | None, typer.Option("--threshold", metavar="X", help="Only at this threshold.", show_default="all")
    ] = None,
    refined: Annotated[
        bool | None,
        typer.Option(
            "--refined/--not-refined", help="Only of refined predictions, or only of the others.", show_default="both"
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Show at most so many; 0: all.")] = 1000,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """List the paper's evaluations, or with --best which setup and iteration did best.

    Best is the mean over the crops, as the paper's authors choose: high for dice, low for hausdorff; the lower
    iteration where two are equal. A result that is no number is no part of a mean.
    """
    from mirror.app.crops.evaluations import Wanted, evaluation_lines, list_best
    from mirror.cli.output import put_listing, put_stream, result_width, upto
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.crops import BestLine, EvaluationLine
    from mirror.report.text.crops import render_best, render_evaluations

    settings = load_settings(config)
    wanted = Wanted(dataset, label, metric, setup, crop, validation, threshold, refined)
    if best:
        lines = upto(limit or None, list_best(settings, wanted))
        put_listing(BestLine, lines, lambda: render_best(lines, width=result_width()), as_json=as_json, as_csv=as_csv)
        return ExitCode.DONE
    with evaluation_lines(settings, wanted, limit=limit or None) as found:
        put_stream(EvaluationLine, found, render_evaluations, as_json=as_json, as_csv=as_csv)
    return ExitCode.DONE

"""`oomirror crops locate`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def locate(
    number: Annotated[str, typer.Argument(metavar="N", help="Number of the crop, such as 113.", show_default=False)],
    *,
    bucket: options.BucketDefault = None,
    dataset: options.CropDataset = None,
    ground_truth: options.GroundTruthVersion = None,
    volume: Annotated[
        str | None,
        typer.Option(
            "--volume",
            metavar="PATH",
            help="Tell also where it lies in this volume, as labels/er_pred.",
            show_default=False,
        ),
    ] = None,
    level: Annotated[
        str | None, typer.Option("--level", metavar="LEVEL", help="Tell of this level only, as s3.", show_default="all")
    ] = None,
    config: options.Config = None,
    as_json: options.Json = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Tell where a crop lies in raw, in ground truth and in other volumes, and which source says so.

    Voxels are counted z,y,x, as numpy indexes. Sources are the ground truth's own attributes, the crop's document and
    the cellmap table; those that contradict each other are named. Needs no network: what was scanned and imported.
    """
    from mirror.app.crops.answer import locate as tell
    from mirror.cli.output import put_result, result_width
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.json import document
    from mirror.report.text.locate import render_located

    report = tell(
        load_settings(config),
        number,
        bucket=bucket,
        version=ground_truth,
        dataset=dataset,
        volume=volume,
        level=level,
    )
    put_result(document(report) if as_json else render_located(report, width=result_width()))
    return ExitCode.DONE

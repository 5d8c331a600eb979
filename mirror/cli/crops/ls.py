"""`oomirror crops ls`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def ls(
    dataset: options.DatasetIfAny = None,
    *,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            metavar="LABEL",
            help="Only crops that have this label: its number, name, organelle (er-mem) or class of several (er).",
            show_default="all",
        ),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="What they say of it: present_annotated, present_unannotated, absent_annotated, "
            "present_partial_annotation.",
            show_default="any",
        ),
    ] = None,
    validation: Annotated[
        bool | None,
        typer.Option(
            "--validation/--training", help="Only crops kept from training, or only the others.", show_default="both"
        ),
    ] = None,
    mirrored: Annotated[
        bool | None,
        typer.Option(
            "--mirrored/--not-mirrored",
            help="Only crops whose ground truth is on the share as a whole, or only the others.",
            show_default="both",
        ),
    ] = None,
    bucket: options.BucketAll = None,
    limit: options.Limit = None,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """List the crops that the catalog knows: size, start where a document tells it, labels, ground truth on share."""
    from mirror.app.crops.listed import CropFilter, list_crops
    from mirror.cli.output import put_listing, result_width, upto
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.crops import CropLine
    from mirror.report.text.crops import render_crops

    wanted = CropFilter(dataset, label, state, validation, mirrored, bucket)
    lines = upto(limit, list_crops(load_settings(config), wanted))
    put_listing(CropLine, lines, lambda: render_crops(lines, width=result_width()), as_json=as_json, as_csv=as_csv)
    return ExitCode.DONE

"""`oomirror picture`: one slice of a volume as a picture."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def picture(
    volume: Annotated[
        str,
        typer.Argument(
            metavar="VOLUME", help="DATASET/VOLUME, as jrc_hela-2/volumes/raw or jrc_hela-2/raw.", show_default=False
        ),
    ],
    *,
    output: options.PictureFile,
    level: Annotated[
        str | None, typer.Option("--level", metavar="LEVEL", help="Level, such as s3.", show_default="the finest")
    ] = None,
    z: options.Slice = "mid",
    axis: options.SliceAxis = options.Axis.Z,
    box: Annotated[
        str | None,
        typer.Option(
            "--box",
            metavar="ROWS,COLUMNS",
            help="Only this part of the slice, as 225:725,6466:6966.",
            show_default="all of it",
        ),
    ] = None,
    contrast: options.Contrast = "auto",
    fetch_missing: options.FetchMissing = False,
    bucket: options.BucketDefault = None,
    config: options.Config = None,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Draw one slice of a volume that is on the share, with a scale bar, as PNG.

    Blocks that were never mirrored are an error, never black.
    """
    from mirror.app.whole_files import check_places, check_png, write_whole
    from mirror.cli.output import put_words
    from mirror.errors import ExitCode

    check_png(output)
    check_places(output)
    from mirror.view import open_volume, png_of

    view = open_volume(volume, level, bucket=bucket, config=config, fetch_missing=fetch_missing)
    image = view.picture(z, axis=axis.value, box=box, contrast=contrast)
    put_words(f"Written: {write_whole(output, png_of(image))}")
    return ExitCode.DONE

"""`oomirror crops picture`: raw and labels of a crop side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def picture(
    number: Annotated[str, typer.Argument(metavar="N", help="Number of the crop, such as 113.", show_default=False)],
    *,
    output: options.PictureFile,
    z: options.Slice = "mid",
    axis: options.SliceAxis = options.Axis.Z,
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="Level of raw.")] = "s0",
    padding: Annotated[
        int, typer.Option("--padding", metavar="N", min=0, help="Show N voxels of raw more on each side.")
    ] = 0,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            "--labels",
            metavar="LABEL",
            help="Only this label: its number, its name, or a class, as mito or er-mem; can be given again.",
            show_default="all",
        ),
    ] = None,
    opacity: Annotated[
        float, typer.Option("--opacity", metavar="0..1", min=0, max=1, help="How much of raw the labels hide.")
    ] = 0.5,
    contrast: options.Contrast = "auto",
    fetch_missing: options.FetchMissing = False,
    dataset: options.CropDataset = None,
    ground_truth: options.GroundTruthVersion = None,
    bucket: options.BucketDefault = None,
    config: options.Config = None,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Draw one slice of a crop from the share: raw, and beside it the labels over raw, as PNG.

    It says which source places the crop, and names the labels that are seen. Blocks that were never mirrored are an
    error, never black.
    """
    from mirror.app.whole_files import check_places, check_png, write_whole
    from mirror.cli.output import put_words
    from mirror.errors import ExitCode

    check_png(output)
    check_places(output)
    from mirror.view import open_crop, png_of

    crop = open_crop(
        number,
        dataset=dataset,
        bucket=bucket,
        version=ground_truth,
        level=level,
        padding=padding,
        config=config,
        fetch_missing=fetch_missing,
    )
    image = crop.picture(z, axis=axis.value, labels=labels or (), opacity=opacity, contrast=contrast)
    put_words(f"Written: {write_whole(output, png_of(image))}")
    return ExitCode.DONE

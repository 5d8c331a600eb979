"""`oomirror sync`: the mirror itself."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.cli.talk import Manner, Talk
from mirror.report.numbers import Units


def sync(
    datasets: options.Datasets,
    *,
    bucket: options.BucketDefault = None,
    scales: Annotated[
        str,
        typer.Option("--scales", metavar="SPEC", help="Levels to mirror: s3, s0-s2, s1,s3-s5, s2- (and coarser), all."),
    ] = "all",
    no_unscaled: Annotated[
        bool, typer.Option("--no-unscaled", help="Leave out arrays that have no levels, such as ground truth.")
    ] = False,
    volumes: Annotated[
        list[str] | None,
        typer.Option(
            "--volumes",
            metavar="GLOB",
            help="Volumes inside the container, as volumes/raw or labels/*_seg; ** crosses slashes, a group means all "
            "below it, a leading ! excludes, the word raw means the EM. Can be given again.",
            show_default="all",
        ),
    ] = None,
    crops: Annotated[
        str | None,
        typer.Option(
            "--crops",
            metavar="SPEC",
            help="Only what these crops touch, as 1,113 or all: of raw their blocks at the chosen scales, and their "
            "ground truth. A later sync without it mirrors the rest.",
            show_default="whole levels",
        ),
    ] = None,
    padding: Annotated[
        int, typer.Option("--padding", min=0, metavar="N", help="With --crops: voxels of raw more on each side.")
    ] = 0,
    formats: Annotated[
        str | None,
        typer.Option(
            "--formats",
            metavar="LIST",
            help="Any of n5,zarr,precomputed,mesh.",
            show_default="n5, or zarr where there is no n5",
        ),
    ] = None,
    bucket_files: Annotated[
        bool, typer.Option("--bucket-files", help="Mirror the files at the bucket's root, too.")
    ] = False,
    checksum: Annotated[
        options.Checksum | None,
        typer.Option(
            "--checksum",
            help="Compare all that the bucket offers (auto), or the length alone (size).",
            show_default="transfer.checksum, else auto",
        ),
    ] = None,
    verify_share: Annotated[
        bool, typer.Option("--verify-share", help="Look at the share for every object, not only at the catalog.")
    ] = False,
    max_age: Annotated[
        str | None,
        typer.Option(
            "--max-age",
            metavar="T",
            help="Take the last listing if it is younger than that, as 10m, 2h or 7d.",
            show_default="always list again",
        ),
    ] = None,
    delete: Annotated[
        bool,
        typer.Option("--delete", help="Move to the trash what the bucket has no more of the arrays that are chosen."),
    ] = False,
    max_delete: Annotated[
        str | None,
        typer.Option(
            "--max-delete",
            metavar="LIMIT",
            help="The most that --delete may take: objects, as 500, or a part of those mirrored and of their bytes.",
            show_default="10%",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show the plan, and write nothing.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask, however large the plan. Without a terminal nothing is asked.")
    ] = False,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=1, max=1024, help="Requests in flight.", show_default="adapts itself"),
    ] = None,
    max_bandwidth: Annotated[
        str | None,
        typer.Option(
            "--max-bandwidth",
            metavar="R",
            help='Bytes a second, as 200MB/s, or by local time, as "08:00-18:00 50MB/s, else off".',
            show_default="transfer.max_bandwidth",
        ),
    ] = None,
    max_duration: Annotated[
        str | None,
        typer.Option(
            "--max-duration",
            metavar="T",
            help="Begin nothing new after that time, as 90s, 10m or 2h; the next run goes on. Exit code 0.",
            show_default="no limit",
        ),
    ] = None,
    force: options.Force = False,
    transport: options.TransportOption = None,
    config: options.Config = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log_json: options.LogJson = None,
    progress: options.Progress = options.ProgressKind.AUTO,
    units: options.UnitsOption = Units.SI,
) -> int:
    """Mirror what is chosen of datasets from a bucket to the share: verified, resumable.

    Run again, it fetches only what is new, changed or was not finished. Nothing on the share is deleted but by
    --delete, and that goes to the trash (`oomirror trash`).
    """
    with Talk(Manner(as_json, quiet, verbose, log_json, progress, units), "sync") as talk:
        from mirror.app.request import SyncRequest
        from mirror.app.start import sync_and_tell
        from mirror.cli.confirm import Confirmation
        from mirror.cli.signals import run
        from mirror.config import load_settings
        from mirror.crops.spec import parse_crops
        from mirror.engine.fetch import ChecksumMode
        from mirror.errors import UsageError
        from mirror.quantities import parse_duration, parse_limit, parse_timetable
        from mirror.selection import SelectionSpec, parse_formats, parse_scales, parse_volumes

        spec = SelectionSpec(
            scales=parse_scales(scales),
            volumes=parse_volumes(volumes or ()),
            formats=parse_formats(formats) if formats is not None else None,
            with_unscaled=not no_unscaled,
        )
        if padding and crops is None:
            raise UsageError("--padding is of use only with --crops", f"--padding {padding}")
        settings = load_settings(config).with_transport(transport)
        request = SyncRequest(
            datasets=tuple(dict.fromkeys(datasets)),
            bucket=bucket,
            spec=spec,
            crops=parse_crops(crops, padding=padding) if crops is not None else None,
            bucket_files=bucket_files,
            checksum=ChecksumMode(checksum) if checksum else None,
            verify_share=verify_share,
            dry_run=dry_run,
            concurrency=concurrency,
            max_age_seconds=parse_duration(max_age, "--max-age") if max_age is not None else None,
            max_duration_seconds=parse_duration(max_duration, "--max-duration") if max_duration is not None else None,
            delete=delete,
            max_delete=parse_limit(max_delete, "--max-delete") if max_delete is not None else None,
            max_bandwidth=parse_timetable(max_bandwidth, "--max-bandwidth") if max_bandwidth is not None else None,
        )
        confirmation = Confirmation(talk, is_dry_run=dry_run, yes=yes)
        report = run(sync_and_tell(settings, request, sink=talk.sink, confirm=confirmation, force_catalog=force))
        # Imported by now; before it, they would hold up the first request.
        from mirror.app.sync import exit_code_of
        from mirror.report.json import document

        talk.answer((report,), document(report), lambda: confirmation.as_text(report))
        return confirmation.exit_code or exit_code_of(report)

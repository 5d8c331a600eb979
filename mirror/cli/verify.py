"""`oomirror verify`: whether what the catalog says of the share is true."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirror.cli import options
from mirror.cli.talk import Manner, Talk
from mirror.report.numbers import Units

if TYPE_CHECKING:
    from mirror.app.verify.request import VerifyRequest


def verify(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASET", help="Names of datasets.", show_default="all that the share has"),
    ] = None,
    *,
    bucket: options.BucketAll = None,
    volumes: Annotated[
        list[str] | None,
        typer.Option(
            "--volumes",
            metavar="GLOB",
            help="Volumes to look at, as volumes/raw, labels/*_seg, raw; a leading ! excludes. Can be given again.",
            show_default="all",
        ),
    ] = None,
    scales: Annotated[
        str, typer.Option("--scales", metavar="SPEC", help="Levels to look at: s3, s0-s2, s1,s3-s5, s2-, all.")
    ] = "all",
    quick: Annotated[bool, typer.Option("--quick", help="Presence and size only; no file is opened.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Read every byte and compare hashes; decode each block once.")
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="B",
            help="Stop after a time, bytes, or a share of all, as 2h, 500GB or 10%; what was looked at longest ago "
            "comes first, the next run goes on.",
            show_default="no limit",
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Fetch again what is damaged or lost, as it was mirrored, from either bucket."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, however much --repair fetches.")] = False,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="Check the share against a certificate of `oomirror certify`; needs no catalog.",
            show_default=False,
        ),
    ] = None,
    share: Annotated[
        Path | None,
        typer.Option(
            "--share",
            metavar="DIR",
            help="With --against: root of any copy of the share, marked or not.",
            show_default="the configuration's",
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
    """Check what is on the share: presence, size and headers of blocks. Exit code 3 where something is damaged or lost.

    It is 4 where all that is wrong is that files may not be read, and 1 where there is nothing to look at. What is
    missing is lost here, or absent in the bucket, where it reads as 0. Nothing is written on the share unless --repair.
    """
    with Talk(Manner(as_json, quiet, verbose, log_json, progress, units), "verify") as talk:
        from mirror.app.afterwards import told
        from mirror.app.verify import exit_code_of, word_of
        from mirror.app.verify import verify as run_verify
        from mirror.app.verify.against import verify_against
        from mirror.cli.confirm import confirm_repair
        from mirror.cli.output import result_width
        from mirror.cli.signals import run
        from mirror.config import load_settings
        from mirror.report.json import document
        from mirror.report.text.verification import render_verify, render_verify_problems

        request = _request(tuple(dict.fromkeys(datasets or ())), bucket, scales, volumes, budget)
        settings = load_settings(config).with_transport(transport)
        request = request.at_depth(quick=quick, full=full, repair=repair)
        if against is not None:
            work = verify_against(settings, request, against, share=share, sink=talk.sink)
        else:
            refuse_share(share)
            confirm = confirm_repair(talk, yes=yes)
            work = run_verify(settings, request, sink=talk.sink, confirm=confirm, force_catalog=force)
        report = run(told(settings, "verify", work, word_of, talk.sink))
        talk.answer(
            (report,),
            document(report),
            lambda: (
                render_verify_problems(report) if quiet else render_verify(report, units=units, width=result_width())
            ),
        )
        return exit_code_of(report)


def _request(
    datasets: tuple[str, ...], bucket: str | None, scales: str, volumes: list[str] | None, budget: str | None
) -> VerifyRequest:
    from mirror.app.verify.request import VerifyRequest
    from mirror.quantities import Budget, parse_budget
    from mirror.selection import parse_scales, parse_volumes

    return VerifyRequest(
        datasets=datasets,
        bucket=bucket,
        volumes=parse_volumes(volumes or ()),
        scales=parse_scales(scales),
        budget=parse_budget(budget, "--budget") if budget is not None else Budget(),
    )


def refuse_share(share: Path | None) -> None:
    """Raise UsageError where a share is named that no certificate is to be checked on."""
    from mirror.errors import UsageError

    if share is not None:
        raise UsageError("cannot look at any share by the catalog", "--share", hint="Give --against FILE, too.")

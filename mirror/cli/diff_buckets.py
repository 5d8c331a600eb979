"""`oomirror diff-buckets`: why a dataset is not as large in one bucket as in the other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mirror.cli import options
from mirror.cli.talk import Manner, Talk
from mirror.report.numbers import Units

_File = Path | None


def diff_buckets(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="DATASET", help="Names of datasets.", show_default="all that are in both buckets"),
    ] = None,
    *,
    volumes: Annotated[
        list[str] | None,
        typer.Option(
            "--volumes",
            metavar="GLOB",
            help="Compare these volumes of either bucket, and their partners, alone: raw, labels/*_seg.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            metavar="N",
            min=2,
            help="Fetch N places of each paired level from both buckets and compare their voxels: the same, inverted, "
            "mirrored, shifted or other ones, and what their compression parts into.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="Which places --sample draws.")] = 0,
    rescan: Annotated[
        bool, typer.Option("--rescan", help="List again, instead of comparing the newest listings of the catalog.")
    ] = False,
    levels: Annotated[bool, typer.Option("--levels", help="Tell each level of each pair, too.")] = False,
    html: Annotated[
        _File, typer.Option("--html", metavar="FILE", help="Write one self-contained page.", show_default=False)
    ] = None,
    md: Annotated[_File, typer.Option("--md", metavar="FILE", help="Write Markdown.", show_default=False)] = None,
    csv: Annotated[_File, typer.Option("--csv", metavar="FILE", help="Write rows.", show_default=False)] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Return 3 where the buckets differ, and not 0.")
    ] = False,
    config: options.Config = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    log_json: options.LogJson = None,
    progress: options.Progress = options.ProgressKind.AUTO,
    units: options.UnitsOption = Units.SI,
) -> int:
    """Explain every byte by which a dataset is larger in bucket a than in bucket b.

    Volumes that show the same are laid side by side, level by level and block by block. What is not listed yet is
    listed first, and how many requests that takes is said before; `--volumes raw` answers for the EM alone. The answer
    is kept: asked again after a `--rescan`, it also tells what changed since.
    """
    with Talk(Manner(as_json, quiet, verbose, log_json, progress, units), "diff-buckets") as talk:
        from mirror.app.diffing.files import write_answer
        from mirror.app.diffing.run import DiffRequest
        from mirror.app.diffing.run import diff_buckets as run_diff
        from mirror.app.diffing.sampling import SampleRequest
        from mirror.app.whole_files import check_places
        from mirror.cli.output import result_width
        from mirror.cli.signals import run
        from mirror.config import load_settings
        from mirror.errors import ExitCode
        from mirror.report.json import document
        from mirror.report.text.explanation import render_explanation
        from mirror.selection import parse_volumes

        request = DiffRequest(
            tuple(dict.fromkeys(datasets or ())),
            parse_volumes(volumes or ()),
            rescan=rescan,
            sample=None if sample is None else SampleRequest(sample, seed),
        )
        check_places(html, md, csv)
        answer = run(run_diff(load_settings(config), request, sink=talk.sink))
        report = answer.report
        talk.answer(
            (report,),
            document(report),
            lambda: render_explanation(report, units=units, width=result_width(), levels=levels),
        )
        # After the answer: a full disk does not take it away.
        for written in write_answer(answer, html=html, md=md, csv=csv):
            talk.words(f"Written: {written}")
        differs = any(one.difference_bytes or one.unexplained_bytes for one in report.datasets)
        return ExitCode.DIFFERENCES if exit_code and differs else ExitCode.DONE

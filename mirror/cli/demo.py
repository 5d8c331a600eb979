"""`oomirror demo`: the mirror at work on two sample buckets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mirror.cli import options


def demo(
    folder: Annotated[
        Path,
        typer.Option("--dir", metavar="DIR", help="Where the sample share, catalog and configuration go."),
    ] = Path("oomirror-demo"),
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Mirror two small sample buckets, served on this machine, and say at each step what a user would type.

    Needs no network and never touches your configuration. The sample server ends with the command.
    """
    from mirror.cli.output import put_result
    from mirror.demo.run import run_demo

    return run_demo(folder, say=put_result)

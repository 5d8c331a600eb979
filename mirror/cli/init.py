"""`oomirror init`: what a first run needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirror.cli import options

if TYPE_CHECKING:
    from mirror.app.setup import InitReport


def init(
    *,
    share: Annotated[
        Path | None,
        typer.Option("--share", metavar="DIR", help="Root of the lab's share.", show_default="as configured"),
    ] = None,
    catalog: Annotated[
        str | None,
        typer.Option(
            "--catalog",
            metavar="URL",
            help="The catalog: any SQLAlchemy URL, never on the share.",
            show_default="a SQLite file in the user's data folder",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Write the configuration there.",
            show_default="$OOMIRROR_CONFIG, else the user's configuration folder",
        ),
    ] = None,
    new_share: Annotated[
        bool,
        typer.Option(
            "--new-share",
            help="Take this share though the catalog knows another; what it knew of that one is forgotten.",
        ),
    ] = False,
    force: options.Force = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Write a commented configuration, mark the share, make the catalog. Asks nothing; can be run again.

    A configuration that is there is never rewritten, and what lies on the share is left as it is.
    """
    from mirror.app.setup import init as run_init
    from mirror.cli.output import put_result
    from mirror.config import load_settings
    from mirror.errors import ExitCode

    flags: dict[str, Any] = {}
    if share is not None:
        flags["share"] = Path(os.path.abspath(share.expanduser()))  # `..` goes, links stay
    if catalog is not None:
        flags["catalog"] = catalog
    settings = load_settings(config, flags, may_be_absent=True)
    report = run_init(settings, config=config, new_share=new_share, force_catalog=force)
    put_result(_text(report))
    return ExitCode.DONE


def _text(report: InitReport) -> str:
    written = "written" if report.config_written else f"was there already, and is as it was{_other_share(report)}"
    marked = "marked now" if report.marked else "was marked already"
    if report.share_made:
        marked = f"made, and {marked}: was it to be there already, as a mount is, remove it and mount that"
    return "\n".join(
        (
            f"configuration  {report.config_file}: {written}",
            f"share          {report.share}: {marked}",
            f"its marker     {report.share_uuid}",
            f"catalog        {report.catalog}",
            "Next: oomirror sync jrc_hela-2 --volumes raw --scales s3- --dry-run",
        )
    )


def _other_share(report: InitReport) -> str:
    """Return a warning where the configuration that was there leads elsewhere than what was just made."""
    from mirror.config import load_settings

    share = load_settings(report.config_file).share
    return "" if share == report.share else f"; it says share = {share or 'nothing'}: change it there"

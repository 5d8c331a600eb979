"""The command line as a whole: its commands, its exit codes, and what becomes of errors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import typer

from mirror.cli import options
from mirror.cli.adopt import adopt
from mirror.cli.catalog.check import check
from mirror.cli.catalog.datasets import datasets
from mirror.cli.catalog.evaluations import evaluations
from mirror.cli.catalog.export import export
from mirror.cli.catalog.facts import facts
from mirror.cli.catalog.findings import findings
from mirror.cli.catalog.import_manifest import import_manifest
from mirror.cli.catalog.info import info
from mirror.cli.catalog.issues import issues
from mirror.cli.catalog.levels import levels
from mirror.cli.catalog.objects import objects
from mirror.cli.catalog.runs import runs
from mirror.cli.catalog.search import search
from mirror.cli.catalog.sql import sql
from mirror.cli.catalog.upgrade import upgrade
from mirror.cli.catalog.vacuum import vacuum
from mirror.cli.catalog.volumes import volumes
from mirror.cli.certify import certify
from mirror.cli.crops.import_manifest import import_manifest as import_crop_manifest
from mirror.cli.crops.locate import locate
from mirror.cli.crops.ls import ls as crops_ls
from mirror.cli.crops.picture import picture as crops_picture
from mirror.cli.crops.show import show as show_crop
from mirror.cli.demo import demo
from mirror.cli.diff_buckets import diff_buckets
from mirror.cli.doctor import doctor
from mirror.cli.faults import tell
from mirror.cli.import_mongo import import_mongo
from mirror.cli.init import init
from mirror.cli.ls import ls
from mirror.cli.output import make_streams_robust, put_result, put_words
from mirror.cli.picture import picture
from mirror.cli.refresh import refresh
from mirror.cli.scan import scan
from mirror.cli.schedule.install import install, print_units
from mirror.cli.schedule.options import Print
from mirror.cli.schedule.remove import remove
from mirror.cli.schedule.show import show as show_schedule
from mirror.cli.sync import sync
from mirror.cli.trash.empty import empty
from mirror.cli.trash.ls import ls as trash_ls
from mirror.cli.trash.restore import restore
from mirror.cli.verify import verify
from mirror.cli.why import why
from mirror.telling import told_by

# The \b keeps typer from filling the lines of the table.
EXIT_CODES = """\
\b
Exit codes:
  0    done (also when --max-duration ended it: "complete" is false then)
  1    failed: endpoint unreachable, access denied, catalog locked, damaged
       or newer; or you said no
  2    usage or configuration: unknown dataset, volume, scale or bucket
  3    differences or damage found
  4    finished, but objects failed or were refused; each is listed
  5    refused or stopped for safety: no room, disk full, share read-only,
       gone, unmarked or foreign, catalog on the share, too much to delete
  6    another run holds the lock, or another refresh is at work
  130  stopped by Ctrl-C or SIGHUP; what was done is saved
  143  stopped by SIGTERM; what was done is saved
"""


def _show_version(value: bool) -> None:
    if value:
        from mirror import __version__

        put_result(f"oomirror {__version__}")
        raise typer.Exit


def _root(
    context: typer.Context,
    config: options.Config = None,
    version: Annotated[  # noqa: ARG001  its callback does the work
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Mirror OpenOrganelle datasets from S3 to a lab share: verified, resumable, with a catalog of what lies there.

    Results go to stdout, words to stderr. `oomirror init --share DIR` comes first.
    """
    if config is not None:
        # Before the command or after it: both are how people write it.
        of_command = {"config": str(config)}
        context.default_map = {_name(command): of_command for command in COMMANDS} | {
            group: {_name(command): of_command for command in commands} for group, (_, commands) in GROUPS.items()
        }
    if context.invoked_subcommand is None:
        put_words(context.get_help())
        raise typer.Exit(2)


def _name(command: Callable[..., int]) -> str:
    """Return what users type."""
    return command.__name__.replace("_", "-")


def _group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        put_words(context.get_help())
        raise typer.Exit(2)


def _schedule(context: typer.Context, print_only: Print = False) -> None:
    if print_only and context.invoked_subcommand is None:
        asked = context.parent.params.get("config") if context.parent else None
        raise typer.Exit(print_units(config=asked))
    _group(context)


_CALLBACKS: Mapping[str, Callable[..., None]] = {"schedule": _schedule}
"""Of groups that have options of their own."""


def make_app() -> typer.Typer:
    """Return the command line, not yet run."""
    # Plain help: rich's boxes cost 0.2 s at each start, and do not paste.
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback(invoke_without_command=True, epilog=EXIT_CODES, context_settings=_HELP)(_root)
    _add_commands(app, COMMANDS)
    for name, (short_help, commands) in GROUPS.items():
        group = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
        group.callback(invoke_without_command=True)(_CALLBACKS.get(name, _group))
        _add_commands(group, commands)
        app.add_typer(
            group, name=name, short_help=short_help, help=f"{short_help.capitalize()}.", context_settings=_HELP
        )
    return app


def _add_commands(app: typer.Typer, commands: Mapping[Callable[..., int], str]) -> None:
    for command, short_help in commands.items():
        app.command(short_help=short_help, epilog="Exit codes: `oomirror --help`.", context_settings=_HELP)(command)


COMMANDS: Mapping[Callable[..., int], str] = {
    init: "write a configuration, mark the share, make the catalog",
    sync: "mirror what is chosen of datasets from a bucket to the share",
    refresh: "bring all [[mirrors]] of the configuration up to date; for cron",
    scan: "list whole datasets, and keep the listing in the catalog",
    adopt: "take what lies on the share already into the catalog",
    ls: "show what the buckets hold and what the share holds",
    why: "tell what a file is and what became of it",
    verify: "check what is on the share, and mend it",
    certify: "write what is on the share as a file to cite and to check elsewhere",
    diff_buckets: "explain why a dataset is not as large in one bucket as in the other",
    doctor: "look whether share, catalog and buckets are as a run needs them",
    import_mongo: "take crops and evaluations of the paper's databases",
    picture: "draw a slice of a volume that is on the share",
    demo: "mirror two sample buckets, served on this machine",
}
"""Each with its line in `oomirror --help`."""

GROUPS: Mapping[str, tuple[str, Mapping[Callable[..., int], str]]] = {
    "catalog": (
        "look into the catalog, and look after it",
        {
            datasets: "list the datasets that the catalog knows",
            volumes: "list volumes: what they show, and how much of them is on the share",
            levels: "list levels: blocks, bytes, and how each is stored",
            objects: "list objects: where each is, and how it was verified",
            runs: "list the runs of sync, scan, adopt and verify",
            findings: "list what is odd about the data",
            issues: "list what is odd about imported documents",
            evaluations: "list the paper's evaluations, and the best of them",
            facts: "list what documents say of datasets",
            search: "search datasets and volumes by words",
            export: "write the tables as Parquet or CSV",
            sql: "run one query that reads",
            import_manifest: "take what the project's manifests say",
            info: "show where the catalog is, how large, and how it grows",
            vacuum: "drop left-overs from the catalog and make its file small",
            check: "look whether the catalog is sound",
            upgrade: "bring an older catalog to this version",
        },
    ),
    "crops": (
        "look at the paper's ground-truth crops",
        {
            crops_ls: "list crops: size, labels, ground truth on the share",
            show_crop: "show all that is known of a crop",
            locate: "tell where a crop lies in raw and in its ground truth",
            import_crop_manifest: "take the cellmap table of crops",
            crops_picture: "draw a slice of a crop: raw, and labels over raw",
        },
    ),
    "schedule": (
        "let cron run refresh",
        {
            install: "put a line into your crontab",
            show_schedule: "show the line, and when it runs next",
            remove: "take the line out again",
        },
    ),
    "trash": (
        "what was taken away from the share: look, restore, or remove for good",
        {
            trash_ls: "show what lies in the trash, run by run",
            restore: "give files their names again, byte for byte",
            empty: "remove it for good",
        },
    ),
}
"""Commands of two words."""


_HELP = {"help_option_names": ["--help", "-h"], "max_content_width": 100}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Parameters
    ----------
    arguments
        Without the program's name; None: those of this process.
    """
    make_streams_robust()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with told_by(put_words):
            answer = make_app()(words, prog_name="oomirror", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  the outermost edge: each becomes a sentence
        return tell(error, words)
    return int(answer or 0)

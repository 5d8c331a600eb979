"""`oomirror crops import-manifest`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def import_manifest(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|FOLDER|URL",
            help="The cellmap table as CSV, a folder of tables, or an https:// or s3:// address.",
            show_default=False,
        ),
    ],
    *,
    config: options.Config = None,
    as_json: options.Json = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Take the cellmap table of crops into the catalog: where the ground truth of each class of each crop lies.

    Its columns are crop_name,dataset,class_label,voxel_size,translation,shape, lists as [2.62;2.0;2.0] in z,y,x.
    Importing again changes nothing; a table that changed replaces its own rows, and how they were is kept. Exit code 4:
    rows could not be read, or a file is no table; each is listed, and the others are taken.
    """
    from mirror.app.crops.table import import_tables
    from mirror.cli.output import put_result, result_width
    from mirror.cli.signals import run
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.json import listing
    from mirror.report.text.crop_table import render_crop_tables

    lines = run(import_tables(load_settings(config), sources))
    put_result(listing(lines) if as_json else render_crop_tables(lines, width=result_width()))
    return ExitCode.INCOMPLETE if any(one.faults or one.state == "failed" for one in lines) else ExitCode.DONE

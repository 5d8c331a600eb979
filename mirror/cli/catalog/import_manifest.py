"""`oomirror catalog import-manifest`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options


def import_manifest(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|FOLDER|URL",
            help="A manifest.json, a folder of them, or its https:// or s3:// address.",
            show_default=False,
        ),
    ],
    *,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Take what the project's manifests say of datasets and volumes into the catalog.

    Titles, samples, what each volume shows, and which volumes are stored mirrored in y. What a manifest names and the
    bucket lacks, and the reverse, is found by `oomirror catalog findings`. Importing again changes nothing.
    """
    from mirror.app.manifests import import_manifests
    from mirror.cli.output import put_listing, result_width
    from mirror.cli.signals import run
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import ManifestLine
    from mirror.report.text.catalog import render_manifests

    lines = run(import_manifests(load_settings(config), sources))
    put_listing(
        ManifestLine, lines, lambda: render_manifests(lines, width=result_width()), as_json=as_json, as_csv=as_csv
    )
    return ExitCode.INCOMPLETE if any(line.state == "failed" for line in lines) else ExitCode.DONE

"""`oomirror catalog objects`."""

from __future__ import annotations

from typing import Annotated

import typer

from mirror.cli import options
from mirror.report.numbers import Units


def objects(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Whose objects.", show_default=False)],
    *,
    bucket: options.BucketAll = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            "--prefix", metavar="TEXT", help="Only keys that go on so after the dataset's folder.", show_default="all"
        ),
    ] = None,
    volume: options.VolumePath = None,
    level: Annotated[
        str | None, typer.Option("--level", metavar="NAME", help="Only of this level of --volume.", show_default="all")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=0, help="Show at most so many; 0: all.")] = 1000,
    config: options.Config = None,
    as_json: options.Json = False,
    as_csv: options.Csv = False,
    verbose: options.Traceback = False,  # noqa: ARG001  read where faults are told
    units: options.UnitsOption = Units.SI,
) -> int:
    """List objects: size, ETag, whether the bucket and the share have each, and how it was verified, by which run."""
    from mirror.app.objects import ObjectList
    from mirror.cli.output import put_stream, put_words
    from mirror.config import load_settings
    from mirror.errors import ExitCode
    from mirror.report.model import ObjectLine
    from mirror.report.text.catalog import objects_left_out, render_objects

    settings = load_settings(config)
    with ObjectList(settings, dataset, bucket, prefix, volume, level, limit or None) as objects:
        put_stream(
            ObjectLine,
            objects.lines(),
            lambda lines: render_objects(lines, units=units),
            as_json=as_json,
            as_csv=as_csv,
        )
    if words := objects_left_out(objects):
        put_words(words)
    return ExitCode.DONE

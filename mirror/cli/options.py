"""The options that commands share, each with its help, said once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from mirror.report.numbers import Units
from mirror.store.connection import Transport


class Checksum(StrEnum):
    """What `--checksum` takes."""

    AUTO = "auto"
    SIZE = "size"


class Check(StrEnum):
    """What `adopt --check` takes."""

    SIZE = "size"
    MD5 = "md5"


class TableFormat(StrEnum):
    """What `catalog export --format` takes."""

    PARQUET = "parquet"
    CSV = "csv"


class Axis(StrEnum):
    """What `--axis` takes."""

    Z = "z"
    Y = "y"
    X = "x"


class ProgressKind(StrEnum):
    """What `--progress` takes."""

    AUTO = "auto"
    PLAIN = "plain"
    NONE = "none"


Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Read this configuration instead of $OOMIRROR_CONFIG, ./oomirror.toml or the user's.",
        show_default=False,
    ),
]
Datasets: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="DATASET", help="Names of datasets, such as jrc_hela-2.", show_default=False),
]
BucketDefault: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--bucket", metavar="NAME", help="Bucket, as the configuration names it.", show_default="default_bucket"
    ),
]
BucketAll: TypeAlias = Annotated[
    str | None, typer.Option("--bucket", metavar="NAME", help="Look at this bucket only.", show_default="all buckets")
]
TransportOption: TypeAlias = Annotated[
    Transport | None,
    typer.Option(
        "--transport",
        help="How the bucket is read: the fast path, and aioboto3 where that cannot serve (auto), the fast path alone "
        "(fast), or aioboto3 alone, which is slow and gets through wherever boto does (careful).",
        show_default="buckets.NAME.transport",
    ),
]
Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON document to stdout, and nothing else there.")
]
Csv: TypeAlias = Annotated[bool, typer.Option("--csv", help="Print CSV with a header line to stdout.")]
DatasetIfAny: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="DATASET", help="Only of this dataset.", show_default="all datasets")
]
Limit: TypeAlias = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="Show at most so many.", show_default="all")
]
VolumePath: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--volume", metavar="PATH", help="Only of this volume: its path inside the container.", show_default="all"
    ),
]
Vanished: TypeAlias = Annotated[bool, typer.Option("--all", help="Those that the bucket has no more, too.")]
Long: TypeAlias = Annotated[bool, typer.Option("--long", "-l", help="Say more of each, on a line below it.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")]
Verbose: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Say also how buckets are reached, what is tried again, and the traceback of a fault."
    ),
]
Traceback: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show the traceback of a fault of the program.")
]
LogJson: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--log-json",
        metavar="FILE",
        help="Append every event to FILE, a JSON object a line, with its time in UTC.",
        show_default=False,
    ),
]
Log: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="Append all that is said to FILE, with times; turned over at 1 MB, as FILE.1 to FILE.9.",
        show_default=False,
    ),
]
Progress: TypeAlias = Annotated[
    ProgressKind,
    typer.Option(
        "--progress", help="Bars on a terminal and else a line a minute (auto), a line a minute (plain), or none."
    ),
]
UnitsOption: TypeAlias = Annotated[
    Units, typer.Option("--units", help="GB of 10^9 bytes (si), or GiB of 2^30 bytes (iec).")
]
Force: TypeAlias = Annotated[
    bool,
    typer.Option("--force", help="Use a catalog that lies on the share, though SQLite over a network corrupts."),
]
PictureFile: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FILE", help="PNG to write; one that is there is replaced.", show_default=False
    ),
]
Slice: TypeAlias = Annotated[
    str, typer.Option("--z", metavar="mid|N|N%", help="Which slice along the axis: in the middle, by number, by share.")
]
SliceAxis: TypeAlias = Annotated[Axis, typer.Option("--axis", help="Axis that the slice stands on.")]
Contrast: TypeAlias = Annotated[
    str,
    typer.Option(
        "--contrast",
        metavar="auto|full|LO,HI",
        help="Black and white: by what there is (auto), the range of the type (full), or two values.",
    ),
]
FetchMissing: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--fetch-missing", help="Fetch the blocks that are missing on the share, as sync does, and keep them."
    ),
]
CropDataset: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="NAME",
        help="Dataset of the crop, where several have one of that number.",
        show_default=False,
    ),
]
GroundTruthVersion: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--ground-truth",
        metavar="VERSION",
        help="Version of the ground truth, as 0003, where there are several.",
        show_default=False,
    ),
]

"""`python -m bench diffing`: two buckets of a million blocks each, compared from their listings in the catalog.

Both listings are made by scans of a made-up dataset, of which A lacks the last blocks. Neither bucket answers any more
when the two are compared: what is measured is the whole command, and none of the network.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import update

from bench.blocks import BUCKET
from bench.listing_server import DATASET
from bench.measure import Measured, measure
from bench.repeat import TMPFS, environment_of, serving
from bench.tools import OOMIRROR
from catalog import tables
from catalog.config import sqlite_url
from catalog.session import open_catalog
from mirror.demo.buckets import B_PREFIX
from mirror.errors import MirrorError
from oomirror import __version__

_A_URL = f"s3://made-up/{B_PREFIX}".rstrip("/")
_B_URL = f"s3://{BUCKET}/{B_PREFIX}".rstrip("/")
_NOBODY = "http://127.0.0.1:9"
BAR_SECONDS = 20
BAR_BYTES = 400_000_000


def main(arguments: Sequence[str]) -> int:
    """Make the catalog, measure, and print the figures as Markdown; 1 if a figure is over its bar."""
    options = _parser().parse_args(arguments)
    print(f"`python -m bench diffing {' '.join(arguments)}`, oomirror {__version__}\n")
    with tempfile.TemporaryDirectory(prefix="oomirror-diffing-", dir=options.dir) as name:
        folder = Path(name)
        _fill(folder, options.keys)
        environment = _environment(folder, _NOBODY)
        runs = [_compare(environment) for _ in range(options.runs)]
    median = Measured.median(runs)
    print("| blocks on each side | s | CPU s | peak MB |\n|---:|---:|---:|---:|")
    print(f"| {options.keys:,} | {median.seconds:.1f} | {median.cpu_seconds:.1f} | {median.peak_bytes / 1e6:.0f} |")
    return int(median.seconds > BAR_SECONDS or median.peak_bytes > BAR_BYTES)


def _environment(folder: Path, endpoint_url: str) -> dict[str, str]:
    a = {"OOMIRROR_BUCKETS__A__URL": _A_URL, "OOMIRROR_BUCKETS__A__ENDPOINT_URL": _NOBODY}
    return environment_of(folder, endpoint_url) | a


def _fill(folder: Path, n_keys: int) -> None:
    """List the dataset twice: the first listing is made out to be bucket A's."""
    measure([*OOMIRROR, "init"], _environment(folder, _NOBODY))
    for n_listed, edition in ((n_keys - n_keys // 50, 1), (n_keys, 0)):
        with serving([f"--keys={n_listed}", f"--edition={edition}"]) as url:
            measure([*OOMIRROR, "scan", DATASET, "--bucket", "b"], _environment(folder, url))
        if edition:
            file = sqlite_url(folder / "catalog" / "catalog.db")
            with open_catalog(file) as catalog, catalog.begin() as connection:
                bucket = tables.bucket
                connection.execute(update(bucket).where(bucket.c.url == _B_URL).values(url=_A_URL))


def _compare(environment: Mapping[str, str]) -> Measured:
    """Measure one comparison.

    Raises
    ------
    MirrorError
        It compared nothing, or left bytes unexplained.
    """
    measured, output = measure([*OOMIRROR, "diff-buckets", DATASET, "--json"], environment)
    (one,) = json.loads(output)["datasets"]
    if one["unexplained_bytes"] or not one["difference_bytes"] or not one["pairs"]:
        raise MirrorError("the comparison is not what it should be", DATASET, found=output[:1000])
    return measured


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench diffing", description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000, help="blocks in each bucket (1000000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of the command (3)")
    parser.add_argument("--dir", type=Path, default=TMPFS, help=f"where the catalog is made ({TMPFS})")
    return parser

"""`python -m bench catalog`: the catalog of a made-up jrc_hela-2 at real size: listed, mirrored, changed, looked at.

One volume has the 470,000 blocks of jrc_hela-2's finest level, the others share the rest. Each block has a row of the
listing and one of the mirror, written by a scan and by the functions that a sync commits with; no file is made.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection

from bench.listing_server import DATASET
from bench.measure import Measured, measure
from bench.repeat import TMPFS, environment_of, fill_catalog, serving
from bench.tools import OOMIRROR
from bench.waits import Waits
from catalog import queries
from catalog.config import sqlite_url
from catalog.session import open_catalog
from catalog.sizes import catalog_size
from oomirror import __version__

_BUCKET_URL = "s3://janelia-cosem-publications/heinrich-2021a"


def _newest_shards(connection: Connection, bucket: int) -> object:
    newest = queries.newest_snapshot(connection, bucket, DATASET)
    return newest and queries.snapshot_shards(connection, newest.id)


def _compared(connection: Connection, bucket: int) -> object:
    newest = queries.newest_snapshot(connection, bucket, DATASET)
    return newest and queries.compare_listings(connection, newest.id)


START = "--version"
"""What takes no more than a start."""
COMMANDS: Mapping[str, Sequence[str]] = {
    START: (START,),
    "catalog search, empty catalog": ("catalog", "search", "mito", "seg"),
    "ls": ("ls", "--bucket", "b"),
    "ls DATASET": ("ls", DATASET, "--bucket", "b"),
    "catalog levels DATASET": ("catalog", "levels", DATASET),
    "catalog search": ("catalog", "search", "mito", "seg"),
    "catalog info": ("catalog", "info"),
}
"""What is timed as a whole process; those with `empty` look at a catalog without rows."""
QUERIES: Mapping[str, Callable[[Connection, int], object]] = {
    "datasets of a bucket": queries.dataset_names,
    "levels of the dataset": lambda connection, bucket: queries.dataset_state(connection, bucket, DATASET),
    "search": lambda connection, _: queries.search(connection, "mito seg"),
    "shards of the newest listing": _newest_shards,
    "where two listings differ": _compared,
}
"""What is timed by itself."""


def main(arguments: Sequence[str]) -> int:
    """Make the catalog, measure, and print the figures as Markdown."""
    options = _parser().parse_args(arguments)
    print(f"`python -m bench catalog {' '.join(arguments)}`, oomirror {__version__}\n")
    with tempfile.TemporaryDirectory(prefix="oomirror-catalog-", dir=options.dir) as name:
        folder, empty = Path(name), Path(name, "empty")
        empty.mkdir()
        file = folder / "catalog" / "catalog.db"
        server = [f"--keys={options.keys}", f"--volumes={options.volumes}"]
        with serving(server) as url:
            environments = {place: environment_of(place, url) for place in (folder, empty)}
            for environment in environments.values():
                measure([*OOMIRROR, "init"], environment)
            _show_table(("scan", *_SCAN_HEAD), _scans(environments[folder], file, ("first", "nothing changed")))
            _show_filling(environments[folder], file)
            _show_sizes(file)
            _show_table(("query", "ms"), _timed_queries(file, options.runs))
            _show_table(("command", "s", "more than a start", "CPU s", "peak MB"), _timed(environments, options.runs))
        with serving([*server, "--edition=1"]) as url:
            changed = environment_of(folder, url)
            _show_table(("scan", *_SCAN_HEAD), _scans(changed, file, ("all changed", "nothing changed", "again")))
        with serving([*server, "--edition=2"]) as url:
            changed = environment_of(folder, url)
            _show_table(("scan", *_SCAN_HEAD), _scans(changed, file, ("all changed, old listing dropped",)))
        _show_sizes(file)
    return 0


_SCAN_HEAD = ("objects", "s", "objects/s", "CPU s", "peak MB", "longest wait to write, s", "to read, s")


def _scans(environment: Mapping[str, str], file: Path, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for name in names:
        with Waits(file) as waits:
            measured, output = measure([*OOMIRROR, "scan", DATASET, "--bucket", "b", "--json"], environment)
        n_objects = json.loads(output)[0]["listed"]["objects"]
        yield (
            name,
            f"{n_objects:,}",
            f"{measured.seconds:.1f}",
            f"{n_objects / measured.seconds:,.0f}",
            f"{measured.cpu_seconds:.1f}",
            f"{measured.peak_bytes / 1e6:.0f}",
            f"{waits.longest_write_seconds:.2f}",
            f"{waits.longest_read_seconds:.2f}",
        )


def _show_filling(environment: Mapping[str, str], file: Path) -> None:
    started = time.perf_counter()
    fill_catalog(environment)
    seconds = time.perf_counter() - started
    with open_catalog(sqlite_url(file)) as catalog, catalog.begin() as connection:
        bucket = queries.bucket_id(connection, _BUCKET_URL)
        begun = time.perf_counter()
        queries.count_sums(connection, bucket, DATASET)
        counted = time.perf_counter() - begun
    print(f"Rows of the mirror were written in {seconds:.0f} s, listing included; summed in {counted:.2f} s.\n")


def _show_sizes(file: Path) -> None:
    with open_catalog(sqlite_url(file), read_only=True) as catalog, catalog.read() as connection:
        size = catalog_size(connection, file, counted_bytes=10**12)
    rows = [
        (one.name, f"{one.rows:,}", f"{one.bytes / 1e6:.1f}", f"{one.bytes_per_row:.1f}")
        for one in size.tables
        if one.rows and one.bytes_per_row and one.bytes > 100_000
    ]
    print(f"{size.used_bytes / 1e6:.1f} MB, {size.bytes_per_block_row:.1f} bytes a row of a block.\n")
    _show_table(("table", "rows", "MB", "bytes a row"), rows)


def _timed_queries(file: Path, n_runs: int) -> Iterator[tuple[str, ...]]:
    with open_catalog(sqlite_url(file), read_only=True) as catalog:
        with catalog.read() as connection:
            bucket = queries.bucket_id(connection, _BUCKET_URL)
        for name, query in QUERIES.items():
            seconds = []
            for _ in range(n_runs):
                with catalog.read() as connection:
                    started = time.perf_counter()
                    query(connection, bucket)
                    seconds.append(time.perf_counter() - started)
            yield name, f"{1000 * statistics.median(seconds):.1f}"


def _timed(environments: Mapping[Path, Mapping[str, str]], n_runs: int) -> Iterator[tuple[str, ...]]:
    full, empty = environments.values()
    runs: dict[str, list[Measured]] = {name: [] for name in COMMANDS}
    for _ in range(n_runs):
        for name, words in COMMANDS.items():
            runs[name].append(measure([*OOMIRROR, *words], empty if "empty" in name else full)[0])
    medians = {name: Measured.median(measured) for name, measured in runs.items()}
    for name, median in medians.items():
        more = median.seconds - medians[START].seconds
        peak = f"{median.peak_bytes / 1e6:.0f}"
        yield name, f"{median.seconds:.2f}", f"{more:.2f}", f"{median.cpu_seconds:.2f}", peak


def _show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    print(f"| {' | '.join(head)} |")
    print(f"|---|{'---:|' * (len(head) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print(flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench catalog", description=__doc__)
    parser.add_argument("--keys", type=int, default=2_500_000, help="blocks, each with two rows (2500000)")
    parser.add_argument("--volumes", type=int, default=80, help="volumes that share them (80)")
    parser.add_argument("--runs", type=int, default=9, help="runs of each command and query (9)")
    parser.add_argument("--dir", type=Path, default=TMPFS, help=f"where the catalog is made ({TMPFS})")
    return parser

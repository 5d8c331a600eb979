"""Small catalogs for tests: a bucket, a run, an array, rows as real ones look."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection

from catalog import queries
from catalog.config import sqlite_url
from catalog.records import HOW_MD5, ArrayRecord, ListedBlockRow, MirroredBlockRow, RunKind, SnapshotScope

BUCKET_B = "s3://janelia-cosem-publications/heinrich-2021a"
DATASET = "jrc_hela-2"
CONTAINER = "heinrich-2021a/jrc_hela-2/jrc_hela-2.n5/"
START = datetime(2026, 11, 24, 3, 0, 0, tzinfo=UTC)


def run_sql(url: str, sql: str) -> list[tuple[Any, ...]]:
    """Run one statement in a catalog without our own code; return its rows."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file, file:
            return file.execute(sql).fetchall()
    with psycopg.connect(url) as connection:
        cursor = connection.execute(sql)
        return [] if cursor.description is None else list(cursor)


def url_in(folder: Path) -> str:
    """Return the URL of a catalog in a folder."""
    return sqlite_url(folder / "catalog.db")


def at(hours: int) -> datetime:
    """Return a moment some hours after the first."""
    return START + timedelta(hours=hours)


def array_record(bucket_id: int, path: str = "volumes/raw/s0") -> ArrayRecord:
    """Return raw of jrc_hela-2 in bucket B, or an array like it."""
    return ArrayRecord(
        bucket_id=bucket_id,
        prefix=CONTAINER,
        path=path,
        format="n5",
        shape_xyz=(12000, 1600, 6368),
        block_size_xyz=(64, 64, 64),
        data_type="uint8",
        compression={"type": "gzip", "level": -1, "useZlib": False},
        attributes_hash=b"\x01" * 16,
    )


def start_run(connection: Connection, bucket_id: int, *, host: str = "node1", pid: int = 4711) -> int:
    """Start a run of `sync` on jrc_hela-2."""
    return queries.start_run(
        connection,
        kind=RunKind.SYNC,
        bucket_id=bucket_id,
        datasets=[DATASET],
        selection={"scales": "s0-s2"},
        started_at=START,
        host=host,
        pid=pid,
        version="0.1.0",
    )


def start_snapshot(
    connection: Connection, bucket_id: int, run_id: int, *, scope: SnapshotScope = SnapshotScope.ALL
) -> int:
    """Start a snapshot of jrc_hela-2."""
    return queries.start_snapshot(
        connection, bucket_id=bucket_id, dataset=DATASET, run_id=run_id, scope=scope, started_at=START
    )


def listed_block_rows(n: int, seed: int = 0) -> list[ListedBlockRow]:
    """Return n blocks of one slab."""
    source = random.Random(seed)
    return [(0, i // 100, i % 100, source.randrange(100_000, 250_000), source.randbytes(16)) for i in range(n)]


def mirrored_block_rows(n: int, array_id: int, run_id: int, seed: int = 0) -> Iterator[MirroredBlockRow]:
    """Yield n blocks of the grid of jrc_hela-2's raw, in the grid's order."""
    source = random.Random(seed)
    for (x, y, z), _ in zip(product(range(188), range(25), range(100)), range(n), strict=False):
        size = source.randrange(100_000, 250_000)
        yield array_id, x, y, z, size, source.randbytes(16), source.randbytes(16), HOW_MD5, run_id

"""How large the catalog is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.session import Catalog, open_catalog
from catalog.sizes import CatalogSize, TableSize, catalog_size, disk_size, used_bytes
from tests.catalog import builders
from tests.catalog.builders import CONTAINER, DATASET, at

N = 20_000


@pytest.fixture
def catalog(sqlite_url: str) -> Iterator[Catalog]:
    """Yield an open SQLite catalog without rows."""
    with open_catalog(sqlite_url) as opened:
        yield opened


@pytest.fixture
def filled(catalog: Catalog) -> Iterator[Connection]:
    """Yield a connection to a catalog with listed and mirrored blocks, and some objects."""
    with catalog.begin() as connection:
        bucket = queries.bucket_id(connection, builders.BUCKET_B)
        run = builders.start_run(connection, bucket)
        array = queries.put_array(connection, builders.array_record(bucket))
        queries.put_mirrored_blocks(connection, builders.mirrored_block_rows(N, array, run))
        taken = builders.start_snapshot(connection, bucket, run)
        prefix = f"{CONTAINER}volumes/raw/s0/"
        queries.add_shard(
            connection,
            taken,
            bucket_id=bucket,
            array_id=array,
            prefix=prefix,
            digest=b"d",
            blocks=builders.listed_block_rows(N),
            objects=[(f"{prefix}stray", 5, b"f" * 16, 0)],
        )
        queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(1))
        queries.count_sums(connection, bucket, DATASET)
    with catalog.read() as connection:
        yield connection


def file_of(tmp_path: Path) -> Path:
    """Return the catalog's file."""
    return tmp_path / "catalog.db"


def test_a_catalog_is_measured_page_by_page(filled: Connection, tmp_path: Path) -> None:
    """Rows are counted, bytes are those of the pages: together all that is used."""
    size = catalog_size(filled, file_of(tmp_path))
    assert {name: size.table(name).rows for name in ("listed_block", "mirrored_block", "listed_object", "shard")} == {
        "listed_block": N,
        "mirrored_block": N,
        "listed_object": 1,
        "shard": 1,
    }
    assert sum(one.bytes for one in size.tables) == size.used_bytes == used_bytes(filled)
    assert not any(one.is_estimate for one in size.tables)
    assert size.database.startswith("SQLite 3.")
    assert size.file_bytes is not None
    assert size.log_bytes is not None
    assert size.file_bytes + size.log_bytes >= size.used_bytes


def test_a_row_of_a_block_takes_at_most_64_bytes(filled: Connection, tmp_path: Path) -> None:
    """Gaps and what is above the leaves included."""
    size = catalog_size(filled, file_of(tmp_path))
    assert size.bytes_per_block_row is not None
    assert 30 < size.bytes_per_block_row <= 64
    each = size.table("mirrored_block").bytes_per_row
    assert each is not None
    assert each <= 64


def test_an_estimate_is_near_and_says_so(filled: Connection, tmp_path: Path) -> None:
    """Where a look at each page would take too long, rows come from the kept sums, and bytes from a sample."""
    exact = catalog_size(filled, file_of(tmp_path))
    about = catalog_size(filled, file_of(tmp_path), counted_bytes=0)
    assert all(one.is_estimate for one in about.tables)
    for name in ("listed_block", "mirrored_block"):
        assert about.table(name).rows == exact.table(name).rows
        assert about.table(name).bytes == pytest.approx(exact.table(name).bytes, rel=0.2)
    assert about.used_bytes == exact.used_bytes


def test_an_empty_catalog_has_a_size(connection: Connection, tmp_path: Path) -> None:
    """Without rows nothing is said of a row."""
    for counted_bytes in (0, 10**9):
        size = catalog_size(connection, file_of(tmp_path), counted_bytes=counted_bytes)
        assert size.bytes_per_block_row is None
        assert size.listing_bytes(10, 0) is None
        assert size.listing_bytes(0, 0) == 0


def test_what_is_dropped_is_free(catalog: Catalog, filled: Connection, tmp_path: Path) -> None:
    """Free pages are no part of what is used."""
    before = used_bytes(filled)
    with catalog.begin() as connection:
        connection.exec_driver_sql("DELETE FROM mirrored_block")
    with catalog.read() as connection:
        free = disk_size(connection, file_of(tmp_path)).free_bytes
        assert used_bytes(connection) + free == before
        assert free > 20 * N


def test_a_listing_s_bytes_are_those_of_its_rows() -> None:
    """Blocks and other objects weigh what those that are there weigh."""
    tables = (TableSize("listed_block", 10, 400), TableSize("listed_object", 2, 300))
    size = CatalogSize("", 700, tables)
    assert size.listing_bytes(100, 4) == 4_600
    assert CatalogSize("", 0, tables[:1]).listing_bytes(1, 1) is None

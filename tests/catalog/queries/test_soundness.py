"""Whether the database is sound."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from catalog import queries
from catalog.session import Catalog, open_catalog


@pytest.mark.parametrize("with_indexes", [False, True])
def test_a_new_catalog_is_sound(catalog: Catalog, *, with_indexes: bool) -> None:
    """No page is broken, and no row refers to one that is not there."""
    with catalog.read() as connection:
        assert queries.broken_pages(connection, with_indexes=with_indexes) == ()
        assert queries.broken_references(connection) == ()


def test_a_row_that_refers_to_nothing_is_named(sqlite_url: str, tmp_path: Path) -> None:
    """Table, row and what it refers to are said."""
    with closing(sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)) as raw:
        raw.execute("INSERT INTO dataset (id, bucket_id, name, prefix) VALUES (7, 99, 'd', 'd/')")
    with open_catalog(sqlite_url) as catalog, catalog.read() as connection:
        assert queries.broken_references(connection) == ("dataset 7 -> bucket",)


def test_an_index_that_lacks_a_row_is_found(sqlite_url: str, tmp_path: Path) -> None:
    """A comparison of indexes with rows finds what a look at the pages does not."""
    with closing(sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)) as raw:
        raw.execute("INSERT INTO bucket (id, url) VALUES (1, 's3://a')")
        raw.execute("PRAGMA writable_schema=ON")
        raw.execute("UPDATE sqlite_master SET sql = replace(sql, 'url', 'id') WHERE name = 'uq_bucket_url'")
        raw.execute("UPDATE sqlite_master SET sql = replace(sql, 'UNIQUE (url)', 'UNIQUE (id)') WHERE name = 'bucket'")
    with open_catalog(sqlite_url) as catalog, catalog.read() as connection:
        assert queries.broken_pages(connection, with_indexes=True)

"""A query of the user's own: it reads, and can do nothing else."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from catalog import queries
from catalog.config import catalog_file
from catalog.errors import QueryError
from catalog.records import SearchEntry
from catalog.session import open_catalog
from tests.catalog.builders import BUCKET_B, DATASET

REFUSED = [
    "INSERT INTO bucket(id, url) VALUES (7, 's3://x')",
    "INSERT INTO bucket(id, url) VALUES (7, 's3://x') RETURNING id",
    "UPDATE bucket SET url = 's3://x'",
    "DELETE FROM bucket",
    "WITH gone AS (SELECT 1) DELETE FROM bucket",
    "DROP TABLE bucket",
    "CREATE TEMP TABLE mine(a INTEGER)",
    "SELECT 1; DELETE FROM bucket",
    "BEGIN",
    "COMMIT",
    "",
    " ; ",
    "-- nothing",
    "SELEC 1",
    "SELECT * FROM nowhere",
]
REFUSED_BY_SQLITE = [
    "ATTACH '{folder}/other.db' AS other",
    "VACUUM INTO '{folder}/other.db'",
    "VACUUM",
    "REINDEX",
    "ANALYZE",
    "PRAGMA journal_mode=DELETE",
    "PRAGMA query_only=OFF",
    "PRAGMA writable_schema=1",
    "PRAGMA user_version=7",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA temp_store_directory='{folder}'",
    "EXPLAIN DELETE FROM bucket",
    "SELECT load_extension('{folder}/other.so')",
    "INSERT INTO search_index(search_index) VALUES ('rebuild')",
]


@pytest.fixture
def filled_url(catalog_url: str) -> str:
    """Return the URL of a catalog with two buckets in it."""
    with open_catalog(catalog_url) as catalog, catalog.begin() as connection:
        for url in (BUCKET_B, "s3://janelia-cosem-datasets"):
            queries.bucket_id(connection, url)
        entry = queries.words_of(DATASET)
        bucket = queries.bucket_id(connection, BUCKET_B)
        record = SearchEntry(bucket, DATASET, "dataset", "heinrich-2021a/jrc_hela-2/", DATASET, entry)
        queries.put_search_entries(connection, bucket, DATASET, [record])
    return catalog_url


def ask(url: str, sql: str, limit: int = 10) -> queries.Answer:
    """Run one query on the catalog, opened as commands that only look at it open it."""
    with open_catalog(url, create=False, read_only=True) as catalog, catalog.read() as connection:
        return queries.run_query(connection, sql, limit=limit)


def content(url: str) -> bytes:
    """Return the bytes of a catalog's file and its log; of one on a server nothing."""
    file = catalog_file(url)
    return b"" if file is None else b"".join(one.read_bytes() for one in sorted(file.parent.glob("catalog.db*[!m]")))


def test_a_query_gives_its_columns_and_rows(filled_url: str) -> None:
    """Columns come as the query names them, NULL as None."""
    answer = ask(filled_url, "SELECT id, url, NULL AS empty FROM bucket ORDER BY id;")
    assert answer.columns == ("id", "url", "empty")
    assert answer.rows == ((1, BUCKET_B, None), (2, "s3://janelia-cosem-datasets", None))
    assert not answer.has_more


def test_more_rows_than_the_limit_are_said(filled_url: str) -> None:
    """A limit cuts the rows, and is told; one that is just met cuts nothing."""
    assert ask(filled_url, "SELECT url FROM bucket", limit=1).has_more
    assert not ask(filled_url, "SELECT url FROM bucket", limit=2).has_more


def test_a_query_may_use_percent_signs_and_semicolons_in_texts(filled_url: str) -> None:
    """No driver takes a LIKE for a parameter, nor a text for two statements."""
    answer = ask(filled_url, "SELECT count(*), 'a;b' FROM bucket WHERE url LIKE 's3://%' -- both")
    assert answer.rows == ((2, "a;b"),)


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_no_reading_query_is_refused(filled_url: str, sql: str) -> None:
    """Writes, several statements, transactions and no query at all are refused, and change nothing."""
    before = content(filled_url)
    with pytest.raises(QueryError):
        ask(filled_url, sql)
    assert content(filled_url) == before
    assert ask(filled_url, "SELECT count(*) FROM bucket").rows == ((2,),)


@pytest.mark.parametrize("sql", REFUSED_BY_SQLITE)
def test_sqlite_does_nothing_beside_reading(tmp_path: Path, blank_catalog: Path, sql: str) -> None:
    """Other files, settings and programs are out of reach; the file keeps its bytes, and none appears beside it."""
    file = tmp_path / "catalog.db"
    file.write_bytes(blank_catalog.read_bytes())
    before = file.read_bytes()
    with pytest.raises(QueryError):
        ask(f"sqlite:///{file}", sql.format(folder=tmp_path))
    assert file.read_bytes() == before
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        pytest.param("SELECT x'00ff'", "00ff", id="bytes are hex"),
        pytest.param(
            "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t) SELECT n FROM t", 1, id="recursive"
        ),
        pytest.param("SELECT words FROM search_index WHERE search_index MATCH 'hela*'", "jrc hela 2", id="full text"),
        pytest.param("SELECT value FROM json_each('[5]')", 5, id="JSON"),
        pytest.param("PRAGMA table_info(bucket)", 0, id="a pragma that tells"),
        pytest.param("SELECT count(*) FROM pragma_table_info('bucket')", 2, id="the same as a table"),
        pytest.param("VALUES (3)", 3, id="VALUES"),
    ],
)
def test_sqlite_reads_all_that_can_be_read(tmp_path: Path, blank_catalog: Path, sql: str, first: object) -> None:
    """Full-text search, JSON, recursion and the shape of tables are open to queries."""
    (tmp_path / "catalog.db").write_bytes(blank_catalog.read_bytes())
    url = f"sqlite:///{tmp_path}/catalog.db"
    with open_catalog(url) as catalog, catalog.begin() as connection:
        bucket = queries.bucket_id(connection, BUCKET_B)
        record = SearchEntry(bucket, DATASET, "dataset", "p/", DATASET, queries.words_of(DATASET))
        queries.put_search_entries(connection, bucket, DATASET, [record])
    assert ask(url, sql).rows[0][0] == first


def test_two_queries_of_one_connection(filled_url: str) -> None:
    """A connection that ran a query can be used for another, and by our own functions."""
    with open_catalog(filled_url, create=False, read_only=True) as catalog, catalog.read() as connection:
        queries.run_query(connection, "SELECT 1", limit=1)
        assert queries.run_query(connection, "SELECT 2", limit=1).rows == ((2,),)
        assert queries.find_bucket(connection, BUCKET_B) is not None


def test_threads_are_not_left_behind(filled_url: str) -> None:
    """A query that is over leaves no thread."""
    before = threading.active_count()
    ask(filled_url, "SELECT 1")
    assert threading.active_count() == before

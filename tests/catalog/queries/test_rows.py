"""Rows in bulk and keys by range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from catalog.queries.rows import BATCH_ROWS, batches, first_after, put_rows, starts_with, stream, upsert
from catalog.tables import bucket, document, listed_object, metadata

keys = st.text(st.characters(codec="utf-8"), max_size=5)


@pytest.mark.parametrize(
    ("prefix", "after"),
    [
        pytest.param("a/", "a0", id="a folder"),
        pytest.param("", None, id="all keys"),
        pytest.param("a\U0010ffff", "b", id="the last character carries"),
        pytest.param("\U0010ffff", None, id="nothing is greater"),
        pytest.param("\ud7ff", "\ue000", id="surrogates are left out"),
    ],
)
def test_the_end_of_a_range_is_the_least_text_above_it(prefix: str, after: str | None) -> None:
    """The range of a prefix ends where its last character is the next one."""
    assert first_after(prefix) == after


@given(prefix=keys, key=keys)
def test_a_key_is_in_the_range_of_its_prefixes_and_of_no_others(prefix: str, key: str) -> None:
    """In the order of UTF-8 bytes, a range holds just the keys that start with its prefix."""
    after = first_after(prefix)
    is_inside = key.encode() >= prefix.encode() and (after is None or key.encode() < after.encode())
    assert is_inside == key.startswith(prefix)


def test_a_prefix_is_taken_as_it_is(connection: Connection) -> None:
    """No character of a prefix is a wildcard, and case counts."""
    connection.execute(bucket.insert().values(id=1, url="s3://b"))
    names = ["a_b/1", "aXb/1", "A_b/1", "a_b", "a_b/%", "ä/1"]
    put_rows(connection, document, [(1, name, b"e", b"", None) for name in names])
    query = select(document.c.key).where(starts_with(document.c.key, "a_b/")).order_by(document.c.key)
    assert list(stream(connection, query)) == [("a_b/%",), ("a_b/1",)]


def test_rows_come_back_whole_and_in_order_beyond_one_batch(connection: Connection) -> None:
    """More rows than one batch holds are all written, and read as plain tuples in the order of their keys."""
    connection.execute(bucket.insert().values(id=1, url="s3://b"))
    expected = [(1, f"{i:06}", b"e", b"b", None) for i in range(BATCH_ROWS + 3)]
    put_rows(connection, document, reversed(expected))
    found = list(stream(connection, select(document).order_by(document.c.key)))
    assert found == expected
    assert type(found[0]) is tuple


def test_batches_lose_nothing() -> None:
    """Batches hold all rows, none of them empty."""
    sizes = [len(batch) for batch in batches((i,) for i in range(2 * BATCH_ROWS + 1))]
    assert sizes == [BATCH_ROWS, BATCH_ROWS, 1]
    assert list(batches(())) == []


def test_the_statement_takes_columns_in_the_order_of_the_table() -> None:
    """On SQLite the upsert takes positional parameters, one a column, as rows give them."""
    dialect = sqlite.dialect()
    sql = str(upsert(listed_object, dialect).compile(dialect=dialect))
    assert '(shard_id, "key", size, etag, last_modified) VALUES (?, ?, ?, ?, ?)' in sql
    assert 'ON CONFLICT ("key", shard_id) DO UPDATE SET size = excluded.size' in sql


@pytest.mark.parametrize("name", sorted(metadata.tables))
def test_every_table_can_be_upserted_on_postgresql_too(name: str) -> None:
    """The same upsert compiles for PostgreSQL."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    assert "ON CONFLICT" in str(upsert(metadata.tables[name], dialect).compile(dialect=dialect))

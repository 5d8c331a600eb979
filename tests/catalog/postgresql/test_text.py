"""Text with NUL in a database that takes none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import queries
from catalog.postgresql.text import escape, unescape
from catalog.queries.rows import first_after
from catalog.session import open_catalog
from tests.catalog.builders import BUCKET_B, run_sql

TEXTS = st.text(st.sampled_from("\0\x01\x02/ab\x7fé\U0010ffff") | st.characters(exclude_categories=["Cs"]), max_size=8)


@given(TEXTS)
def test_what_is_escaped_comes_back(text: str) -> None:
    """Escaping loses nothing, and leaves no NUL."""
    assert unescape(escape(text)) == text
    assert "\0" not in escape(text)


@given(TEXTS, TEXTS)
def test_escaped_texts_are_in_the_order_of_the_texts(one: str, other: str) -> None:
    """Two keys compare as they did, byte by byte, so that a listing stays in its order."""
    assert (one.encode() < other.encode()) == (escape(one).encode() < escape(other).encode())


@given(TEXTS, TEXTS)
def test_a_prefix_is_a_range_of_escaped_texts(prefix: str, text: str) -> None:
    """Just the keys with a prefix lie in the range that stands for it."""
    after = first_after(prefix)
    start, end = escape(prefix).encode(), None if after is None else escape(after).encode()
    inside = start <= escape(text).encode() and (end is None or escape(text).encode() < end)
    assert inside == text.startswith(prefix)


@pytest.mark.parametrize("text", ["", "jrc_hela-2/jrc_hela-2.n5/attributes.json", "größe/日本語"])
def test_text_without_such_characters_is_stored_as_it_is(postgres_url: str, text: str) -> None:
    """What other programs read in the database is the very text."""
    with open_catalog(postgres_url) as catalog, catalog.begin() as connection:
        queries.put_documents(connection, [(queries.bucket_id(connection, BUCKET_B), text, b"e", b"b", None)])
    assert run_sql(postgres_url, "SELECT key FROM document") == [(text,)]

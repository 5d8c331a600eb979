"""Full-text search."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.records import SearchEntry
from tests.catalog.builders import DATASET

VOLUMES = {
    "labels/mito_seg": "mitochondria segmentation",
    "labels/mito_pred": "mitochondria prediction",
    "labels/mito-mem_seg": "mitochondria membrane segmentation",
    "labels/er_seg": "endoplasmic reticulum segmentation",
    "em/fibsem-uint16": "em",
}


@pytest.fixture
def filled(connection: Connection, bucket: int) -> Connection:
    """Return a connection to a catalog in which five volumes can be found."""
    entries = [
        SearchEntry(bucket, DATASET, "volume", path, title, queries.words_of(path, title))
        for path, title in VOLUMES.items()
    ]
    queries.put_search_entries(connection, bucket, DATASET, entries)
    return connection


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param("mito seg", ["labels/mito_seg", "labels/mito-mem_seg"], id="the shorter first"),
        pytest.param("MITO_pred", ["labels/mito_pred"], id="case and underscore"),
        pytest.param("reticul", ["labels/er_seg"], id="beginning of a word"),
        pytest.param("uint16", ["em/fibsem-uint16"], id="digits"),
        pytest.param("mito nucleus", [], id="all words are wanted"),
        pytest.param('"mito* OR (', [], id="no syntax"),
        pytest.param("' & | ! :*", [], id="nothing to look for"),
    ],
)
def test_search_finds_what_has_all_the_words(filled: Connection, text: str, places: list[str]) -> None:
    """Words are told as people write them, and may be begun only; nothing in them is syntax."""
    assert [entry.place for entry in queries.search(filled, text)] == places


def test_what_is_put_again_is_found_once(filled: Connection, bucket: int) -> None:
    """A dataset's entries replace what it had; others stay."""
    other = SearchEntry(bucket, "jrc_hela-3", "volume", "x", "mito", "mito")
    queries.put_search_entries(filled, bucket, "jrc_hela-3", [other])
    queries.put_search_entries(filled, bucket, DATASET, [])
    assert queries.search(filled, "mito") == (other,)


def test_search_returns_no_more_than_asked(filled: Connection) -> None:
    """The best come first."""
    assert [entry.place for entry in queries.search(filled, "mito", limit=1)] == ["labels/mito_pred"]

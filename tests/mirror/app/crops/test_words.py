"""Crops in full-text search."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog import queries
from catalog.session import open_catalog
from mirror.app.described import put_search_entries
from mirror.app.search import search
from mirror.config import Settings
from tests.mirror.app.catalogs import HELA
from tests.mirror.app.crops.labs import GROUND_TRUTH, write_crops


@pytest.fixture
def lab(tmp_path: Path) -> Settings:
    """Settings that lead to a catalog with crops."""
    return write_crops(tmp_path)


def found(lab: Settings, text: str) -> list[tuple[str, str]]:
    """Return bucket and place of the crops that a search finds."""
    return [(one.bucket, one.place) for one in search(lab, text) if one.kind == "crop"]


def test_crops_are_found_by_what_they_show(lab: Settings) -> None:
    """By number, kind of cell, labels that are there, organelles and classes; at the place of their ground truth."""
    assert ("b", GROUND_TRUTH) in found(lab, "mito validation")
    assert found(lab, "crop 23") == [("b", "crop 23, ground truth 0003")]
    assert found(lab, "mitochondria training") == [("b", "crop 4, ground truth 0003")]
    assert found(lab, "golgi") == []


def test_a_dataset_that_is_described_anew_keeps_its_crops(lab: Settings) -> None:
    """A scan writes what search finds of the dataset again."""
    before = found(lab, "crop")
    with open_catalog(lab.catalog) as catalog, catalog.begin() as connection:
        for bucket_id, url in queries.buckets(connection).items():
            put_search_entries(connection, bucket_id, url, HELA)
    assert sorted(found(lab, "crop")) == sorted(before)
    assert search(lab, "raw")

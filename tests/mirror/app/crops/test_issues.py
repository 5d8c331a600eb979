"""What is odd about imported documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog import queries
from catalog.records import DatasetRecord
from catalog.session import open_catalog
from mirror.app.crops.issues import list_issues
from mirror.config import Settings
from mirror.errors import UnknownNameError
from tests.mirror.app.catalogs import START
from tests.mirror.app.crops.labs import write_crops


@pytest.fixture
def lab(tmp_path: Path) -> Settings:
    """Settings that lead to a catalog with crops."""
    return write_crops(tmp_path)


def codes(lab: Settings, **wanted: str) -> list[str]:
    """Return the codes of issues."""
    return [line.code for line in list_issues(lab, **wanted)]


def test_issues_are_chosen(lab: Settings) -> None:
    """By code, kind and severity."""
    assert sorted(codes(lab)) == ["label-missing", "text-as-number", "unknown-dataset"]
    assert codes(lab, severity="note") == ["label-missing", "text-as-number"]
    assert codes(lab, code="label-missing") == ["label-missing"]
    assert codes(lab, kind="evaluations") == []
    with pytest.raises(UnknownNameError, match="label-missing"):
        list_issues(lab, code="label-mising")


def test_an_unknown_dataset_is_odd_until_a_bucket_has_it(lab: Settings) -> None:
    """A scan that finds it ends the issue by itself."""
    (line,) = list_issues(lab, code="unknown-dataset")
    assert (line.found, line.field, line.document) == ("jrc_none-1 in 1 document", "dataset_id", "")
    with open_catalog(lab.catalog) as catalog, catalog.begin() as connection:
        (bucket, *_) = queries.buckets(connection)
        queries.put_dataset(connection, DatasetRecord(bucket, "jrc_none-1", "jrc_none-1/", START))
    assert codes(lab, code="unknown-dataset") == []

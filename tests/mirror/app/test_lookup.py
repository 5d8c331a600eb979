"""Names of buckets and datasets, checked against the catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog import queries
from catalog.session import open_catalog
from mirror.app.lookup import bucket_names, check_word, find_places, never_seen
from mirror.errors import UnknownNameError
from tests.mirror.app.catalogs import HELA, write_catalog


def test_a_bucket_that_is_not_configured_has_its_url(tmp_path: Path) -> None:
    """What the catalog knows is shown, though no configuration names its bucket any more."""
    settings = write_catalog(tmp_path)
    with open_catalog(settings.catalog) as catalog, catalog.begin() as connection:
        queries.bucket_id(connection, "s3://elsewhere")
        assert sorted(bucket_names(connection, settings).values()) == ["a", "b", "s3://elsewhere"]
        assert list(bucket_names(connection, settings, "b").values()) == ["b"]


def test_places_are_datasets_in_buckets(tmp_path: Path) -> None:
    """By bucket and name, with the prefix of their keys."""
    settings = write_catalog(tmp_path)
    with open_catalog(settings.catalog) as catalog, catalog.read() as connection:
        places = find_places(connection, settings)
    assert [(place.bucket, place.dataset, place.prefix) for place in places] == [
        ("a", "jrc_jurkat-1", "jrc_jurkat-1/"),
        ("b", HELA, f"heinrich-2021a/{HELA}/"),
    ]


@pytest.mark.parametrize(
    ("known", "hint"),
    [
        ((), "`oomirror scan jrc_hela --bucket b` lists it, if a bucket has it."),
        ((HELA,), "Did you mean jrc_hela-2?"),
        (("zz",), "It knows zz."),
    ],
    ids=["nothing", "near", "far"],
)
def test_a_dataset_that_was_never_seen(known: tuple[str, ...], hint: str) -> None:
    """The error names the command that lists it, and the dataset that was meant."""
    assert hint in never_seen("jrc_hela", known, "b").hint


def test_words() -> None:
    """A word that is known, or none at all, is no error."""
    check_word("kind", None, ["em"])
    check_word("kind", "em", ["em"])
    with pytest.raises(UnknownNameError, match="There is none"):
        check_word("kind", "em", [])

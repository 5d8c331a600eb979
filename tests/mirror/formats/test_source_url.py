"""Addresses on S3 in many spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.source_url import SourceUrl, parse_source_url

A = SourceUrl("janelia-cosem-datasets", "jrc_hela-2/jrc_hela-2.n5/em/fibsem-uint16")
ALIASES = {"janelia-cosem": "janelia-cosem-datasets"}


@pytest.mark.parametrize(
    "text",
    [
        f"s3://{A.bucket}/{A.key}",
        f"s3://{A.bucket}/{A.key}/",
        f"s3://janelia-cosem/{A.key}",
        f"n5://s3://{A.bucket}/{A.key}",
        f"precomputed://https://{A.bucket}.s3.amazonaws.com/{A.key}",
        f"https://{A.bucket}.s3.us-east-1.amazonaws.com/{A.key}",
        f"https://{A.bucket}.s3-us-east-1.amazonaws.com/{A.key}",
        f"https://s3.amazonaws.com/{A.bucket}/{A.key}",
        f"https://s3.us-east-1.amazonaws.com/janelia-cosem/{A.key}?versionId=1",
        f" http://janelia-cosem.s3.amazonaws.com:80/{A.key} ",
    ],
)
def test_all_spellings_are_one_place(text: str) -> None:
    """Old names of the bucket, the web's addresses, Neuroglancer's drivers."""
    assert parse_source_url(text, ALIASES) == A


@pytest.mark.parametrize(
    "text",
    [
        "",
        "labels/er_seg",
        "s3://",
        "s3://bucket",
        "s3://bucket/",
        "https://example.org/a",
        "gs://b/k",
        "http://[x",
        "n5://",
    ],
    ids=repr,
)
def test_what_is_no_address_on_s3(text: str) -> None:
    """A path alone, another store, a bucket without a key."""
    assert parse_source_url(text) is None


def test_letters_of_keys() -> None:
    """The web's addresses are escaped, `s3://` is not."""
    assert parse_source_url("https://b.s3.amazonaws.com/a%20b") == SourceUrl("b", "a b")
    assert parse_source_url("s3://b/a%20b#1?2") == SourceUrl("b", "a%20b#1?2")
    assert str(SourceUrl("b", "k")) == "s3://b/k"


@given(st.text(alphabet="s3htp:/.n5amzonw-[]@%#?bk \n", max_size=40))
def test_no_text_fails(text: str) -> None:
    """Whatever stands there, the answer is a place with bucket and key, or None."""
    found = parse_source_url(text)
    assert found is None or (found.bucket and found.key)

"""Keys and addresses: what is taken, what is refused, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import UsageError
from mirror.keys import Refusal, S3Url, ShareRules, is_folder_marker, key_refusal

WINDOWS = ShareRules(
    forbidden_characters=frozenset('<>:"|?*\\'),
    refuses_device_names=True,
    refuses_trailing_dot=True,
    is_case_blind=True,
)


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://janelia-cosem-datasets", "janelia-cosem-datasets", ""),
        ("s3://janelia-cosem-datasets/", "janelia-cosem-datasets", ""),
        ("s3://janelia-cosem-publications/heinrich-2021a", "janelia-cosem-publications", "heinrich-2021a/"),
        ("s3://b.c_d/x/y/", "b.c_d", "x/y/"),
    ],
)
def test_an_address_is_a_bucket_and_a_folder(text: str, bucket: str, prefix: str) -> None:
    """The prefix ends with a slash or is empty, however the address was written."""
    url = S3Url.parse(text)
    assert (url.bucket, url.prefix) == (bucket, prefix)
    assert S3Url.parse(str(url)) == url
    assert url.url_of("a/b") == f"s3://{bucket}/a/b"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3:",
        "s3://",
        "s3:///x",
        "http://bucket/x",
        "janelia-cosem-datasets",
        "s3://b/x",
        "s3://bucket/../x",
        "s3://bucket\n",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """No scheme, no bucket, a bucket name that cannot be, or a prefix that leads elsewhere."""
    with pytest.raises(UsageError, match="not the address of a bucket"):
        S3Url.parse(text)


@pytest.mark.parametrize(
    ("key", "refusal"),
    [
        pytest.param("jrc_hela-2/jrc_hela-2.n5/attributes.json", None, id="usual"),
        pytest.param("d/Zürich µm.json", None, id="not ASCII"),
        pytest.param("d/...", None, id="three dots are a name"),
        pytest.param("d/a:b", None, id="colon"),
        pytest.param("d/" + "n" * 255, None, id="longest name"),
        pytest.param("d//a", Refusal.EMPTY_COMPONENT, id="two slashes"),
        pytest.param("/d/a", Refusal.EMPTY_COMPONENT, id="leading slash"),
        pytest.param("", Refusal.EMPTY_COMPONENT, id="nothing"),
        pytest.param("d/../a", Refusal.DOT_COMPONENT, id="parent"),
        pytest.param("d/./a", Refusal.DOT_COMPONENT, id="itself"),
        pytest.param("..", Refusal.DOT_COMPONENT, id="only the parent"),
        pytest.param("d/a\nb", Refusal.CONTROL_CHARACTER, id="newline"),
        pytest.param("d/a\0b", Refusal.CONTROL_CHARACTER, id="NUL"),
        pytest.param("d/a\x7fb", Refusal.CONTROL_CHARACTER, id="DEL"),
        pytest.param("d/" + "n" * 256, Refusal.NAME_TOO_LONG, id="long name"),
        pytest.param("d/" + "ü" * 128, Refusal.NAME_TOO_LONG, id="long in bytes"),
        pytest.param("/".join(["name"] * 900), Refusal.PATH_TOO_LONG, id="long path"),
        pytest.param("d/\udcff", Refusal.NOT_UTF8, id="lone surrogate"),
    ],
)
def test_a_key_is_taken_or_refused_with_the_reason(key: str, refusal: Refusal | None) -> None:
    """On a Linux share only what cannot be a file is refused."""
    assert key_refusal(key) is refusal


@pytest.mark.parametrize(
    ("key", "refusal"),
    [
        ("d/a:b", Refusal.FORBIDDEN_CHARACTER),
        ("d/CON", Refusal.FORBIDDEN_NAME),
        ("d/aux.json", Refusal.FORBIDDEN_NAME),
        ("d/lpt1/x", Refusal.FORBIDDEN_NAME),
        ("d/console", None),
        ("d/a.", Refusal.FORBIDDEN_NAME),
        ("d/a /b", Refusal.FORBIDDEN_NAME),
        ("d/.zarray", None),
    ],
)
def test_a_share_with_more_rules_refuses_more(key: str, refusal: Refusal | None) -> None:
    """Rules that were probed on the share are kept."""
    assert key_refusal(key, WINDOWS) is refusal


def test_the_roots_length_counts() -> None:
    """The limit is that of the whole path, the slash between root and key included."""
    rules = ShareRules(max_path_bytes=10)
    assert key_refusal("abcd", rules, root_bytes=5) is None
    assert key_refusal("abcd", rules, root_bytes=6) is Refusal.PATH_TOO_LONG


@given(st.text(max_size=40))
def test_a_key_that_is_taken_stays_below_its_root(key: str) -> None:
    """No key that is taken has a component that leads elsewhere."""
    if key_refusal(key) is None:
        assert not {"", ".", ".."} & set(key.split("/"))
        assert not key.startswith("/")


def test_a_folder_marker_ends_with_a_slash() -> None:
    """Only a key that ends with a slash is a marker."""
    assert is_folder_marker("d/x.n5/")
    assert not is_folder_marker("d/x.n5")

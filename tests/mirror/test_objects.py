"""Objects, ETags and counts."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.objects import Tally, Verification, etag_md5, etag_parts, pack_etag, unpack_etag

MD5 = hashlib.md5(b"block").hexdigest()


def test_an_md5_is_told_by_its_form() -> None:
    """32 lower-case hexadecimal digits, and nothing else, are an MD5."""
    assert etag_md5(MD5) == hashlib.md5(b"block").digest()
    for other in (MD5.upper(), MD5[:-1], MD5 + "0", f"{MD5}-1", f'"{MD5}"', "", MD5 + "\n"):
        assert etag_md5(other) is None


def test_a_multipart_etag_gives_digest_and_number_of_parts() -> None:
    """The number after the dash is that of the parts; none and zero are no such ETag."""
    assert etag_parts(f"{MD5}-17") == (bytes.fromhex(MD5), 17)
    for other in (MD5, f"{MD5}-", f"{MD5}-0", f"{MD5}-017", f"{MD5}-x", f"{MD5}-1\n"):
        assert etag_parts(other) is None


@given(
    st.one_of(
        st.binary(min_size=16, max_size=16).map(bytes.hex),
        st.tuples(st.binary(min_size=16, max_size=16), st.integers(1, 99_999)).map(lambda e: f"{e[0].hex()}-{e[1]}"),
        st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), max_size=24),
    )
)
def test_an_etag_is_unpacked_as_it_was_packed(etag: str) -> None:
    """No ETag is lost or changed by the catalog's short form."""
    assert unpack_etag(pack_etag(etag)) == etag


@pytest.mark.parametrize(("etag", "n_bytes"), [(MD5, 16), (f"{MD5}-12", 20)])
def test_usual_etags_take_few_bytes(etag: str, n_bytes: int) -> None:
    """The forms that millions of rows have are 16 and 20 bytes."""
    assert len(pack_etag(etag)) == n_bytes


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=24))
def test_an_odd_etag_is_never_taken_for_an_md5(etag: str) -> None:
    """16 and 20 packed bytes always mean the two usual forms."""
    is_usual = etag_md5(etag) is not None or etag_parts(etag) is not None
    assert (len(pack_etag(etag)) in (16, 20)) == is_usual


def test_words_of_verification_are_those_of_the_json() -> None:
    """The four words that `sync --json` and the catalog use."""
    assert [way.word for way in Verification] == ["md5", "multipart_etag", "checksum", "size_only"]


def test_tallies_add_up() -> None:
    """Counts and bytes add, and the originals stay."""
    one = Tally().plus(5)
    assert one + Tally(2, 10) == Tally(3, 15)
    assert one == Tally(1, 5)
    assert sum([one, one], Tally()) == Tally(2, 10)

"""Metadata documents as plain JSON objects."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.document import parse_json_object, whole_text

_TEXTS = st.text(st.sampled_from('a\u00e9\ud83d\ude00\udfff\0\\"u'), max_size=6)


@given(
    st.dictionaries(_TEXTS, _TEXTS | st.lists(_TEXTS, max_size=2), max_size=3),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-16-le"]),
)
def test_texts_are_whole(document: dict[str, str | list[str]], is_escaped: bool, encoding: str) -> None:
    """No half of a character comes out of a document, however it is written, and all else stays as it is."""
    text = json.dumps(document, ensure_ascii=is_escaped)
    found = parse_json_object(text.encode(encoding, "surrogatepass"), "d.json")
    json.dumps(found, ensure_ascii=False).encode()
    # Two halves beside each other are one character, to JSON.
    assert found == json.loads(whole_text(json.dumps(json.loads(json.dumps(document)), ensure_ascii=False)))


@pytest.mark.parametrize("body", [b'{"x": "\\ud800"}', b'{"x": "\xed\xa0\x80"}', '{"x": "\\ud800"}'.encode("utf-16")])
def test_half_a_character_is_shown_as_one_that_is_unknown(body: bytes) -> None:
    """In escapes, as bytes, and in UTF-16."""
    (text,) = parse_json_object(body, "d.json").values()
    assert set(text) == {"\ufffd"}

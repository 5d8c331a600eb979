"""Documents as they are kept and compared."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Decimal128, ObjectId, encode
from bson import decode as decode_bson
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from catalog.mongo.bodies import MOST_DEEP, body_of, content_hash, document_of, relaxed, storable

_WHOLE = st.integers(-(2**63), 2**63 - 1)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    _WHOLE,
    st.floats(),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=5),
)
_KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0$."), max_size=4)
VALUES = st.recursive(
    _LEAVES, lambda one: st.lists(one, max_size=3) | st.dictionaries(_KEYS, one, max_size=3), max_leaves=8
)
DOCUMENTS = st.dictionaries(_KEYS, VALUES, max_size=5)


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same, NaN too."""
    return repr(one) == repr(other)


@given(DOCUMENTS)
def test_a_body_gives_the_document_back(document: dict[str, Any]) -> None:
    """What is kept is the whole document, as BSON holds it."""
    of_server = decode_bson(encode(document))
    assert same(document_of(body_of(of_server)), of_server)


@given(DOCUMENTS)
def test_a_body_is_extended_json(document: dict[str, Any]) -> None:
    """What is kept is JSON in ASCII, with as many fields."""
    body = body_of(document)
    assert body.isascii()
    assert len(json.loads(body)) == len(document)


@given(DOCUMENTS, st.randoms())
def test_the_order_of_fields_does_not_matter(document: dict[str, Any], random: Any) -> None:
    """Servers and exporters order fields as they like; a document is the same."""
    names = list(document)
    random.shuffle(names)
    assert content_hash({name: document[name] for name in names}) == content_hash(document)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        pytest.param(5, Int64(5), True, id="widths of integers"),
        pytest.param(5, 5.0, False, id="a whole number is no fraction"),
        pytest.param(1, True, False, id="a number is no truth"),
        pytest.param("5", 5, False, id="text is no number"),
        pytest.param(float("nan"), None, False, id="NaN is no lack"),
        pytest.param(float("nan"), float("nan"), True, id="NaN is itself"),
        pytest.param([1, 2], [2, 1], False, id="the order of a list"),
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, id="the order of inner fields"),
        pytest.param({3: "a"}, {3: "b"}, False, id="keys that are no text"),
        pytest.param(2**200_000, 2**200_000 + 1, False, id="integers that nobody spells"),
    ],
)
def test_what_is_another_document(one: Any, other: Any, is_same: bool) -> None:
    """A hash tells values apart, and nothing that is not one."""
    assert (content_hash({"value": one}) == content_hash({"value": other})) is is_same


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(ObjectId("65" * 12), id="ObjectId"),
        pytest.param(datetime(2020, 5, 4, tzinfo=UTC), id="a date"),
        pytest.param(b"\x00\xff", id="bytes"),
        pytest.param(Decimal128("1.5"), id="a decimal"),
        pytest.param(2**70, id="beyond 64 bits"),
    ],
)
def test_values_that_json_lacks_come_back(value: Any) -> None:
    """Extended JSON has a form for each of BSON's types; an integer beyond them stays a number."""
    assert document_of(body_of({"value": value})) == {"value": value}


def test_what_only_looks_like_extended_json_stays_a_mapping() -> None:
    """A document may have a field called `$oid` that is none."""
    document = {"value": {"$oid": "no id"}, "other": {"$numberInt": ["x"]}}
    assert document_of(body_of(document)) == document


def test_what_is_nested_too_deeply_is_refused() -> None:
    """It would be beyond Python's own limit somewhere later."""
    document: dict[str, Any] = {"value": 1}
    for _ in range(MOST_DEEP):
        document = {"value": document}
    with pytest.raises(RecursionError):
        body_of(document)
    assert body_of({"value": [[] for _ in range(3 * MOST_DEEP)]})


def test_relaxed_values_are_json() -> None:
    """A number is a number, what JSON lacks has a form, a Python value of no type of BSON's its spelling."""
    value = {"a": Int64(5), "b": float("inf"), "c": (1, 2j), "d": ObjectId("65" * 12), 5: "x\0"}
    assert relaxed(value) == {
        "a": 5,
        "b": {"$numberDouble": "Infinity"},
        "c": [1, {"$python": "2j"}],
        "d": {"$oid": "65" * 12},
        "5": "x\\x00",
    }


def test_stored_text_has_no_character_that_a_database_refuses() -> None:
    """PostgreSQL refuses NUL, UTF-8 half a surrogate pair."""
    assert storable("a\0b\ud800ü").encode() == b"a\\x00b\\ud800\xc3\xbc"

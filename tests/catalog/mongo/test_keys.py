"""What documents are called."""

from __future__ import annotations

from datetime import UTC, datetime

import bson
import pytest
from bson.datetime_ms import DatetimeMS

from catalog.mongo.documents import Document
from catalog.mongo.keys import id_key, keyed, natural_key, parse_id_key
from catalog.mongo.parsed import Parsed
from catalog.records import ImportKind


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        5,
        bson.Int64(5),
        2.5,
        "a",
        "$x",
        bson.ObjectId("5f0c5b1e2f3d4c5b6a798081"),
        bson.Decimal128("0.10"),
        datetime(2020, 1, 2, 3, 4, 5, 6000, tzinfo=UTC),
        DatetimeMS(10**15),
        b"\0\xff",
        bson.Binary(b"0" * 16, 4),
        bson.Timestamp(1, 2),
        {"setup": "a", "crop": {"z": 1, "a": [1, None]}},
    ],
    ids=repr,
)
def test_an_id_is_what_its_key_says(value: object) -> None:
    """To go on after a document, its `_id` is made again from its key: same type, same order of fields."""
    again = parse_id_key(id_key(value))
    assert again == value
    assert type(again) is type(value)
    assert id_key(again) == id_key(value)


def test_fields_in_another_order_are_another_id() -> None:
    """So they are to the server, which would go on after the wrong document."""
    assert id_key({"a": 1, "b": 2}) != id_key({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("fields", "version", "key"),
    [
        ({"number": "23"}, "0003", "23/0003"),
        ({"number": "23"}, None, "23"),
        ({"number": 23}, None, "23"),
        ({"number": ""}, "0003", None),
        ({"number": True}, None, None),
        ({"number": None}, None, None),
        ({"number": ["23"]}, None, None),
        ({}, "0003", None),
    ],
)
def test_a_crop_is_named_by_its_number(fields: dict[str, object], version: str | None, key: str | None) -> None:
    """And by its version; a crop without a number that could name it has no name of its own."""
    assert natural_key(fields, ImportKind.CROPS, version) == key


def test_a_result_is_named_by_all_but_its_value() -> None:
    """Whatever the order of its fields; a value that changes is a change of the same result."""
    one = natural_key({"metric": "dice", "iteration": 5, "value": 0.5}, ImportKind.EVALUATIONS, None)
    same = natural_key({"value": float("nan"), "iteration": 5, "metric": "dice"}, ImportKind.EVALUATIONS, None)
    other = natural_key({"metric": "dice", "iteration": 6, "value": 0.5}, ImportKind.EVALUATIONS, None)
    assert one == same != other
    assert natural_key({"value": 1}, ImportKind.EVALUATIONS, None) is None


def test_no_key_is_given_twice() -> None:
    """The first keeps its name, the next have their place beside it; what has no name is called by its place."""
    names: list[dict[str, object]] = [{"number": "1"}, {"number": "1"}, {"_id": "1"}, {"_id": "1"}, {"alias": "x"}]
    readings = (Parsed(fields, f"line {line}") for line, fields in enumerate(names, 1))
    keys = [one.key for one in keyed(readings, ImportKind.CROPS, None) if isinstance(one, Document)]
    assert keys == ["1", "1 (line 2)", '"1"', '"1" (line 4)', "line 5"]

"""Python literals that are documents."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import bson
import pytest

from catalog.mongo.literals import parse_document
from catalog.mongo.parsed import NotADocumentError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nan", math.nan),
        ("-inf", -math.inf),
        ("float('nan')", math.nan),
        ("+4.0", 4.0),
        ("(1, 'a', (2,))", [1, "a", [2]]),
        ("None", None),
        ("True", True),
        ("'it\\'s' \"[\"", "it's["),
        ("ObjectId('5f0c5b1e2f3d4c5b6a798081')", bson.ObjectId("5f0c5b1e2f3d4c5b6a798081")),
        ("Int64(5)", bson.Int64(5)),
        ("Decimal128('0.1')", bson.Decimal128("0.1")),
        ("Timestamp(1, 2)", bson.Timestamp(1, 2)),
        ("Binary(b'x', 5)", bson.Binary(b"x", 5)),
        ("datetime.datetime(2020, 1, 2, 3, 4)", datetime(2020, 1, 2, 3, 4, tzinfo=UTC)),
        ("datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)", datetime(2020, 1, 2, tzinfo=UTC)),
        ("OrderedDict([('b', 1), ('a', SON([('c', [1])]))])", {"b": 1, "a": {"c": [1]}}),
        ("{}", {}),
    ],
)
def test_values_are_what_they_print_as(text: str, value: object) -> None:
    """Of Python, of bson and of the driver."""
    for document in (f"[('a', {text})]", f"{{'a': {text}}}", f"OrderedDict([('a', {text})])", f"(('a', {text}),)"):
        found = parse_document(document)["a"]
        assert (found, type(found)) == (value, type(value)) or (math.isnan(found) and math.isnan(value))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "print('x')",
        "ObjectId('5')",
        "ObjectId(*[1])",
        "ObjectId(oid='5f0c5b1e2f3d4c5b6a798081')",
        "bson.ObjectId('5f0c5b1e2f3d4c5b6a798081')",
        "datetime.datetime(2020, 13, 1)",
        "datetime.datetime(2020, 1, 1, tzinfo=exec('x'))",
        "datetime.datetime.now()",
        "OrderedDict([(1, 2)])",
        "OrderedDict(5)",
        "f'{exit()}'",
        "lambda: 1",
        "name",
        "1 + 2",
        "1j",
        "-'a'",
        "-True",
        "...",
        "{1}",
        "{**{}}",
        "[*'a']",
        "'a' if 1 else 'b'",
        "(x := 1)",
        "'a'.upper()",
        "[].append",
        "'\x00'",
        "(" * 300 + ")" * 300,
    ],
)
def test_all_else_is_no_document(text: str) -> None:
    """Code of whatever kind is told of and not run, and a value that cannot be is no reason to fail otherwise."""
    for document in (f"[('a', {text})]", f"{{'a': [{text}]}}", text):
        with pytest.raises(NotADocumentError):
            parse_document(document)


def test_of_two_pairs_of_one_name_the_last_counts() -> None:
    """As in BSON and JSON."""
    found: Any = parse_document("[('a', 1), ('b', 2), ('a', 3)]")
    assert found == {"a": 3, "b": 2}

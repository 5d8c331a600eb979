"""One foreign value as a column has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import Decimal128
from bson.int64 import Int64

from catalog.mongo.issues import IssueCode
from catalog.mongo.reading import INT64_MAX, Reading, shown

CASES: dict[str, tuple[Callable[[Reading, str, Any], object], Any, object, set[IssueCode]]] = {
    "text": (Reading.read_text, "a", "a", set()),
    "text from a number": (Reading.read_text, 23, "23", {IssueCode.TEXT_AS_NUMBER}),
    "text from a whole double": (Reading.read_text, 23.0, "23", {IssueCode.TEXT_AS_NUMBER}),
    "text from a truth": (Reading.read_text, True, None, {IssueCode.WRONG_TYPE}),
    "text from NaN": (Reading.read_text, float("nan"), None, {IssueCode.WRONG_TYPE}),
    "text from a huge number": (Reading.read_text, 2**70, None, {IssueCode.TOO_LARGE}),
    "text with NUL": (Reading.read_text, "a\0", "a\\x00", {IssueCode.ODD_TEXT}),
    "no text": (Reading.read_text, None, None, set()),
    "whole": (Reading.read_whole, Int64(7), 7, set()),
    "whole as a double": (Reading.read_whole, 7.0, 7, set()),
    "whole as a decimal": (Reading.read_whole, Decimal128("7"), 7, set()),
    "whole as text": (Reading.read_whole, " 7 ", 7, {IssueCode.NUMBER_AS_TEXT}),
    "a fraction": (Reading.read_whole, 7.5, None, {IssueCode.NOT_WHOLE}),
    "a truth": (Reading.read_whole, True, None, {IssueCode.WRONG_TYPE}),
    "a word": (Reading.read_whole, "seven", None, {IssueCode.WRONG_TYPE}),
    "no whole infinity": (Reading.read_whole, float("inf"), None, {IssueCode.NOT_FINITE}),
    "64 bits": (Reading.read_whole, INT64_MAX, INT64_MAX, set()),
    "more than 64 bits": (Reading.read_whole, 2**63, None, {IssueCode.TOO_LARGE}),
    "thousands of digits": (Reading.read_whole, "9" * 5000, None, {IssueCode.WRONG_TYPE}),
    "a decimal of thousands of digits": (Reading.read_whole, Decimal128("1E+6000"), None, {IssueCode.NOT_FINITE}),
    "real": (Reading.read_real, 1, 1.0, set()),
    "real as text": (Reading.read_real, "1e3", 1000.0, {IssueCode.NUMBER_AS_TEXT}),
    "no real NaN": (Reading.read_real, float("nan"), None, {IssueCode.NOT_FINITE}),
    "more than a double holds": (Reading.read_real, 2**53 + 1, None, {IssueCode.TOO_LARGE}),
    "a result": (Reading.read_result, 0.5, (0.5, None), set()),
    "a result that is NaN": (Reading.read_result, float("nan"), (None, "nan"), set()),
    "a result that is infinite": (Reading.read_result, float("-inf"), (None, "-inf"), set()),
    "a result as text": (Reading.read_result, "nan", (None, "nan"), {IssueCode.NUMBER_AS_TEXT}),
    "no result": (Reading.read_result, None, (None, None), set()),
    "truth": (Reading.read_truth, True, True, set()),
    "truth as text": (Reading.read_truth, "False", False, {IssueCode.NUMBER_AS_TEXT}),
    "truth as a number": (Reading.read_truth, 1, True, {IssueCode.WRONG_TYPE}),
    "no truth": (Reading.read_truth, [], None, {IssueCode.WRONG_TYPE}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_value_is_read_or_kept(name: str) -> None:
    """A column gets what it can hold; anything else is kept among the others, and an issue says why."""
    read, value, expected, codes = CASES[name]
    reading = Reading()
    found = read(reading, "field", value)
    assert found == expected
    assert type(found) is type(expected)
    assert {issue.code for issue in reading.issues} == codes
    is_lost = expected in (None, (None, None)) and value is not None
    assert ("field" in reading.others) is is_lost


@pytest.mark.parametrize(
    ("value", "expected", "codes", "others"),
    [
        pytest.param({"x": 3, "y": 2, "z": 1}, (3, 2, 1), set(), set(), id="x,y,z"),
        pytest.param({"z": 1, "x": 3, "y": 2, "t": 9}, (3, 2, 1), set(), {"d.t"}, id="one axis more"),
        pytest.param({"x": 3, "y": 2}, None, {IssueCode.WRONG_TYPE}, {"d"}, id="one axis less"),
        pytest.param([3, 2, 1], None, {IssueCode.WRONG_TYPE}, {"d"}, id="a list"),
        pytest.param({"x": 3, "y": 2.5, "z": 1}, None, {IssueCode.NOT_WHOLE}, {"d", "d.y"}, id="a fraction"),
        pytest.param({"x": 3, "y": 0, "z": 1}, None, {IssueCode.NOT_POSITIVE}, {"d"}, id="nothing along y"),
        pytest.param({"x": 3, "y": None, "z": 1}, None, {IssueCode.WRONG_TYPE}, {"d"}, id="null along y"),
        pytest.param(None, None, set(), set(), id="nothing"),
    ],
)
def test_sizes_are_three_positive_whole_numbers(
    value: Any, expected: object, codes: set[IssueCode], others: set[str]
) -> None:
    """All three or none: half a size is of no use."""
    reading = Reading()
    assert reading.read_whole_xyz("d", value, is_size=True) == expected
    assert {issue.code for issue in reading.issues} == codes
    assert reading.others.keys() == others


def test_an_offset_may_be_zero_or_less() -> None:
    """It is a place and no size."""
    assert Reading().read_whole_xyz("offset", {"x": 0, "y": -5, "z": 7}, is_size=False) == (0, -5, 7)


def test_two_fields_of_one_name_are_both_kept() -> None:
    """A field may be called as the path of another one."""
    reading = Reading()
    reading.keep("a.b", 1)
    reading.keep("a.b", 2)
    assert reading.others == {"a.b": 1, "a.b'": 2}


def test_long_values_are_shown_in_short() -> None:
    """An issue is for people."""
    assert shown(list(range(1000))).endswith("...")
    assert len(shown("x" * 10_000)) < 300

"""An evaluation's document as a record."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.mongo.evaluation_fields import map_evaluation
from tests.catalog.mongo.sources import document, evaluation_fields


def test_a_whole_document_is_understood_as_a_whole() -> None:
    """Each field has a column."""
    fields = evaluation_fields(_id=7)
    mapped = map_evaluation(document(fields))
    assert mapped.issues == ()
    assert mapped.record is not None
    assert mapped.record.others == {}
    for name in fields.keys() - {"_id"}:
        assert getattr(mapped.record, name) == fields[name], name


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(float("nan"), (None, "nan"), id="NaN"),
        pytest.param(float("inf"), (None, "inf"), id="infinite"),
        pytest.param(1, (1.0, None), id="whole"),
    ],
)
def test_a_result_that_is_no_number_is_data(value: float, expected: object) -> None:
    """NaN says that nothing could be measured: it is no lack of a result, and no issue."""
    mapped = map_evaluation(document(evaluation_fields(value=value)))
    assert mapped.record is not None
    assert (mapped.record.value, mapped.record.value_word) == expected
    assert mapped.issues == ()


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        pytest.param({"metric": None}, {"not-understood"}, id="no metric"),
        pytest.param({"value": None}, {"missing-field"}, id="no value"),
        pytest.param({"crop": 113}, {"text-as-number"}, id="a crop's number as a number"),
        pytest.param({"iteration": "725000"}, {"number-as-text"}, id="an iteration as text"),
        pytest.param({"iteration": 2**64}, {"too-large"}, id="an iteration beyond 64 bits"),
        pytest.param({"threshold": float("nan")}, {"not-finite"}, id="a threshold that is none"),
        pytest.param({"metric_params": "tol=40"}, {"wrong-type"}, id="parameters as text"),
        pytest.param({"refined": "maybe"}, {"wrong-type"}, id="neither true nor false"),
        pytest.param({"setup": "a\0"}, {"odd-text"}, id="NUL"),
    ],
)
def test_what_is_odd_is_an_issue(changes: dict[str, Any], codes: set[str]) -> None:
    """And the record has what can be had."""
    mapped = map_evaluation(document(evaluation_fields(**changes)))
    assert {issue.code.value for issue in mapped.issues} == codes
    assert (mapped.record is None) == ("not-understood" in codes)


def test_unknown_fields_survive() -> None:
    """They are among the others, as JSON has them."""
    mapped = map_evaluation(document(evaluation_fields(gpu={"name": "V100", "hours": 3})))
    assert mapped.record is not None
    assert mapped.record.others == {"gpu": {"name": "V100", "hours": 3}}

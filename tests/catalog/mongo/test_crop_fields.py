"""A crop's document as a record."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.mongo.crop_fields import map_crop
from catalog.mongo.issues import IssueCode
from catalog.records import CropLabel, LabelState
from tests.catalog.mongo.sources import crop_fields, document, training_fields


def codes_of(fields: dict[str, Any]) -> dict[str, str]:
    """Return the issues of a crop's document, code to field."""
    return {issue.code.value: issue.field for issue in map_crop(document(fields), "0003").issues}


def test_a_whole_document_is_understood_as_a_whole() -> None:
    """Each field has a column, but one of which nobody knows what it means."""
    mapped = map_crop(document(crop_fields()), "0003")
    record = mapped.record
    assert record is not None
    assert mapped.issues == ()
    assert (record.number, record.version, record.dataset, record.parent) == (
        "113",
        "0003",
        "jrc_hela-2",
        "jrc_hela-2/jrc_hela-2.n5",
    )
    assert (record.shape_xyz, record.offset_xyz, record.resolution_nm_xyz) == (
        (500, 500, 250),
        (3125, 25, 2975),
        (4.0, 4.0, 4.0),
    )
    assert record.is_validation
    assert record.others == {"access_date": 0}
    assert record.labels[0] == CropLabel(LabelState.PRESENT_ANNOTATED, 1, "ECS")
    assert len(record.labels) == 37


def test_a_training_document_lacks_what_it_was_made_without() -> None:
    """Neither offset nor resolution is invented, and their lack is nothing odd."""
    mapped = map_crop(document(training_fields()), "0003")
    assert mapped.record is not None
    assert (mapped.record.offset_xyz, mapped.record.resolution_nm_xyz, mapped.issues) == (None, None, ())


def labels(**states: Any) -> dict[str, Any]:
    """Return a crop with these label lists instead of its own."""
    whole = crop_fields()["labels"]
    return crop_fields(labels={**whole, **states})


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        pytest.param(crop_fields(number=113), "text-as-number", "number", id="a number that is one"),
        pytest.param(crop_fields(number=None), "not-understood", "number", id="no number"),
        pytest.param(crop_fields(number="  "), "not-understood", "number", id="a blank number"),
        pytest.param(crop_fields(dimensions=None), "missing-field", "dimensions", id="no dimensions"),
        pytest.param(crop_fields(parent="jrc_hela-3/x.n5"), "other-parent", "parent", id="another's container"),
        pytest.param(labels(present_unannotated=[]), "label-missing", "labels", id="a label of which nothing is said"),
        pytest.param(
            labels(present_unannotated=[[34, "Ribosomes"], [34, "Ribosomes"]]),
            "label-twice",
            "labels.present_unannotated.1",
            id="a label twice",
        ),
        pytest.param(
            labels(present_unannotated=[[34, "Ribosomes"], [1, "ECS"]]),
            "label-in-two-states",
            "labels.present_unannotated.1",
            id="a label in two states",
        ),
        pytest.param(
            labels(present_unannotated=[[34, "Ribosomes"], [None, "Actin"]]),
            "label-without-id",
            "labels.present_unannotated.1",
            id="a label without number",
        ),
        pytest.param(
            labels(present_unannotated=[["34", "Ribosomes"]]),
            "number-as-text",
            "labels.present_unannotated.0.0",
            id="a label's number as text",
        ),
        pytest.param(labels(guessed=[[1, "ECS"]]), "unknown-state", "labels.guessed", id="a state of its own"),
        pytest.param(labels(present_unannotated="34"), "wrong-type", "labels.present_unannotated", id="no list"),
        pytest.param(
            labels(present_unannotated=[[34, "Ribosomes"], 5]),
            "wrong-type",
            "labels.present_unannotated.1",
            id="no pair",
        ),
        pytest.param(crop_fields(labels=[1]), "wrong-type", "labels", id="labels that are none"),
        pytest.param(crop_fields(completion=2**40), "too-large", "completion", id="a huge completion"),
    ],
)
def test_what_is_odd_is_an_issue(fields: dict[str, Any], code: str, field: str) -> None:
    """Each with its code and the path inside the document."""
    assert codes_of(fields)[code] == field


def test_entries_that_are_no_labels_are_kept() -> None:
    """What is not understood is among the others, under its place."""
    mapped = map_crop(document(labels(present_unannotated=[[34, "Ribosomes"], 5], guessed=[[1, "ECS"]])), "0003")
    assert mapped.record is not None
    kept = {"access_date": 0, "labels.present_unannotated.1": 5, "labels.guessed": [[1, "ECS"]]}
    assert mapped.record.others == kept


def test_a_missing_label_is_named_once() -> None:
    """One issue tells all that a crop says nothing of."""
    (issue,) = map_crop(document(labels(present_unannotated=[], present_annotated=[])), "0003").issues
    assert issue.code is IssueCode.LABEL_MISSING
    assert issue.found.startswith("nothing of 1 ECS, 2 Plasma membrane")
    assert issue.found.endswith("34 Ribosomes")

"""One crop from several documents."""

from __future__ import annotations

from typing import Any

from catalog.mongo.crop_fields import map_crop
from catalog.mongo.issues import IssueCode
from catalog.mongo.labels import LABELS
from catalog.mongo.merging import Merged, Told, merge_crop
from tests.catalog.mongo.sources import crop_fields, document, training_fields

NAMES = {one.id: one.name for one in LABELS}


def merged(*newest_first: dict[str, Any], sources: tuple[int, ...] = ()) -> Merged:
    """Return what documents, each of a source of its own unless said, tell together."""
    told = []
    for number, fields in enumerate(newest_first):
        record = map_crop(document(fields, f"d{number}"), "0003").record
        assert record is not None
        told.append(Told(sources[number] if sources else number, f"d{number}", record))
    return merge_crop(told, NAMES)


def test_a_document_without_a_field_loses_nothing() -> None:
    """The training dump lacks offset and resolution: imported after the full database, it leaves them as they were."""
    both = merged(training_fields(), crop_fields())
    assert both.record == map_crop(document(crop_fields()), "0003").record
    assert both.issues == ()


def test_the_newest_document_that_says_something_counts() -> None:
    """And those that say otherwise are put down, each with what differs."""
    both = merged(training_fields(alias="new"), crop_fields(offset={"x": 1, "y": 2, "z": 3}))
    assert (both.record.alias, both.record.offset_xyz) == ("new", (1, 2, 3))
    ((about, issue),) = both.issues
    assert (about.document_key, issue.code, issue.field) == ("d1", IssueCode.DOCUMENTS_DISAGREE, "alias")
    assert (issue.expected, issue.found) == ("new", "Validation001")


def test_labels_are_compared_whatever_their_order() -> None:
    """Of labels that differ only those are told."""
    labels = {state: some[::-1] for state, some in reversed(crop_fields()["labels"].items())}
    assert merged(crop_fields(labels=labels), crop_fields()).issues == ()
    labels["present_annotated"] = labels["present_annotated"][1:]
    labels["absent_annotated"] = [*labels["absent_annotated"], [5, "Mito DNA"]]
    ((_, issue),) = merged(crop_fields(labels=labels), crop_fields()).issues
    assert issue.expected == "5 Mito DNA absent_annotated"
    assert issue.found == "5 Mito DNA present_annotated"


def test_others_are_put_together() -> None:
    """A field without a column comes from the newest that has it."""
    both = merged(training_fields(seen="today", note=1), crop_fields(seen="once"))
    assert both.record.others == {"seen": "today", "note": 1, "access_date": 0}
    assert [(issue.field, issue.expected, issue.found) for _, issue in both.issues] == [("seen", "today", "once")]


def test_two_documents_of_one_source_are_told() -> None:
    """A source should have one for each number and version."""
    ((about, issue),) = merged(crop_fields(), crop_fields(), sources=(1, 1)).issues
    assert (about.document_key, issue.code, issue.found) == ("d1", IssueCode.DUPLICATE_CROP, "also d0")


def test_a_label_with_another_name_is_told() -> None:
    """The catalog knows each label by one name."""
    labels = crop_fields()["labels"] | {"present_unannotated": [[34, "Ribo"]]}
    ((_, issue),) = merged(crop_fields(labels=labels)).issues
    assert (issue.code, issue.expected, issue.found) == (IssueCode.LABEL_NAME, "Ribosomes", "Ribo")

"""Any document at all: understood or put down as odd, never lost, and never the end of an import."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Decimal128, ObjectId
from bson.int64 import Int64
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.mongo.documents import Document
from catalog.mongo.labels import LABELS
from catalog.mongo.mapping import map_document
from catalog.records import ImportKind, LabelState
from tests.catalog.mongo.sources import crop_fields, evaluation_fields

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(
        [
            "1",
            "nan",
            "-1e400",
            "9" * 30,
            "\0",
            "\ud800",
            b"\xff",
            Binary(b"x"),
            Decimal128("NaN"),
            Decimal128("1E+6000"),
        ]
    ),
    st.sampled_from([ObjectId("65" * 12), datetime(2020, 1, 1, tzinfo=UTC), {1, 2}, 1j, 2**9_000]),
)
_NAMES = st.sampled_from(
    sorted(
        {*crop_fields(), *evaluation_fields(), *LabelState, "x", "y", "z", "_id", "labels.absent_annotated.0", "other"}
    )
)
_VALUES = st.recursive(
    _LEAVES,
    lambda one: (
        st.lists(one, max_size=3) | st.tuples(one, one) | st.dictionaries(_NAMES | st.text(max_size=3), one, max_size=4)
    ),
    max_leaves=12,
)


def documents(fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return documents in which some of these fields have any value, and any other fields are."""
    odd = st.dictionaries(st.sampled_from(sorted(fields)) | _NAMES, _VALUES, max_size=6)
    return odd | odd.map(lambda changes: fields | changes)


def check_nothing_is_lost(kind: ImportKind, fields: dict[str, Any], key_field: str, columns: dict[str, str]) -> None:
    """Check that each field is in a column, among the others or in an issue."""
    mapped = map_document(kind, Document("k", fields, "document 1"), "0003")
    issues = {issue.field.partition(".")[0] for issue in mapped.issues}
    if mapped.record is None:
        assert key_field in issues
        return
    others = {name.partition(".")[0].rstrip("'") for name in mapped.record.others} | set(mapped.record.others)
    for name, value in fields.items():
        if value is None or name == "_id":
            continue
        column = columns.get(name)
        has_column = column is not None and getattr(mapped.record, column) not in (None, ())
        is_empty = name == "labels" and not any(value.values() if isinstance(value, dict) else [value])
        is_word = name == "value" and getattr(mapped.record, "value_word", None) is not None
        escaped = name.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
        assert has_column or is_word or is_empty or {name, escaped, escaped.partition(".")[0]} & (others | issues), name


@given(documents(crop_fields()))
@settings(max_examples=60)
def test_no_crop_is_lost(fields: dict[str, Any]) -> None:
    """Whatever stands in a crop's document."""
    columns = {
        "dataset_id": "dataset",
        "dimensions": "shape_xyz",
        "offset": "offset_xyz",
        "resolution": "resolution_nm_xyz",
        **{name: name for name in ("number", "parent", "biotype", "alias", "completion", "labels")},
    }
    check_nothing_is_lost(ImportKind.CROPS, fields, "number", columns)


@given(documents(evaluation_fields()))
@settings(max_examples=60)
def test_no_evaluation_is_lost(fields: dict[str, Any]) -> None:
    """Whatever stands in an evaluation's document."""
    check_nothing_is_lost(ImportKind.EVALUATIONS, fields, "metric", {name: name for name in evaluation_fields()})


def test_rows_of_the_cellmap_table_are_imported_elsewhere() -> None:
    """Asking for them here is a fault of the program."""
    with pytest.raises(ValueError, match="class-crops"):
        map_document(ImportKind.CLASS_CROPS, Document("k", {}, ""), "0003")


def test_the_labels_are_all_there() -> None:
    """The paper has 37, numbered from 1."""
    assert [one.id for one in LABELS] == list(range(1, 38))

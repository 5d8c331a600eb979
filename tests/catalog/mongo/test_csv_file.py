"""Tables whose rows are documents."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bson
import pytest

from catalog.mongo.csv_file import nested, typed
from catalog.mongo.documents import Document
from tests.catalog.mongo.documents import read, write


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("iteration", "475000", 475000),
        ("iteration", "x", "x"),
        ("value", "0.5", 0.5),
        ("value", "1e-3", 0.001),
        ("value", "-Infinity", -math.inf),
        ("threshold", "0127", 127.0),
        ("offset.x", "-3", -3),
        ("number", "23", "23"),
        ("crop", "113", "113"),
        ("path", "[1]", "[1]"),
        ("refined", "False", False),
        ("refined", "1", "1"),
        ("metric_params", '{"tol": 40}', {"tol": 40}),
        ("metric_params", "{'tol': 40}", {"tol": 40}),
        ("metric_params", "{tol: 40}", "{tol: 40}"),
        ("labels.absent_annotated", '[[1, "ECS"]]', [[1, "ECS"]]),
        ("_id", "ObjectId(5f0c5b1e2f3d4c5b6a798081)", bson.ObjectId("5f0c5b1e2f3d4c5b6a798081")),
        ("_id", "5f0c5b1e2f3d4c5b6a798081", bson.ObjectId("5f0c5b1e2f3d4c5b6a798081")),
        ("_id", "7", "7"),
        ("note", "5", "5"),
    ],
)
def test_a_cell_means_what_its_column_holds(column: str, cell: str, value: object) -> None:
    """Numbers where documents have numbers, text where they have text; what does not fit stays text."""
    found = typed(column, cell)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("cells", "document"),
    [
        ([("a.b.c", 1), ("a.b.d", 2), ("a.e", 3)], {"a": {"b": {"c": 1, "d": 2}, "e": 3}}),
        ([("l.0.0", 1), ("l.0.1", "ECS"), ("l.1.0", 2)], {"l": [[1, "ECS"], [2]]}),
        ([("l.1", "b"), ("l.0", "a")], {"l": {"1": "b", "0": "a"}}),
        ([("a", 1), ("a.b", 2)], {"a": 1, "a.b": 2}),
        ([("a.b", 2), ("a", 1)], {"a.b": 2, "a": 1}),
        ([("a", {"b": 1}), ("a.c", 2)], {"a": {"b": 1}, "a.c": 2}),
        ([("a.b", 1), ("a.b.c", 2)], {"a": {"b": 1}, "a.b.c": 2}),
        ([("a.b", 1), ("a", {"0": 2})], {"a.b": 1, "a": {"0": 2}}),
        ([("a.", 1), (".b", 2), ("", 3)], {"a.": 1, ".b": 2, "": 3}),
    ],
)
def test_dots_make_documents(cells: list[tuple[str, Any]], document: dict[str, Any]) -> None:
    """A name that continues another one stays as it is."""
    assert nested(cells) == document


def test_the_papers_table_of_evaluations(tmp_path: Path) -> None:
    """An empty cell is a field that the document lacks; line ends and quotes of spreadsheets are understood."""
    head = "path,dataset,setup,iteration,label,crop,threshold,metric,metric_params,value,raw_dataset,refined"
    row = '"/a,b",it,setup01,475000,mito,113,127,dice,"{""tol"": 40}",nan,,false'
    (one,) = read(write(tmp_path, f"\ufeff{head}\r\n\r\n{row}\r\n".encode()))
    assert isinstance(one, Document)
    assert list(one.fields) == [name for name in head.split(",") if name != "raw_dataset"]
    assert (one.fields["path"], one.fields["crop"], one.fields["refined"]) == ("/a,b", "113", False)
    assert math.isnan(one.fields["value"])
    assert (one.place, one.key[:5]) == ("line 3", "xxh3:")

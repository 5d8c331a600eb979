"""The lab's own dumps of crops: none skipped, no field lost."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from catalog import queries
from catalog.config import sqlite_url
from catalog.mongo.importer import import_source
from catalog.mongo.source import open_sources
from catalog.records import CropRecord, LabelState
from catalog.session import Catalog, open_catalog

pytestmark = pytest.mark.samples


def raw_crops(folder: Path) -> list[dict[str, Any]]:
    """Return all documents of both dumps, read without our own code."""
    training = (folder / "training_crops.txt").read_text().splitlines()
    documents = [dict(ast.literal_eval(line)) for line in training if line.strip()]
    return documents + list(ast.literal_eval((folder / "validation_crops.txt").read_text()))


@pytest.fixture
def folder(samples: Path) -> Path:
    """The folder of the dumps."""
    return samples / "crops"


@pytest.fixture
def filled(folder: Path, tmp_path: Path) -> Catalog:
    """Return a catalog into which both dumps were imported."""
    catalog = open_catalog(sqlite_url(tmp_path / "catalog.db"))
    for name in ("training_crops.txt", "validation_crops.txt"):
        with open_sources(str(folder / name)) as opened:
            (source,) = opened.sources
            report = import_source(catalog, source)
            assert (report.n_unreadable, report.n_not_understood, report.issues) == (0, 0, {})
    return catalog


def test_every_crop_is_there_with_every_field(folder: Path, filled: Catalog) -> None:
    """Each field of each document is found again in its record."""
    with filled.read() as connection:
        records = {one.number: one for one in queries.crops(connection)}
    raw = raw_crops(folder)
    assert len(raw) == len(records) == 51
    for document in raw:
        check_fields(document, records[document["number"]])


def check_fields(document: dict[str, Any], record: CropRecord) -> None:
    """Check a record against the document, field by field; a field of no known name must be among the others."""
    columns = {"number": "number", "dataset_id": "dataset"}
    columns |= {name: name for name in ("parent", "biotype", "alias", "completion")}
    triples = {"dimensions": record.shape_xyz, "offset": record.offset_xyz, "resolution": record.resolution_nm_xyz}
    for name, value in document.items():
        if name in columns:
            assert getattr(record, columns[name]) == value
        elif name in triples:
            assert triples[name] == tuple(value[axis] for axis in "xyz")
        elif name == "labels":
            expected = [(state, *label) for state, labels in value.items() for label in labels]
            assert [(one.state.value, one.label_id, one.name) for one in record.labels] == expected
        else:
            assert record.others[name] == value
    assert record.is_validation is (document.get("completion") == -1)


def test_counts_by_dataset_and_state_are_those_of_the_dumps(folder: Path, filled: Catalog) -> None:
    """Counted here from the text, without our own code."""
    raw = raw_crops(folder)
    by_dataset = Counter(document["dataset_id"] for document in raw)
    by_state = Counter(state for document in raw for state, labels in document["labels"].items() for _ in labels)
    assert by_dataset == {"jrc_hela-2": 25, "jrc_hela-3": 13, "jrc_macrophage-2": 13}
    assert by_state == {"absent_annotated": 1459, "present_annotated": 372, "present_unannotated": 56}
    with filled.read() as connection:
        records = queries.crops(connection)
        present = queries.crops(
            connection, label_ids=queries.find_labels(connection, "mito"), states=[LabelState.PRESENT_ANNOTATED]
        )
    assert Counter(one.dataset for one in records) == by_dataset
    assert Counter(label.state.value for one in records for label in one.labels) == by_state
    shows = {
        document["number"]
        for document in raw
        if {3, 4, 5} & {one for one, _ in document["labels"]["present_annotated"]}
    }
    assert {one.number for one in present} == shows


def test_importing_the_dumps_again_changes_nothing(folder: Path, filled: Catalog) -> None:
    """All documents are as they were."""
    for name in ("training_crops.txt", "validation_crops.txt"):
        with open_sources(str(folder / name)) as opened:
            report = import_source(filled, opened.sources[0])
        assert (report.seen, report.unchanged) == (report.unchanged, report.seen)

"""The published JSON Schemas are those of the models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mirror.report.json import document, listing
from mirror.report.model import Amount, DatasetLine, FailedObject, SyncReport
from mirror.report.schemas import DOCUMENTS, schema_text

FOLDER = Path(__file__).parents[3] / "docs" / "schemas"
REPORT = SyncReport(
    run=1,
    dry_run=False,
    complete=True,
    bucket="b",
    datasets=("jrc_hela-2",),
    planned=Amount(objects=2, bytes=10),
    failed=(FailedObject(key="k", path="b/k", reason="gone"),),
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_published_schema_is_the_model_s(name: str) -> None:
    """Each file in docs/schemas is what `python -m mirror.report.schemas docs/schemas` writes, and a valid schema."""
    text = (FOLDER / f"{name}.json").read_text()
    assert text == schema_text(name)
    Draft202012Validator.check_schema(json.loads(text))


def test_there_is_no_other_schema() -> None:
    """A schema whose document no longer exists is not left behind."""
    assert {file.stem for file in FOLDER.iterdir()} == set(DOCUMENTS)


def test_a_report_fits_its_schema() -> None:
    """A report is an object with `schema` 1 that fits the published schema."""
    made = json.loads(document(REPORT))
    assert made["schema"] == 1
    Draft202012Validator(json.loads((FOLDER / "sync.json").read_text())).validate(made)


def test_a_listing_is_an_array() -> None:
    """A listing is an array of objects, also when it is empty."""
    line = DatasetLine(bucket="b", dataset="d", listed=None, listed_at=None, mirrored=Amount())
    made = json.loads(listing((line,)))
    Draft202012Validator(json.loads((FOLDER / "ls.json").read_text())).validate(made)
    assert made[0]["listed"] is None
    assert json.loads(listing(())) == []

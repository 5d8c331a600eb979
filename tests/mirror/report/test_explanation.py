"""The report as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from mirror.report.explanation import DiffReport
from mirror.report.json import document
from tests.mirror.report.differences import equal_report, realistic_report

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "diff-buckets.json"


def test_a_report_fits_its_schema() -> None:
    """It is one document with `schema` 1, and comes back the same."""
    for report in (realistic_report(), equal_report()):
        made = json.loads(document(report))
        Draft202012Validator(json.loads(SCHEMA.read_text())).validate(made)
        assert made["schema"] == 1
        assert DiffReport.model_validate_json(document(report)) == report


def test_its_sums_are_exact() -> None:
    """Causes and what is unexplained come to each difference, contributions to each level's."""
    made = json.loads(document(realistic_report()))
    for one in made["datasets"]:
        assert one["difference_bytes"] == one["a"]["bytes"] - one["b"]["bytes"]
        assert sum(cause["bytes"] for cause in one["causes"]) + one["unexplained_bytes"] == one["difference_bytes"]
        for pair in one["pairs"]:
            for level in pair["levels"]:
                told = sum(level["contributions"].values()) + level["unexplained_bytes"]
                assert told == level["difference_bytes"] == level["a_bytes"] - level["b_bytes"]

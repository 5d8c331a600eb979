"""Crops, issues and evaluations as text."""

from __future__ import annotations

from mirror.report.crops import BestLine, CropReport, EvaluationLine, IssueLine
from mirror.report.text.crops import render_best, render_crop, render_crops, render_evaluations, render_issues

CROP = CropReport(
    number="4",
    version="0003",
    dataset="jrc_hela-2",
    role="training",
    biotype=None,
    alias=None,
    shape_zyx=(238, 300, 300),
    offset_zyx=None,
    present_annotated=0,
    present_unannotated=0,
    absent_annotated=0,
    present_partial_annotation=0,
    ground_truth=(),
    parent=None,
    completion=None,
    resolution_nm_zyx=None,
    labels=(),
    others={"note": {"a": 1}},
    documents=None,
    issues=None,
)


def test_nothing_is_said_in_words() -> None:
    """An empty list is a sentence."""
    assert render_crops(()) == "There is no such crop."
    assert render_best(()) == "There is no such evaluation."
    assert render_issues(()).startswith("Nothing odd")


def test_a_crop_of_a_published_catalog_says_what_is_not_in_it() -> None:
    """Documents and issues are on the machine that imported them."""
    assert render_crop(CROP).splitlines() == [
        "Crop 4 of jrc_hela-2, ground truth 0003, training",
        "  raw voxels z,y,x: 238,300,300",
        "  start z,y,x: no document tells it",
        '  note: {"a": 1}',
        "Its documents are not in the published catalog, and neither is what is odd about them.",
    ]


def test_issues_stand_below_their_source() -> None:
    """Each with its document and field, on lines that no terminal obeys."""
    one = IssueLine(
        severity="warning",
        code="wrong-type",
        kind="crops",
        place="/dumps/crops.json",
        collection="",
        document="113\x07",
        field="alias",
        expected="text",
        found="[]",
        first_seen_at=None,
    )
    assert render_issues((one,)).splitlines() == [
        "crops of /dumps/crops.json",
        "  warning: wrong-type: 113\\x07 alias",
        "    expected text; found []",
    ]


def test_the_best_are_a_table() -> None:
    """With the metric's parameters where it has some."""
    line = BestLine(
        dataset="jrc_hela-2",
        label="mito",
        metric="f1_score_with_tolerance",
        better="higher",
        setup="setup01",
        iteration=725000,
        value=0.87654321,
        crops=4,
        candidates=1200,
        threshold=127.0,
        metric_params={"tol_distance": 40},
        refined=False,
        raw_dataset=None,
    )
    row = render_best((line,)).splitlines()[1].split()
    assert row[:3] == ["mito", "jrc_hela-2", "f1_score_with_tolerance"]
    assert row[-5:] == ["setup01", "725,000", "0.876543", "4", "1,200"]
    assert '{"tol_distance": 40}' in render_best((line,))


def test_results_are_lines() -> None:
    """NaN as itself, a dash for what is not there."""
    blank = dict.fromkeys(EvaluationLine.model_fields) | {"others": {}}
    lines = [EvaluationLine.model_validate(blank | {"value_word": "nan", "metric": "dice", "iteration": 25000})]
    _, row = render_evaluations(iter(lines))
    assert row.split() == ["nan", "dice", "-", "-", "-", "25,000", "-"]

"""Crops, issues and evaluations as text."""

from __future__ import annotations

from mirror.report.crops import BestLine, CropLine, CropReport, EvaluationLine, GroundTruth, IssueLine
from mirror.report.model import Amount
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
    assert list(render_evaluations(iter(()))) == [render_best(())]
    assert render_issues(()).startswith("Nothing odd")


def test_crops_of_the_real_databases_fit_80_columns() -> None:
    """Below their datasets, with the longest numbers there are and ground truth in both buckets."""
    places = (
        GroundTruth(bucket="a", prefix="x/", arrays=1, mirrored=Amount(), state="partial"),
        GroundTruth(bucket="b", prefix="x/", arrays=1, mirrored=Amount(), state="whole"),
    )
    known = CropLine.model_validate(CROP.model_dump(include=set(CropLine.model_fields)))
    long = {"number": "110", "role": "validation", "offset_zyx": (5510, 1315, 12305), "ground_truth": places}
    text = render_crops((known, known.model_copy(update={"dataset": "jrc_macrophage-2", **long})), width=80)
    assert [line.split()[0] for line in text.splitlines()] == ["crop", "jrc_hela-2", "4", "jrc_macrophage-2", "110"]
    assert max(map(len, text.splitlines())) <= 80
    assert "partial (a), whole (b)" in text


def test_the_folder_of_ground_truth_stands_on_a_line_of_its_own() -> None:
    """So that its size can be read in 80 columns, and its key be copied."""
    key = "heinrich-2021a/jrc_hela-2/jrc_hela-2.n5/volumes/groundtruth/0003/crop4/"
    truth = GroundTruth(bucket="b", prefix=key, arrays=3, mirrored=Amount(objects=35, bytes=903_300), state="whole")
    lines = render_crop(CROP.model_copy(update={"ground_truth": (truth,)})).splitlines()
    at = lines.index("  ground truth in bucket b: 3 arrays; on the share: whole, 35 objects, 903.3 kB")
    assert lines[at + 1] == f"    {key}"


def test_a_crop_of_a_published_catalog_says_what_is_not_in_it() -> None:
    """Documents and issues are on the machine that imported them."""
    assert render_crop(CROP).splitlines() == [
        "Crop 4 of jrc_hela-2, ground truth 0003, training",
        "  raw voxels z,y,x: 238,300,300",
        "  start z,y,x: no document tells it; `oomirror crops locate 4` asks other sources",
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

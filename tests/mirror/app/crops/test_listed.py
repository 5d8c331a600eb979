"""Crops as reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.publish import write_sealed_copy
from catalog.records import Seal
from catalog.session import open_catalog
from mirror.app.crops.listed import CropFilter, list_crops, show_crop
from mirror.app.reading import published_file
from mirror.config import Settings, load_settings
from mirror.errors import UnknownNameError
from tests.mirror.app.catalogs import HELA, START
from tests.mirror.app.crops.labs import GROUND_TRUTH, write_crops


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings that lead to a catalog with crops; only read."""
    return write_crops(tmp_path_factory.mktemp("crops"))


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        pytest.param(CropFilter(), ["4", "23", "113", "9"], id="all"),
        pytest.param(CropFilter(dataset=HELA), ["4", "23", "113"], id="dataset"),
        pytest.param(CropFilter(label="mito-mem"), ["4", "23", "113", "9"], id="an organelle"),
        pytest.param(CropFilter(label="Mito membrane", state="absent_annotated"), ["23"], id="a label absent"),
        pytest.param(CropFilter(label="ves_mem", dataset=HELA), ["4", "113"], id="another spelling"),
        pytest.param(CropFilter(is_validation=True), ["113", "9"], id="validation"),
        pytest.param(CropFilter(is_validation=False), ["4", "23"], id="training"),
        pytest.param(CropFilter(is_mirrored=True), ["113"], id="mirrored"),
        pytest.param(CropFilter(is_mirrored=True, bucket="a"), [], id="mirrored from the other bucket"),
        pytest.param(CropFilter(is_mirrored=False, dataset=HELA), ["4", "23"], id="not mirrored"),
    ],
)
def test_crops_are_chosen(lab: Settings, wanted: CropFilter, numbers: list[str]) -> None:
    """By all that is given."""
    assert [line.number for line in list_crops(lab, wanted)] == numbers


def test_axes_are_in_the_order_of_arrays(lab: Settings) -> None:
    """z, y, x: documents have x, y, z."""
    line = next(line for line in list_crops(lab, CropFilter()) if line.number == "113")
    assert (line.shape_zyx, line.offset_zyx) == ((250, 500, 500), (2975, 25, 3125))
    (place,) = line.ground_truth
    assert (place.bucket, place.prefix, place.state, place.mirrored.objects) == ("b", GROUND_TRUTH, "whole", 2)


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        pytest.param(CropFilter(dataset="jrc_hela-9"), HELA, id="dataset"),
        pytest.param(CropFilter(label="mitoo"), "mito", id="label"),
        pytest.param(CropFilter(state="present"), "present_annotated", id="state"),
        pytest.param(CropFilter(bucket="c"), "a", id="bucket"),
    ],
)
def test_what_there_is_not_is_told_with_what_there_is(lab: Settings, wanted: CropFilter, hint: str) -> None:
    """Near names are in the hint."""
    with pytest.raises(UnknownNameError, match=hint):
        list_crops(lab, wanted)


def test_all_that_is_known_of_a_crop_is_shown(lab: Settings) -> None:
    """Its labels, its fields without a meaning, its documents and what is odd about them."""
    report = show_crop(lab, "4", with_documents=True)
    assert (report.parent, report.completion, len(report.labels)) == ("jrc_hela-2/jrc_hela-2.n5", None, 37)
    assert report.labels[2].organelle_class == "mito-mem"
    assert report.documents is not None
    assert report.issues is not None
    (one,) = report.documents
    assert one.body is not None
    assert one.body["number"] == "4"
    assert [(issue.code, issue.severity) for issue in report.issues] == [("text-as-number", "note")]
    without = show_crop(lab, "4").documents
    assert without is not None
    assert without[0].body is None


@pytest.mark.parametrize(("number", "version"), [("5", None), ("4", "0004")], ids=["number", "version"])
def test_a_crop_that_is_not_known_is_told(lab: Settings, number: str, version: str | None) -> None:
    """With those that are."""
    with pytest.raises(UnknownNameError, match="unknown crop"):
        show_crop(lab, number, version=version)


def test_a_published_catalog_has_crops_without_documents(lab: Settings, tmp_path: Path) -> None:
    """Crops, labels and what is on the share are in it; documents and issues are said to be not."""
    file = published_file(tmp_path)
    file.parent.mkdir()
    with open_catalog(lab.catalog) as catalog:
        write_sealed_copy(catalog, file, Seal(START, "node1", "0.1.0", "node1"))
    reader = load_settings(None, {"catalog": f"sqlite:///{tmp_path}/none.db", "share": tmp_path})
    assert list_crops(reader, CropFilter()) == list_crops(lab, CropFilter())
    report = show_crop(reader, "113")
    assert (report.documents, report.issues, len(report.labels)) == (None, None, 37)

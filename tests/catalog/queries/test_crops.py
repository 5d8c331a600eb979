"""Crops of the catalog."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.records import ArrayRecord, CropLabel, CropRecord, LabelState
from tests.catalog.builders import CONTAINER, DATASET, array_record

PRESENT, ABSENT = LabelState.PRESENT_ANNOTATED, LabelState.ABSENT
WHOLE = CropRecord(
    number="113",
    version="0003",
    dataset=DATASET,
    parent="jrc_hela-2/jrc_hela-2.n5",
    biotype="HeLa",
    alias="Validation001",
    completion=-1,
    shape_xyz=(500, 500, 250),
    offset_xyz=(3125, 25, 2975),
    resolution_nm_xyz=(4.0, 4.0, 4.0),
    labels=(
        CropLabel(PRESENT, 3, "Mito membrane"),
        CropLabel(ABSENT, 16, "ER membrane"),
        CropLabel(PRESENT, None, None),
    ),
    others={"access_date": 0},
)
CROPS = (
    WHOLE,
    CropRecord("23", "0003", DATASET, labels=(CropLabel(ABSENT, 3, "Mito membrane"),)),
    CropRecord("23", "0004", DATASET),
    CropRecord(
        "4", "0003", DATASET, completion=5, labels=(CropLabel(PRESENT, 3, "Mito"), CropLabel(PRESENT, 16, "ER"))
    ),
    CropRecord("9b", "0003", "jrc_hela-3"),
    CropRecord("1", "0003"),
)


@pytest.fixture
def filled(connection: Connection) -> Connection:
    """Return a connection to a catalog with six crops."""
    for one in CROPS:
        queries.put_crop(connection, one)
    return connection


def numbers(records: tuple[CropRecord, ...]) -> list[str]:
    """Return the numbers of crops, with the version where it is not the first."""
    return [one.number if one.version == "0003" else f"{one.number}/{one.version}" for one in records]


def test_a_crop_comes_back_as_it_was_put(filled: Connection) -> None:
    """With its labels in their order."""
    assert queries.find_crop(filled, "113") == replace(WHOLE, id=1)


def test_a_crop_that_is_put_again_keeps_its_id(filled: Connection) -> None:
    """What it was before is gone, its labels too."""
    other = CropRecord("113", "0003", DATASET, labels=(CropLabel(ABSENT, 1, "ECS"),))
    assert queries.put_crop(filled, other) == 1
    assert queries.find_crop(filled, "113") == replace(other, id=1)


def test_crops_are_sorted_by_dataset_and_number(filled: Connection) -> None:
    """Numbers as numbers, though they are text."""
    assert numbers(queries.crops(filled)) == ["1", "4", "23", "23/0004", "113", "9b"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param({"dataset": "jrc_hela-3"}, ["9b"], id="dataset"),
        pytest.param({"label_ids": [3]}, ["4", "23", "113"], id="label"),
        pytest.param({"label_ids": [3, 16], "states": [ABSENT]}, ["23", "113"], id="one of two labels absent"),
        pytest.param({"label_ids": [3], "states": [PRESENT]}, ["4", "113"], id="label present"),
        pytest.param({"label_ids": []}, [], id="no label"),
        pytest.param({"states": [LabelState.PARTIAL]}, [], id="a state that no crop tells"),
        pytest.param({"is_validation": True}, ["113"], id="kept from training"),
        pytest.param({"is_validation": False, "version": "0003"}, ["1", "4", "23", "9b"], id="for training"),
        pytest.param({"version": "0004"}, ["23/0004"], id="version"),
        pytest.param({"numbers": ["4", "113", "5"]}, ["4", "113"], id="numbers"),
    ],
)
def test_crops_are_chosen(filled: Connection, wanted: dict[str, object], expected: list[str]) -> None:
    """All that is given must hold."""
    assert numbers(queries.crops(filled, **wanted)) == expected  # type: ignore[arg-type]


def test_without_a_version_the_newest_counts(filled: Connection) -> None:
    """With one, that of the version, or none."""
    newest = queries.find_crop(filled, "23")
    assert newest is not None
    assert newest.version == "0004"
    assert queries.find_crop(filled, "23", "0005") is None
    assert queries.find_crop(filled, "24") is None


def test_ground_truth_is_found_in_each_layout(connection: Connection, bucket: int) -> None:
    """N5 with the version, zarr without, `Crop1` for crop 1; crop 11 is another, and so is what is gone."""
    zarr = CONTAINER.replace(".n5/", ".zarr/")
    places = [
        (CONTAINER, "volumes/groundtruth/0003/Crop1/labels/all", True),
        (CONTAINER, "volumes/groundtruth/0004/crop1/labels/all", True),
        (CONTAINER, "volumes/groundtruth/0003/crop11/labels/all", True),
        (CONTAINER, "volumes/groundtruth/0003/crop1/labels/gone", False),
        (CONTAINER, "volumes/raw/s0", True),
        (zarr, "recon-1/labels/groundtruth/crop1/mito/s0", True),
    ]
    for prefix, path, is_present in places:
        record: ArrayRecord = replace(array_record(bucket, path), prefix=prefix, is_present=is_present)
        queries.put_array(connection, record)

    def found(number: str, version: str | None = None) -> list[str]:
        arrays = queries.ground_truth_arrays(connection, bucket, DATASET, number, version)
        return [one.path for one in arrays]

    assert found("1") == [places[0][1], places[1][1], places[5][1]]
    assert found("1", "0003") == [places[0][1], places[5][1]]
    assert found("11") == [places[2][1]]
    assert found("2") == []
    assert queries.ground_truth_arrays(connection, bucket, "jrc_hela-3", "1") == ()

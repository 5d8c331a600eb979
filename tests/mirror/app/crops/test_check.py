"""What is kept of sources that contradict each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog import queries
from catalog.records import ClassCrop, CropRecord, FindingRecord
from catalog.session import open_catalog
from mirror.app.crops.check import CROPS, check_crops
from mirror.app.crops.imported import import_documents
from mirror.app.crops.locate import locate_crop
from mirror.app.described import put_described
from mirror.config import Settings, load_settings
from mirror.crops.table import TableRow, parse_table
from mirror.formats.layout import Dataset, FindingCode
from tests.mirror.app.crops.builders import (
    CROP_1,
    CROP_113,
    HELA,
    NOW,
    ROW_1,
    ROW_113,
    put_crop,
    put_ground_truth,
    put_raw,
    put_rows,
    put_zarr_ground_truth,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

OFFSET_1 = (25864.0, 900.0, 2400.0)
SHAPE_1 = (1000, 1000, 200)
CROP_110 = CropRecord(
    "110", "0003", "jrc_macrophage-2", completion=-1, shape_xyz=(502, 250, 501), offset_xyz=(2305, 315, 5510)
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings whose catalog has nothing but its tables."""
    folder: Path = tmp_path_factory.mktemp("crops")
    return load_settings(None, {"catalog": f"sqlite:///{folder}/catalog.db", "share": folder / "share"})


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    """A transaction that leaves nothing behind."""
    with open_catalog(settings.catalog) as catalog, catalog.begin() as open_one:
        yield open_one
        open_one.rollback()


def record_of(row: TableRow) -> ClassCrop:
    """Return a row of the table as the catalog keeps it."""
    return ClassCrop(
        row.number, row.dataset, row.class_label, row.voxel_size_nm_zyx, row.translation_nm_zyx, row.shape_zyx
    )


def found_in(connection: Connection, settings: Settings, bucket: str, dataset: str = HELA) -> list[FindingRecord]:
    """Look, and return what is open about crops in a bucket."""
    check_crops(connection, dataset, now=NOW)
    bucket_id = queries.bucket_id(connection, str(settings.bucket(bucket).url))
    found = queries.findings(connection, bucket_id=bucket_id, dataset=dataset)
    return [one for one in found if one.origin == CROPS]


def test_crop_1_is_told_with_both_numbers(connection: Connection, settings: Settings) -> None:
    """B's attribute says z 600, the cellmap table z 598: a finding of B, though A was never scanned."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    put_rows(connection, ROW_1)
    (one,) = found_in(connection, settings, "b")
    assert one.code == FindingCode.CROP_SOURCES_DISAGREE
    assert one.place == f"heinrich-2021a/{HELA}/{HELA}.n5/volumes/groundtruth/0003/crop1/"
    assert (
        one.expected == "crop 1 (0003) of jrc_hela-2: start 600,225,6466 (z,y,x), 100 x 500 x 500 voxels by b_attribute"
    )
    assert one.found == "start 598,225,6466 (z,y,x), 100 x 500 x 500 voxels by cellmap_manifest"


def test_each_bucket_has_the_finding_from_its_side(connection: Connection, settings: Settings) -> None:
    """In A the table rules and B's attribute contradicts."""
    put_raw(connection, settings, "a")
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    put_rows(connection, ROW_1)
    (in_a,) = found_in(connection, settings, "a")
    assert "start 598,225,6466" in in_a.expected
    assert "start 600,225,6466" in in_a.found
    assert len(found_in(connection, settings, "b")) == 1


def test_sources_that_agree_leave_nothing(connection: Connection, settings: Settings) -> None:
    """Crop 113: attribute, document and table say the same in both buckets."""
    put_raw(connection, settings, "a")
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 113, (12500.0, 100.0, 11900.0), (1000, 1000, 500))
    put_zarr_ground_truth(connection, settings, 113, (12499.0, 99.0, 15587.69), (1000, 1000, 500))
    put_crop(connection, CROP_113)
    put_rows(connection, ROW_113)
    assert found_in(connection, settings, "a") == []
    assert found_in(connection, settings, "b") == []


@pytest.mark.parametrize(
    ("ground_truth", "record", "code"),
    [
        pytest.param(((5.0, 0.0, 0.0), (8, 8, 8)), None, FindingCode.CROP_START_NOT_WHOLE, id="quarter of a voxel"),
        pytest.param(((6.0, 0.0, 0.0), (8, 8, 8)), None, FindingCode.CROP_START_NOT_WHOLE, id="half-way"),
        pytest.param(((47992.0, 0.0, 0.0), (8, 8, 8)), None, FindingCode.CROP_OUTSIDE_RAW, id="outside"),
        pytest.param((OFFSET_1, (1000, 1000, 202)), CROP_1, FindingCode.CROP_SHAPE_DIFFERS, id="not twice"),
        pytest.param(
            (OFFSET_1, SHAPE_1),
            replace(CROP_1, offset_xyz=(6466, 225, 598)),
            FindingCode.CROP_SOURCES_DISAGREE,
            id="document disagrees",
        ),
    ],
)
def test_what_is_odd_about_one_crop(
    connection: Connection,
    settings: Settings,
    ground_truth: tuple[tuple[float, ...], tuple[int, ...]],
    record: CropRecord | None,
    code: FindingCode,
) -> None:
    """Each fault is one finding, of its own code."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, *ground_truth)
    if record is not None:
        put_crop(connection, record)
    assert [one.code for one in found_in(connection, settings, "b")] == [code]


def test_label_images_of_one_crop_that_lie_apart(connection: Connection, settings: Settings) -> None:
    """The image of all classes rules, another one contradicts."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    put_ground_truth(connection, settings, 1, (25864.0, 900.0, 2404.0), SHAPE_1, label="ribosomes")
    (one,) = found_in(connection, settings, "b")
    assert "start 600," in one.expected
    assert "start 601," in one.found


def test_raw_of_another_grid_contradicts_nothing(connection: Connection, settings: Settings) -> None:
    """Where the two raw differ, two answers are no contradiction."""
    put_raw(connection, settings, "a", shape_xyz=(12000, 1600, 6400))
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    put_rows(connection, ROW_1)
    assert found_in(connection, settings, "b") == []


def test_a_look_replaces_the_one_before(connection: Connection, settings: Settings) -> None:
    """What is true no more is closed, with the time; looking twice adds nothing."""
    put_raw(connection, settings, "b")
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    put_rows(connection, ROW_1)
    assert len(found_in(connection, settings, "b")) == 1
    assert len(found_in(connection, settings, "b")) == 1
    queries.replace_class_crops(connection, 1, ())
    later = NOW + timedelta(days=1)
    assert check_crops(connection, HELA, now=later) == 0
    closed = queries.findings(connection, dataset=HELA, with_closed=True)
    assert [one.closed_at for one in closed] == [later]


def test_crops_of_a_dataset_that_was_never_scanned(connection: Connection, settings: Settings) -> None:
    """One note names them all, until a bucket is found to have it."""
    queries.bucket_id(connection, str(settings.bucket("b").url))
    put_crop(connection, CROP_113)
    put_rows(connection, ROW_1)
    (one,) = found_in(connection, settings, "b")
    assert (one.code, one.severity) == (FindingCode.CROP_OF_UNKNOWN_DATASET, "note")
    assert one.found == "crops 1, 113"
    put_raw(connection, settings, "b")
    assert found_in(connection, settings, "b") == []


@pytest.mark.samples
def test_the_real_table_agrees_with_the_real_documents(
    connection: Connection, settings: Settings, samples: Path
) -> None:
    """Start x voxel - voxel/4 is the table's translation to 0.01 nm for both validation crops; each of 44 is placed."""
    lines = parse_table((samples / "crops/cellmap_train_crop_manifest.csv").read_bytes(), "t.csv")
    put_raw(connection, settings, "a")
    put_raw(
        connection,
        settings,
        "a",
        dataset="jrc_macrophage-2",
        shape_xyz=(10000, 2000, 11087),
        voxel_xyz=(4.0, 4.0, 3.36),
    )
    put_raw(connection, settings, "b")
    put_raw(
        connection,
        settings,
        "b",
        dataset="jrc_macrophage-2",
        shape_xyz=(10000, 2000, 11087),
        voxel_xyz=(4.0, 4.0, 3.36),
    )
    put_rows(connection, *(record_of(line.row) for line in lines if line.row is not None))
    put_ground_truth(connection, settings, 1, OFFSET_1, SHAPE_1)
    for record in (CROP_113, CROP_110):
        put_crop(connection, record)
        assert record.offset_xyz is not None
        voxel = {HELA: 5.24, "jrc_macrophage-2": 3.36}[record.dataset or ""]
        rows = [line.row for line in lines if line.row is not None and line.row.number == record.number]
        sizes = (voxel, 4.0, 4.0)
        by_rule = [a * v - v / 4 for a, v in zip(record.offset_xyz[::-1], sizes, strict=True)]
        assert all(row.translation_nm_zyx == pytest.approx(by_rule, abs=0.01) for row in rows)
    found = [
        *found_in(connection, settings, "b"),
        *found_in(connection, settings, "b", "jrc_macrophage-2"),
    ]
    assert [(one.code, one.found.partition(" (")[0]) for one in found] == [
        (FindingCode.CROP_SOURCES_DISAGREE, "start 598,225,6466")
    ]
    for number in {line.row.number for line in lines if line.row is not None}:
        locate_crop(connection, settings, number, bucket="a")


def test_describing_a_dataset_looks_at_its_crops(connection: Connection, settings: Settings) -> None:
    """What scan and sync write of a dataset settles what was odd before, without another command."""
    url = str(settings.bucket("b").url)
    bucket_id = queries.bucket_id(connection, url)
    put_crop(connection, CROP_113)
    assert len(found_in(connection, settings, "b")) == 1
    dataset = Dataset(HELA, f"heinrich-2021a/{HELA}/", (), (), (), ())
    put_described(connection, bucket_id, url, dataset, now=NOW)
    assert [one for one in queries.findings(connection, dataset=HELA) if one.origin == CROPS] == []


def test_importing_documents_looks_at_their_crops(tmp_path: Path) -> None:
    """A document that contradicts the attribute is a finding when `import-mongo` is done."""
    own = load_settings(None, {"catalog": f"sqlite:///{tmp_path}/catalog.db"})
    with open_catalog(own.catalog) as catalog, catalog.begin() as connection:
        put_raw(connection, own, "b")
        put_ground_truth(connection, own, 113, (12500.0, 100.0, 11904.0), (1000, 1000, 500))
    document = {
        "number": "113",
        "dataset_id": HELA,
        "parent": f"{HELA}/{HELA}.n5",
        "dimensions": {"x": 500, "y": 500, "z": 250},
        "offset": {"x": 3125, "y": 25, "z": 2975},
        "labels": {},
    }
    (tmp_path / "v0003.json").write_text(f"{json.dumps(document)}\n", encoding="utf-8")
    import_documents(own, str(tmp_path / "v0003.json"))
    with open_catalog(own.catalog) as catalog, catalog.read() as connection:
        found = [one for one in queries.findings(connection) if one.origin == CROPS]
    assert [(one.code, one.found.partition(" (")[0]) for one in found] == [
        (FindingCode.CROP_SOURCES_DISAGREE, "start 2975,25,3125")
    ]

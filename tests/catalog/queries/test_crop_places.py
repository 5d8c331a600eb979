"""Volumes of raw and of ground truth, and rows of cellmap tables, on each database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from catalog import queries
from catalog.records import (
    ArrayRecord,
    ClassCrop,
    ContainerRecord,
    DatasetRecord,
    ImportKind,
    ImportSource,
    VolumeRecord,
)
from catalog.session import Catalog

NOW = datetime(2026, 1, 2, tzinfo=UTC)
N5 = "d/d.n5/"
ROW = ClassCrop("1", "d", "er", (2.0, 2.0, 2.0), (1.0, 1.0, 1.0), (8, 8, 8))


@pytest.fixture
def described(catalog: Catalog) -> Catalog:
    """A dataset with raw of two levels, ground truth of crops 1 and 11, a mask, and raw that is gone."""
    with catalog.begin() as connection:
        bucket = queries.bucket_id(connection, "s3://b")
        dataset = queries.put_dataset(connection, DatasetRecord(bucket, "d", "d/", NOW))
        container = queries.put_container(connection, ContainerRecord(dataset, N5, "n5"))
        for path, kind, levels in (
            ("raw", "em", ("s1", "s0")),
            ("gone", "em", ("s0",)),
            ("gt/Crop1/all", "ground-truth", ("",)),
            ("gt/crop11/all", "ground-truth", ("",)),
            ("masks/crop1/all", "mask", ("",)),
        ):
            record = VolumeRecord(container, path, f"{N5}{path}/", kind, is_present=path != "gone")
            volume = queries.put_volume(connection, record)
            for level in levels:
                place = f"{path}/{level}".rstrip("/")
                index = int(level[1:]) if level else None
                array = ArrayRecord(bucket, N5, place, "n5", (8, 8, 8), (4, 4, 4), "uint8", {})
                queries.put_array(connection, replace(array, volume_id=volume, level_index=index, level_name=level))
    return catalog


def test_volumes_of_a_crop(described: Catalog) -> None:
    """Raw, finest level first, and the ground truth that may be of that number; nothing that is gone, no mask."""
    with described.read() as connection:
        bucket = queries.find_bucket(connection, "s3://b") or 0
        of_one = queries.crop_volumes(connection, bucket, "d", "1")
        of_all = queries.crop_volumes(connection, bucket, "d")
        raw = queries.volume_at(connection, bucket, "d", "raw")
        paths = queries.ground_truth_paths(connection, "11")
    # The number 1 ends 11, too: who reads the path tells them apart.
    assert [one.volume.path for one in of_one] == [one.volume.path for one in of_all]
    assert {one.volume.path for one in of_all} == {"raw", "gt/Crop1/all", "gt/crop11/all"}
    assert [one.level_name for one in raw[0].arrays] == ["s0", "s1"]
    assert raw[0].container_prefix == N5
    assert paths == (("d", "gt/crop11/all"),)


def test_rows_of_a_table_take_the_place_of_its_own(catalog: Catalog) -> None:
    """Those of another table stay; of one class in both the table that came last is first."""
    with catalog.begin() as connection:
        first, second = (
            queries.put_import_source(
                connection, ImportSource(ImportKind.CLASS_CROPS, place, "", None, 1, None, NOW, NOW, 1)
            )
            for place in ("/a.csv", "/b.csv")
        )
        queries.replace_class_crops(connection, first, [ROW, replace(ROW, class_label="mito")])
        queries.replace_class_crops(connection, second, [ROW])
        queries.replace_class_crops(connection, first, [ROW])
        rows = queries.class_crops(connection, number="1", dataset="d")
        assert rows == (replace(ROW, source_id=second), replace(ROW, source_id=first))
        assert queries.class_crops(connection, number="2") == ()

"""Datasets, containers and volumes."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from catalog import queries
from catalog.records import ContainerRecord, DatasetRecord, VolumeRecord
from tests.catalog import builders
from tests.catalog.builders import CONTAINER, DATASET, at

PREFIX = f"heinrich-2021a/{DATASET}/"


def put_tree(connection: Connection, bucket: int) -> DatasetRecord:
    """Keep a dataset with one container, one volume and one array; return it with its number."""
    record = DatasetRecord(bucket, DATASET, PREFIX, at(1), b"digest")
    dataset_id = queries.put_dataset(connection, record)
    container_id = queries.put_container(connection, ContainerRecord(dataset_id, CONTAINER, "n5", "2.0.0"))
    volume = VolumeRecord(container_id, "volumes/raw", f"{CONTAINER}volumes/raw/", "em", None)
    volume_id = queries.put_volume(connection, volume)
    array = replace(builders.array_record(bucket), volume_id=volume_id, voxel_size_nm_xyz=(4.0, 4.0, 5.24))
    queries.put_array(connection, array)
    return replace(record, id=dataset_id)


def test_a_tree_comes_back_as_it_was_put(connection: Connection, bucket: int) -> None:
    """Dataset, container, volume and array are read back whole, and keep their numbers when they are put again."""
    record = put_tree(connection, bucket)
    assert put_tree(connection, bucket) == record
    assert queries.find_dataset(connection, bucket, DATASET) == record
    assert queries.datasets(connection, bucket) == (record,)
    assert record.id is not None
    (container,) = queries.containers(connection, record.id)
    (volume,) = queries.volumes(connection, record.id)
    (array,) = queries.arrays(connection, bucket, PREFIX)
    assert (container.format, container.version) == ("n5", "2.0.0")
    assert (volume.container_id, volume.kind) == (container.id, "em")
    assert (array.volume_id, array.voxel_size_nm_xyz, array.is_present) == (volume.id, (4.0, 4.0, 5.24), True)


def test_what_the_bucket_has_no_more_is_said_to_be_gone(connection: Connection, bucket: int) -> None:
    """It stays, marked: its blocks may be on the share. What comes back is there again."""
    record = put_tree(connection, bucket)
    queries.mark_absent(connection, record, present={CONTAINER})
    assert record.id is not None
    assert [one.is_present for one in queries.containers(connection, record.id)] == [True]
    assert [one.is_present for one in queries.volumes(connection, record.id)] == [False]
    assert [one.is_present for one in queries.arrays(connection, bucket, PREFIX)] == [False]
    put_tree(connection, bucket)
    assert [one.is_present for one in queries.arrays(connection, bucket, PREFIX)] == [True]


def test_an_unknown_dataset_is_none(connection: Connection, bucket: int) -> None:
    """Nothing is claimed of what was never walked."""
    assert queries.find_dataset(connection, bucket, DATASET) is None

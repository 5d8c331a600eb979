"""Datasets, containers and volumes as discovery found them; arrays are their levels."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from catalog.queries.places import arrays
from catalog.queries.rows import put_named, update_rows
from catalog.records import ContainerRecord, DatasetRecord, VolumeRecord
from catalog.tables import array, container, dataset, volume


def find_dataset(connection: Connection, bucket_id: int, name: str) -> DatasetRecord | None:
    """Return a dataset of a bucket, or None if it was never walked or mirrored."""
    query = select(dataset).where(dataset.c.bucket_id == bucket_id, dataset.c.name == name)
    row = connection.execute(query).mappings().first()
    return None if row is None else DatasetRecord(**row)


def datasets(connection: Connection, bucket_id: int) -> tuple[DatasetRecord, ...]:
    """Return the datasets of a bucket that were ever walked, by name."""
    query = select(dataset).where(dataset.c.bucket_id == bucket_id).order_by(dataset.c.name)
    return tuple(DatasetRecord(**row) for row in connection.execute(query).mappings())


def containers(connection: Connection, dataset_id: int) -> tuple[ContainerRecord, ...]:
    """Return the containers of a dataset, by prefix, those that are gone from the bucket too."""
    query = select(container).where(container.c.dataset_id == dataset_id).order_by(container.c.prefix)
    return tuple(ContainerRecord(**row) for row in connection.execute(query).mappings())


def volumes(connection: Connection, dataset_id: int) -> tuple[VolumeRecord, ...]:
    """Return the volumes of a dataset, by container and path, those that are gone from the bucket too."""
    query = (
        select(volume)
        .join(container, container.c.id == volume.c.container_id)
        .where(container.c.dataset_id == dataset_id)
        .order_by(container.c.prefix, volume.c.path)
    )
    return tuple(VolumeRecord(**row) for row in connection.execute(query).mappings())


def put_dataset(connection: Connection, record: DatasetRecord) -> int:
    """Keep a dataset, or what is now known of it; return its id, which stays the same."""
    return put_named(connection, dataset, record, ("bucket_id", "name"))


def put_container(connection: Connection, record: ContainerRecord) -> int:
    """Keep a container, or what is now known of it; return its id, which stays the same."""
    return put_named(connection, container, record, ("dataset_id", "prefix"))


def put_volume(connection: Connection, record: VolumeRecord) -> int:
    """Keep a volume, or what is now known of it; return its id, which stays the same."""
    return put_named(connection, volume, record, ("container_id", "path"))


def mark_absent(connection: Connection, record: DatasetRecord, *, present: Collection[str]) -> None:
    """Say of all containers, volumes and arrays of a dataset that they are gone from the bucket, but for the present.

    Parameters
    ----------
    present
        Full key prefixes of what is there.
    """
    if record.id is None:
        raise TypeError("a dataset that was never put")
    arrays_inside = arrays(connection, record.bucket_id, record.prefix)
    for table, prefixes in (
        (container, {one.id: one.prefix for one in containers(connection, record.id)}),
        (volume, {one.id: one.prefix for one in volumes(connection, record.id)}),
        (array, {one.id: one.key_prefix for one in arrays_inside}),
    ):
        gone = [(row_id,) for row_id, prefix in prefixes.items() if prefix not in present]
        update_rows(connection, table, gone, is_present=False)

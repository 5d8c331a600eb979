"""Datasets, containers and volumes as discovery found them; arrays are their levels."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Table, select, update

from catalog.queries.rows import starts_with, upsert
from catalog.records import ContainerRecord, DatasetRecord, VolumeRecord
from catalog.tables import array, container, dataset, volume

_NAMED_BY = {
    "dataset": ("bucket_id", "name"),
    "container": ("dataset_id", "prefix"),
    "volume": ("container_id", "path"),
}


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
    return _put(connection, dataset, record)


def put_container(connection: Connection, record: ContainerRecord) -> int:
    """Keep a container, or what is now known of it; return its id, which stays the same."""
    return _put(connection, container, record)


def put_volume(connection: Connection, record: VolumeRecord) -> int:
    """Keep a volume, or what is now known of it; return its id, which stays the same."""
    return _put(connection, volume, record)


def mark_absent(connection: Connection, record: DatasetRecord, *, present: Collection[str]) -> None:
    """Say of all containers, volumes and arrays of a dataset that they are gone from the bucket, but for the present.

    Parameters
    ----------
    present
        Full key prefixes of what is there.
    """
    of_dataset = container.c.dataset_id == record.id
    in_containers = volume.c.container_id.in_(select(container.c.id).where(of_dataset))
    arrays_inside = array.c.bucket_id == record.bucket_id, starts_with(array.c.prefix, record.prefix)
    for table, conditions in ((container, (of_dataset,)), (volume, (in_containers,)), (array, arrays_inside)):
        for row in connection.execute(select(table).where(*conditions, table.c.is_present)).mappings().all():
            prefix = _key_prefix(row["prefix"], row["path"]) if table is array else row["prefix"]
            if prefix not in present:
                connection.execute(update(table).where(table.c.id == row["id"]).values(is_present=False))


def _key_prefix(prefix: str, path: str) -> str:
    return f"{prefix}{path}/" if path else prefix


def _put(connection: Connection, table: Table, record: DatasetRecord | ContainerRecord | VolumeRecord) -> int:
    values = {column.name: getattr(record, column.name) for column in table.columns if column.name != "id"}
    by = _NAMED_BY[table.name]
    connection.execute(upsert(table, connection.dialect, by), values)
    named = [table.c[name] == values[name] for name in by]
    return int(connection.execute(select(table.c.id).where(*named)).scalar_one())

"""A dataset as the catalog remembers it, for checks that need no bucket."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import ArrayRecord, DatasetRecord
from mirror.formats.folder import Format
from mirror.formats.layout import Array, ArrayFacts, Container, Dataset, Placement, Volume

if TYPE_CHECKING:
    from sqlalchemy import Connection


def recall_dataset(connection: Connection, record: DatasetRecord) -> Dataset:
    """Return a dataset's containers, volumes and arrays, as they were when it was last walked; no groups and files."""
    if record.id is None:
        raise TypeError("a dataset that was never put")
    levels: defaultdict[int | None, list[ArrayRecord]] = defaultdict(list)
    for array in queries.arrays(connection, record.bucket_id, record.prefix):
        if array.is_present:
            levels[array.volume_id].append(array)
    volumes = [volume for volume in queries.volumes(connection, record.id) if volume.is_present]
    containers = tuple(
        Container(
            Format(container.format),
            container.prefix,
            tuple(
                Volume(
                    volume.path,
                    container.prefix,
                    volume.prefix,
                    Format(container.format),
                    tuple(map(_array, sorted(levels[volume.id], key=_order))),
                )
                for volume in volumes
                if volume.container_id == container.id
            ),
            (),
            container.version,
        )
        for container in queries.containers(connection, record.id)
        if container.is_present
    )
    return Dataset(record.name, record.prefix, containers, (), (), ())


def _order(array: ArrayRecord) -> tuple[int, str]:
    return (-1 if array.level_index is None else array.level_index, array.path)


def _array(record: ArrayRecord) -> Array:
    placement = None
    if record.voxel_size_nm_xyz is not None:
        source = record.placement_source or ""
        placement = Placement(record.voxel_size_nm_xyz, record.translation_nm_xyz, source)
    return Array(
        Format(record.format),
        record.path,
        record.key_prefix,
        level_index=record.level_index,
        level_name=record.level_name,
        facts=ArrayFacts(
            record.shape_xyz,
            record.block_size_xyz,
            record.data_type,
            record.compression,
            record.inner_block_size_xyz,
            record.axes_xyz,
        ),
        placement=placement,
    )

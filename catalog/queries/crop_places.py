"""The volumes of raw and of ground truth, whose documents say where crops lie."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, or_, select

from catalog.queries.places import array_record
from catalog.records import ArrayRecord, VolumeRecord
from catalog.tables import array, container, dataset, volume

_EM, _GROUND_TRUTH = "em", "ground-truth"


class CropVolume(NamedTuple):
    """A volume of raw or of ground truth, and its arrays."""

    volume: VolumeRecord
    container_prefix: str
    arrays: tuple[ArrayRecord, ...]
    """Finest first."""


def crop_volumes(
    connection: Connection, bucket_id: int, dataset_name: str, number: str | None = None
) -> tuple[CropVolume, ...]:
    """Return the present volumes of raw and of ground truth of a dataset in a bucket, by container and path.

    Parameters
    ----------
    number
        Of one crop: all of raw, and of ground truth what may be its own (its path holds the number).
    """
    is_crop = volume.c.kind == _GROUND_TRUTH
    if number is not None:
        is_crop = and_(is_crop, func.lower(volume.c.path).contains(f"{number.lower()}/", autoescape=True))
    query = (
        select(volume, container.c.prefix.label("container_prefix"))
        .join(container, container.c.id == volume.c.container_id)
        .join(dataset, dataset.c.id == container.c.dataset_id)
        .where(dataset.c.bucket_id == bucket_id, dataset.c.name == dataset_name, volume.c.is_present)
        .where(or_(volume.c.kind == _EM, is_crop))
        .order_by(container.c.prefix, volume.c.path)
    )
    return _with_arrays(connection, list(connection.execute(query).mappings()))


def volume_at(connection: Connection, bucket_id: int, dataset_name: str, path: str) -> tuple[CropVolume, ...]:
    """Return the present volumes of a dataset in a bucket whose path inside their container is that, by container."""
    query = (
        select(volume, container.c.prefix.label("container_prefix"))
        .join(container, container.c.id == volume.c.container_id)
        .join(dataset, dataset.c.id == container.c.dataset_id)
        .where(dataset.c.bucket_id == bucket_id, dataset.c.name == dataset_name, volume.c.is_present)
        .where(volume.c.path == path)
        .order_by(container.c.prefix)
    )
    return _with_arrays(connection, list(connection.execute(query).mappings()))


def ground_truth_paths(connection: Connection, number: str | None = None) -> tuple[tuple[str, str], ...]:
    """Return dataset and path of all present ground-truth volumes, in any bucket: of one number where given.

    The path of some may hold the number for another reason.
    """
    query = (
        select(dataset.c.name, volume.c.path)
        .join(container, container.c.dataset_id == dataset.c.id)
        .join(volume, volume.c.container_id == container.c.id)
        .where(volume.c.is_present, volume.c.kind == _GROUND_TRUTH)
        .distinct()
        .order_by(dataset.c.name, volume.c.path)
    )
    if number is not None:
        query = query.where(func.lower(volume.c.path).contains(f"{number.lower()}/", autoescape=True))
    return tuple((row.name, row.path) for row in connection.execute(query))


def _with_arrays(connection: Connection, rows: list[Any]) -> tuple[CropVolume, ...]:
    levels: defaultdict[int, list[ArrayRecord]] = defaultdict(list)
    ids = [row["id"] for row in rows]
    # A statement takes some thousands of parameters, not any number.
    for at in range(0, len(ids), 500):
        query = select(array).where(array.c.volume_id.in_(ids[at : at + 500]), array.c.is_present)
        for found in connection.execute(query).mappings():
            levels[found["volume_id"]].append(array_record(found))
    names = [column.name for column in volume.columns]
    return tuple(
        CropVolume(
            VolumeRecord(**{name: row[name] for name in names}),
            row["container_prefix"],
            tuple(sorted(levels[row["id"]], key=lambda one: (one.level_index or 0, one.path))),
        )
        for row in rows
    )

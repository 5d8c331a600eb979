"""What the buckets have and what the share has, counted by level: the facts of `oomirror ls`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from catalog.queries.places import arrays, bucket_prefix
from catalog.queries.rows import first_after, starts_with
from catalog.records import Count, LevelState, LooseState, SnapshotScope
from catalog.tables import array, mirrored_block, mirrored_object, shard, snapshot, snapshot_shard


def level_states(connection: Connection, bucket_id: int, dataset: str) -> tuple[LevelState, ...]:
    """Return what is known of each array of a dataset, by container and path.

    What lies in an array's folder counts as the array's: its blocks, its attributes, its strays.
    """
    listed = _listed_by_array(connection, bucket_id, dataset)
    prefix = _dataset_prefix(connection, bucket_id, dataset)
    blocks = _mirrored_blocks_by_array(connection, bucket_id, prefix)
    states = []
    for record in arrays(connection, bucket_id, prefix):
        count, listed_at = listed.get(record.id, (None, None))
        others = _mirrored_objects(connection, bucket_id, record.key_prefix)
        states.append(LevelState(record, count, listed_at, _sum(blocks.get(record.id, Count()), others)))
    return tuple(states)


def loose_state(connection: Connection, bucket_id: int, dataset: str) -> LooseState:
    """Return what is known of a dataset's objects outside all arrays."""
    prefix = _dataset_prefix(connection, bucket_id, dataset)
    mirrored = _mirrored_objects(connection, bucket_id, prefix)
    for record in arrays(connection, bucket_id, prefix):
        inside = _mirrored_objects(connection, bucket_id, record.key_prefix)
        mirrored = Count(mirrored.objects - inside.objects, mirrored.bytes - inside.bytes)
    count, listed_at = _listed_by_array(connection, bucket_id, dataset).get(None, (None, None))
    return LooseState(count, listed_at, mirrored)


def dataset_names(connection: Connection, bucket_id: int) -> tuple[str, ...]:
    """Return the datasets that were ever listed or mirrored, sorted."""
    prefix = bucket_prefix(connection, bucket_id)
    listed = connection.execute(select(snapshot.c.dataset).where(snapshot.c.bucket_id == bucket_id).distinct())
    containers = connection.execute(select(array.c.prefix).where(array.c.bucket_id == bucket_id).distinct())
    names = set(listed.scalars())
    names.update(_first_folder(key, prefix) for key in containers.scalars())
    names.update(_mirrored_folders(connection, bucket_id, prefix))
    return tuple(sorted(name for name in names if name))


def _dataset_prefix(connection: Connection, bucket_id: int, dataset: str) -> str:
    return f"{bucket_prefix(connection, bucket_id)}{dataset}/"


def _listed_by_array(
    connection: Connection, bucket_id: int, dataset: str
) -> dict[int | None, tuple[Count, datetime | None]]:
    query = (
        select(
            shard.c.array_id,
            snapshot.c.scope,
            snapshot.c.finished_at,
            func.sum(shard.c.objects).label("objects"),
            func.sum(shard.c.bytes).label("bytes"),
        )
        .join(snapshot_shard, snapshot_shard.c.shard_id == shard.c.id)
        .join(snapshot, snapshot.c.id == snapshot_shard.c.snapshot_id)
        .where(snapshot.c.bucket_id == bucket_id, snapshot.c.dataset == dataset, snapshot.c.is_complete)
        .group_by(shard.c.array_id, snapshot.c.id, snapshot.c.scope, snapshot.c.finished_at)
        .order_by(snapshot.c.finished_at, snapshot.c.id)
    )
    newest: dict[int | None, tuple[Count, datetime | None]] = {}
    has_all_loose = False
    for row in connection.execute(query):
        # A selection holds an array whole or not at all, but of the other objects only some: those of a listing of
        # everything stay, however old. Of all else the newest comes last and stays.
        is_all = row.scope == SnapshotScope.ALL
        if row.array_id is None and has_all_loose and not is_all:
            continue
        has_all_loose |= row.array_id is None and is_all
        newest[row.array_id] = Count(int(row.objects), int(row.bytes)), row.finished_at
    return newest


def _mirrored_blocks_by_array(connection: Connection, bucket_id: int, key_prefix: str) -> dict[int | None, Count]:
    t = mirrored_block.c
    inside = select(array.c.id).where(array.c.bucket_id == bucket_id, starts_with(array.c.prefix, key_prefix))
    query = select(t.array_id, *_counted(t.size)).where(t.array_id.in_(inside)).group_by(t.array_id)
    return {row[0]: Count(int(row[1]), int(row[2])) for row in connection.execute(query)}


def _mirrored_objects(connection: Connection, bucket_id: int, key_prefix: str) -> Count:
    t = mirrored_object.c
    query = select(*_counted(t.size)).where(t.bucket_id == bucket_id, starts_with(t.key, key_prefix))
    objects, size = connection.execute(query).one()
    return Count(int(objects), int(size))


def _counted(size: ColumnElement[int]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return func.count(), func.coalesce(func.sum(size), 0)


def _sum(one: Count, other: Count) -> Count:
    return Count(one.objects + other.objects, one.bytes + other.bytes)


def _first_folder(key: str, prefix: str) -> str:
    return key.removeprefix(prefix).partition("/")[0] if key.startswith(prefix) else ""


def _mirrored_folders(connection: Connection, bucket_id: int, prefix: str) -> set[str]:
    """Return the folders right under `prefix` by leaping from one to the next: millions of keys, a few look-ups."""
    t = mirrored_object.c
    folders: set[str] = set()
    start = prefix
    while True:
        query = select(func.min(t.key)).where(t.bucket_id == bucket_id, starts_with(t.key, prefix), t.key >= start)
        key = connection.execute(query).scalar()
        if key is None:
            return folders
        name, slash, _ = key.removeprefix(prefix).partition("/")
        if slash:
            folders.add(name)
        after = first_after(f"{prefix}{name}/") if slash else f"{key}\0"
        if after is None:
            return folders
        start = after

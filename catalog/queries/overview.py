"""What the buckets have and what the share has, counted by level: the facts of `oomirror ls`."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from catalog.queries.cropped import cropped_blocks
from catalog.queries.places import arrays, bucket_prefix
from catalog.queries.rows import first_after, starts_with
from catalog.queries.sums import mirror_states
from catalog.records import Count, LevelState, LooseState, SnapshotScope
from catalog.tables import array, bucket, mirrored_object, shard, snapshot, snapshot_shard
from catalog.tables import dataset as dataset_table


class Listing(NamedTuple):
    """The newest complete listing of one array, or of all outside arrays."""

    snapshot_id: int
    scope: SnapshotScope
    finished_at: datetime | None
    listed: Count
    blocks: Count


def level_states(connection: Connection, bucket_id: int, dataset: str) -> tuple[LevelState, ...]:
    """Return what is known of each array of a dataset, by container and path.

    What lies in an array's folder counts as the array's: its blocks, its attributes, its strays.
    """
    return dataset_state(connection, bucket_id, dataset)[0]


def loose_state(connection: Connection, bucket_id: int, dataset: str) -> LooseState:
    """Return what is known of a dataset's objects outside all arrays."""
    return dataset_state(connection, bucket_id, dataset)[1]


def dataset_state(connection: Connection, bucket_id: int, dataset: str) -> tuple[tuple[LevelState, ...], LooseState]:
    """Return what is known of each array of a dataset, by container and path, and of all outside them."""
    listings = newest_listings(connection, bucket_id, dataset)
    prefix = _dataset_prefix(connection, bucket_id, dataset)
    records = arrays(connection, bucket_id, prefix)
    states = mirror_states(connection, bucket_id, prefix, records)
    levels = []
    unlisted = {one.key_prefix for one in records if one.id not in listings and states[one.key_prefix].mirrored.objects}
    cropped = cropped_blocks(connection, bucket_id, dataset) if unlisted else {}
    for record in records:
        of_array, state = listings.get(record.id), states[record.key_prefix]
        if of_array is None:
            is_cropped = record.key_prefix in unlisted and record.key_prefix in cropped
            levels.append(LevelState(record, None, None, state, is_cropped=is_cropped))
        else:
            levels.append(LevelState(record, of_array.listed, of_array.finished_at, state, of_array.blocks))
    loose = listings.get(None)
    if loose is None:
        return tuple(levels), LooseState(None, None, states[prefix])
    return tuple(levels), LooseState(loose.listed, loose.finished_at, states[prefix])


def dataset_names(connection: Connection, bucket_id: int) -> tuple[str, ...]:
    """Return the datasets that were ever listed or mirrored, sorted."""
    prefix = bucket_prefix(connection, bucket_id)
    listed = connection.execute(select(snapshot.c.dataset).where(snapshot.c.bucket_id == bucket_id).distinct())
    containers = connection.execute(select(array.c.prefix).where(array.c.bucket_id == bucket_id).distinct())
    names = set(listed.scalars())
    names.update(_first_folder(key, prefix) for key in containers.scalars())
    names.update(_mirrored_folders(connection, bucket_id, prefix))
    return tuple(sorted(name for name in names if name))


def bucket_datasets(connection: Connection) -> frozenset[str]:
    """Return the datasets that any bucket was seen to have, or that the share has of any."""
    numbers = connection.execute(select(bucket.c.id)).scalars().all()
    looked_at = connection.execute(select(dataset_table.c.name).distinct()).scalars()
    return frozenset(looked_at).union(*(dataset_names(connection, number) for number in numbers))


def _dataset_prefix(connection: Connection, bucket_id: int, dataset: str) -> str:
    return f"{bucket_prefix(connection, bucket_id)}{dataset}/"


def newest_listings(connection: Connection, bucket_id: int, dataset: str) -> dict[int | None, Listing]:
    """Return the newest complete listing of each array that has one, by its id; under None: of all outside arrays."""
    query = (
        select(
            shard.c.array_id,
            snapshot.c.id.label("snapshot_id"),
            snapshot.c.scope,
            snapshot.c.finished_at,
            func.sum(shard.c.objects).label("objects"),
            func.sum(shard.c.bytes).label("bytes"),
            func.sum(shard.c.n_blocks).label("n_blocks"),
            func.sum(shard.c.block_bytes).label("block_bytes"),
        )
        .join(snapshot_shard, snapshot_shard.c.shard_id == shard.c.id)
        .join(snapshot, snapshot.c.id == snapshot_shard.c.snapshot_id)
        .where(snapshot.c.bucket_id == bucket_id, snapshot.c.dataset == dataset, snapshot.c.is_complete)
        .group_by(shard.c.array_id, snapshot.c.id, snapshot.c.scope, snapshot.c.finished_at)
        .order_by(snapshot.c.finished_at, snapshot.c.id)
    )
    newest: dict[int | None, Listing] = {}
    has_all_loose = False
    for row in connection.execute(query):
        # A selection holds an array whole or not at all, but of the other objects only some: those of a listing of
        # everything stay, however old. Of all else the newest comes last and stays.
        is_all = row.scope == SnapshotScope.ALL
        if row.array_id is None and has_all_loose and not is_all:
            continue
        has_all_loose |= row.array_id is None and is_all
        listed, blocks = Count(int(row.objects), int(row.bytes)), Count(int(row.n_blocks), int(row.block_bytes))
        newest[row.array_id] = Listing(row.snapshot_id, SnapshotScope(row.scope), row.finished_at, listed, blocks)
    return newest


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

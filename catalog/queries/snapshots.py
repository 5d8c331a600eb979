"""Snapshots: what a bucket had, as sets of shards; equal shards are stored once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Exists, RowMapping, Table, delete, exists, func, insert, select, tuple_, update

from catalog.queries.rows import inserted_id, put_rows, stream, upsert
from catalog.records import (
    Count,
    ListedBlockRow,
    ListedObjectRow,
    RunState,
    ShardRecord,
    SnapshotRecord,
    SnapshotScope,
)
from catalog.tables import listed_block, listed_object, run, shard, snapshot, snapshot_shard

KEPT_SNAPSHOTS = 2
"""Complete snapshots kept of each bucket, dataset and scope."""
DROPPED_ROWS = 20_000
"""Rows of superfluous shards that go in one transaction: a tenth of a second in which nobody else can write."""


def start_snapshot(
    connection: Connection, *, bucket_id: int, dataset: str, run_id: int, scope: SnapshotScope, started_at: datetime
) -> int:
    """Keep a snapshot that begins now and is not complete; return its id."""
    result = connection.execute(
        insert(snapshot).values(
            bucket_id=bucket_id,
            dataset=dataset,
            run_id=run_id,
            scope=SnapshotScope(scope).value,
            started_at=started_at,
            is_complete=False,
            objects=0,
            bytes=0,
        )
    )
    return inserted_id(result)


def find_shard(connection: Connection, bucket_id: int, prefix: str, digest: bytes) -> int | None:
    """Return the id of a stored shard with this content, or None.

    Link it in the same transaction, before another run's retention drops it.
    """
    return connection.execute(select(shard.c.id).where(*_named(bucket_id, prefix, digest), _is_linked())).scalar()


def put_shard(
    connection: Connection,
    *,
    bucket_id: int,
    array_id: int | None,
    prefix: str,
    digest: bytes,
    objects: int,
    bytes: int,  # noqa: A002 - the column's name
) -> int:
    """Keep a new shard without its rows; return its id.

    Its rows and its link belong into the same transaction: a shard that no snapshot links is never found, and is
    dropped after the next snapshot was finished.
    """
    left_over = connection.execute(select(shard.c.id).where(*_named(bucket_id, prefix, digest))).scalar()
    if left_over is not None:
        connection.execute(delete(snapshot_shard).where(snapshot_shard.c.shard_id == left_over))
        connection.execute(delete(shard).where(shard.c.id == left_over))
    result = connection.execute(
        insert(shard).values(
            bucket_id=bucket_id, array_id=array_id, prefix=prefix, digest=digest, objects=objects, bytes=bytes
        )
    )
    return inserted_id(result)


def count_blocks(connection: Connection, shard_id: int, blocks: Count) -> None:
    """Keep how many objects of a shard are blocks inside their array's grid."""
    values = {"n_blocks": blocks.objects, "block_bytes": blocks.bytes}
    connection.execute(update(shard).where(shard.c.id == shard_id).values(values))


def put_listed_blocks(connection: Connection, shard_id: int, rows: Iterable[ListedBlockRow]) -> None:
    """Add blocks to a shard; may be called in parts."""
    put_rows(connection, listed_block, ((shard_id, *row) for row in rows))


def put_listed_objects(connection: Connection, shard_id: int, rows: Iterable[ListedObjectRow]) -> None:
    """Add other objects to a shard; may be called in parts."""
    put_rows(connection, listed_object, ((shard_id, *row) for row in rows))


def link_shard(connection: Connection, snapshot_id: int, shard_id: int) -> None:
    """Make a shard part of a snapshot; linking it again changes nothing."""
    values = {"snapshot_id": snapshot_id, "shard_id": shard_id}
    connection.execute(upsert(snapshot_shard, connection.dialect), values)


def add_shard(
    connection: Connection,
    snapshot_id: int,
    *,
    bucket_id: int,
    array_id: int | None,
    prefix: str,
    digest: bytes,
    blocks: Iterable[ListedBlockRow] = (),
    objects: Iterable[ListedObjectRow] = (),
) -> bool:
    """Add a shard to a snapshot; return whether rows were written (False: an equal one was stored already)."""
    found = find_shard(connection, bucket_id, prefix, digest)
    if found is not None:
        link_shard(connection, snapshot_id, found)
        return False
    block_rows, object_rows = tuple(blocks), tuple(objects)
    shard_id = put_shard(
        connection,
        bucket_id=bucket_id,
        array_id=array_id,
        prefix=prefix,
        digest=digest,
        objects=len(block_rows) + len(object_rows),
        bytes=sum(row[3] for row in block_rows) + sum(row[1] for row in object_rows),
    )
    put_listed_blocks(connection, shard_id, block_rows)
    put_listed_objects(connection, shard_id, object_rows)
    count_blocks(connection, shard_id, Count(len(block_rows), sum(row[3] for row in block_rows)))
    link_shard(connection, snapshot_id, shard_id)
    return True


def finish_snapshot(connection: Connection, snapshot_id: int, *, is_complete: bool, finished_at: datetime) -> None:
    """Keep how a snapshot ended and what it counts; a complete one lets older ones go.

    Kept are the last two complete ones of its bucket, dataset and scope. Snapshots that runs which are over left
    unfinished go too. The shards that only they had stay until `drop_shards`.
    """
    objects, size = connection.execute(
        select(func.coalesce(func.sum(shard.c.objects), 0), func.coalesce(func.sum(shard.c.bytes), 0))
        .join(snapshot_shard, snapshot_shard.c.shard_id == shard.c.id)
        .where(snapshot_shard.c.snapshot_id == snapshot_id)
    ).one()
    values = {"finished_at": finished_at, "is_complete": is_complete, "objects": int(objects), "bytes": int(size)}
    connection.execute(update(snapshot).where(snapshot.c.id == snapshot_id).values(values))
    if is_complete:
        drop_old_snapshots(connection, snapshot_id)


def drop_old_snapshots(connection: Connection, newest_id: int) -> None:
    """Drop the snapshots that the newest one, a complete one, makes superfluous."""
    newest = connection.execute(select(snapshot).where(snapshot.c.id == newest_id)).one()
    same = (
        snapshot.c.bucket_id == newest.bucket_id,
        snapshot.c.dataset == newest.dataset,
        snapshot.c.scope == newest.scope,
        snapshot.c.is_complete,
    )
    kept = select(snapshot.c.id).where(*same).order_by(snapshot.c.id.desc()).limit(KEPT_SNAPSHOTS)
    connection.execute(delete(snapshot).where(*same, snapshot.c.id.not_in(kept)))
    drop_left_over_snapshots(connection, newest.bucket_id)


def drop_left_over_snapshots(connection: Connection, bucket_id: int | None = None) -> int:
    """Drop what runs that are over left unfinished, of one bucket or of all; return how many there were."""
    over = select(run.c.id).where(run.c.state != RunState.RUNNING.value)
    conditions = [~snapshot.c.is_complete, snapshot.c.run_id.in_(over)]
    if bucket_id is not None:
        conditions.append(snapshot.c.bucket_id == bucket_id)
    return connection.execute(delete(snapshot).where(*conditions)).rowcount


def unlinked_shards(connection: Connection, bucket_id: int | None = None) -> tuple[int, ...]:
    """Return the shards of one bucket, or of all, that are in no snapshot any more."""
    query = select(shard.c.id).where(~_is_linked()).order_by(shard.c.id)
    if bucket_id is not None:
        query = query.where(shard.c.bucket_id == bucket_id)
    return tuple(connection.execute(query).scalars())


def drop_shards(connection: Connection, shard_ids: Sequence[int], *, max_rows: int = DROPPED_ROWS) -> tuple[int, ...]:
    """Drop some of the shards that are in no snapshot, about `max_rows` rows of them; return those that are left.

    Call it until none is left, each time in a transaction of its own: others write in between. A shard that was linked
    meanwhile stays.
    """
    for number, shard_id in enumerate(shard_ids):
        if max_rows <= 0:
            return tuple(shard_ids[number:])
        unlinked = connection.execute(select(shard.c.id).where(shard.c.id == shard_id, ~_is_linked())).scalar()
        if unlinked is None:
            continue
        for table in (listed_block, listed_object):
            max_rows -= _drop_rows(connection, table, shard_id, max_rows)
        if max_rows > 0:
            connection.execute(delete(shard).where(shard.c.id == shard_id))
            max_rows -= 1
        else:
            return tuple(shard_ids[number:])
    return ()


def _drop_rows(connection: Connection, table: Table, shard_id: int, max_rows: int) -> int:
    of_shard = table.c.shard_id == shard_id
    key = [column for column in table.primary_key if column.name != "shard_id"]
    last = connection.execute(select(*key).where(of_shard).order_by(*key).offset(max(max_rows, 0)).limit(1)).first()
    up_to = [of_shard] if last is None else [of_shard, tuple_(*key) < tuple_(*last)]
    return connection.execute(delete(table).where(*up_to)).rowcount


def _is_linked() -> Exists:
    return exists().where(snapshot_shard.c.shard_id == shard.c.id)


def newest_snapshot(
    connection: Connection, bucket_id: int, dataset: str, scope: SnapshotScope | None = None
) -> SnapshotRecord | None:
    """Return the newest complete snapshot of a dataset, of one scope where given, or None."""
    query = select(snapshot).where(
        snapshot.c.bucket_id == bucket_id, snapshot.c.dataset == dataset, snapshot.c.is_complete
    )
    if scope is not None:
        query = query.where(snapshot.c.scope == scope.value)
    row = connection.execute(query.order_by(snapshot.c.finished_at.desc(), snapshot.c.id.desc())).mappings().first()
    return None if row is None else _snapshot_record(row)


def snapshot_shards(connection: Connection, snapshot_id: int) -> tuple[ShardRecord, ...]:
    """Return the shards of a snapshot, by prefix."""
    query = (
        select(shard)
        .join(snapshot_shard, snapshot_shard.c.shard_id == shard.c.id)
        .where(snapshot_shard.c.snapshot_id == snapshot_id)
        .order_by(shard.c.prefix, shard.c.id)
    )
    return tuple(_shard_record(row) for row in connection.execute(query).mappings())


def listed_blocks(connection: Connection, shard_id: int) -> Iterator[ListedBlockRow]:
    """Yield the blocks of a shard in the order of x, y, z."""
    t = listed_block.c
    query = select(t.x, t.y, t.z, t.size, t.etag).where(t.shard_id == shard_id).order_by(t.x, t.y, t.z)
    return cast("Iterator[ListedBlockRow]", stream(connection, query))


def listed_objects(connection: Connection, shard_id: int) -> Iterator[ListedObjectRow]:
    """Yield the other objects of a shard in the order of their keys."""
    t = listed_object.c
    query = select(t.key, t.size, t.etag, t.last_modified).where(t.shard_id == shard_id).order_by(t.key)
    return cast("Iterator[ListedObjectRow]", stream(connection, query))


def _named(bucket_id: int, prefix: str, digest: bytes) -> tuple[Any, ...]:
    return shard.c.bucket_id == bucket_id, shard.c.prefix == prefix, shard.c.digest == digest


def _snapshot_record(row: RowMapping) -> SnapshotRecord:
    values = dict(row)
    listed = Count(values.pop("objects"), values.pop("bytes"))
    values.update(scope=SnapshotScope(row["scope"]))
    return SnapshotRecord(**values, listed=listed)


def _shard_record(row: RowMapping) -> ShardRecord:
    values = dict(row)
    listed = Count(values.pop("objects"), values.pop("bytes"))
    blocks = Count(values.pop("n_blocks"), values.pop("block_bytes"))
    return ShardRecord(**values, listed=listed, blocks=blocks)

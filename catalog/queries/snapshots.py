"""Snapshots: what a bucket had, as sets of shards; equal shards are stored once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update

from catalog.queries.retention import drop_old_snapshots, is_linked
from catalog.queries.rows import inserted_id, put_rows, stream, upsert
from catalog.records import (
    Count,
    ListedBlockRow,
    ListedObjectRow,
    ShardRecord,
    SnapshotRecord,
    SnapshotScope,
)
from catalog.tables import listed_block, listed_object, shard, snapshot, snapshot_shard

_DIGEST_BYTES = 16
MEANING_BYTES = 8
"""Bytes behind the digest of a shard's content, in the same column."""


# Built once, for a listing asks it of each of ten thousand shards. There is one such shard, unless a version that knew
# of no meaning wrote beside it: then the one that has its own.
_FIND = (
    select(shard.c.id, shard.c.array_id, shard.c.digest)
    .where(
        shard.c.bucket_id == bindparam("of_bucket"),
        shard.c.prefix == bindparam("at"),
        shard.c.digest.between(bindparam("first"), bindparam("last")),
        is_linked(),
    )
    .order_by(shard.c.digest.desc())
    .limit(1)
)


class StoredShard(NamedTuple):
    """A shard that is stored, and what its listing was understood as when its rows were written."""

    id: int
    array_id: int | None
    meaning: bytes
    """Which of its keys are blocks, in a few bytes; b"" where it was no array's, or that was not kept yet."""


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


def find_shard(connection: Connection, bucket_id: int, prefix: str, digest: bytes) -> StoredShard | None:
    """Return a stored shard with this content, whatever it was understood as, or None.

    Link it in the same transaction, before another run's retention drops it.
    """
    values = {"of_bucket": bucket_id, "at": prefix, "first": digest, "last": _last_name(digest)}
    found = connection.execute(_FIND, values).first()
    if found is None:
        return None
    shard_id, array_id, name = found
    return StoredShard(shard_id, array_id, name[len(digest) :])


def put_shard(
    connection: Connection,
    *,
    bucket_id: int,
    array_id: int | None,
    prefix: str,
    digest: bytes,
    objects: int,
    bytes: int,  # noqa: A002 - the column's name
    meaning: bytes = b"",
) -> int:
    """Keep a new shard without its rows; return its id.

    Its rows and its link belong into the same transaction: a shard that no snapshot links is never found, and is
    dropped after the next snapshot was finished.

    Parameters
    ----------
    meaning
        As `StoredShard.meaning`, at most `MEANING_BYTES`.
    """
    for left_over in connection.execute(select(shard.c.id).where(*_named(bucket_id, prefix, digest))).scalars().all():
        connection.execute(delete(snapshot_shard).where(snapshot_shard.c.shard_id == left_over))
        connection.execute(delete(shard).where(shard.c.id == left_over))
    name = {"bucket_id": bucket_id, "prefix": prefix, "digest": digest + meaning}
    return inserted_id(
        connection.execute(insert(shard).values(array_id=array_id, objects=objects, bytes=bytes, **name))
    )


def understand_shard(
    connection: Connection, shard_id: int, *, digest: bytes, array_id: int | None, meaning: bytes
) -> None:
    """Say what a stored shard is understood as from now on, in each snapshot that has it; its rows are the caller's."""
    bucket_id, prefix = connection.execute(
        select(shard.c.bucket_id, shard.c.prefix).where(shard.c.id == shard_id)
    ).one()
    same = _named(bucket_id, prefix, digest)
    connection.execute(delete(shard).where(*same, shard.c.id != shard_id, ~is_linked()))
    values = {"array_id": array_id, "digest": digest + meaning}
    connection.execute(update(shard).where(shard.c.id == shard_id).values(values))


def count_listed_blocks(connection: Connection, shard_id: int) -> int:
    """Return how many rows of a shard are blocks by their place."""
    query = select(func.count()).select_from(listed_block).where(listed_block.c.shard_id == shard_id)
    return int(connection.execute(query).scalar_one())


def drop_listed_rows(connection: Connection, shard_id: int) -> None:
    """Drop all rows of a shard, so that they can be written anew."""
    for table in (listed_block, listed_object):
        connection.execute(delete(table).where(table.c.shard_id == shard_id))


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
        link_shard(connection, snapshot_id, found.id)
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


def snapshots(connection: Connection) -> tuple[SnapshotRecord, ...]:
    """Return all snapshots, by bucket and dataset, the newest first; those that are not complete, too."""
    t = snapshot.c
    query = select(snapshot).order_by(t.bucket_id, t.dataset, t.id.desc())
    return tuple(_snapshot_record(row) for row in connection.execute(query).mappings())


def snapshot_blocks(connection: Connection) -> dict[int, int]:
    """Return how many blocks inside grids each snapshot has, by its id."""
    query = (
        select(snapshot_shard.c.snapshot_id, func.sum(shard.c.n_blocks))
        .join(shard, shard.c.id == snapshot_shard.c.shard_id)
        .group_by(snapshot_shard.c.snapshot_id)
    )
    return {snapshot_id: int(n_blocks) for snapshot_id, n_blocks in connection.execute(query)}


def snapshot_shards(connection: Connection, snapshot_id: int) -> tuple[ShardRecord, ...]:
    """Return the shards of a snapshot, by prefix."""
    query = (
        select(shard)
        .join(snapshot_shard, snapshot_shard.c.shard_id == shard.c.id)
        .where(snapshot_shard.c.snapshot_id == snapshot_id)
        .order_by(shard.c.prefix, shard.c.id)
    )
    # By position: a listing may have ten thousand of them.
    return tuple(
        ShardRecord(shard_id, bucket_id, array_id, prefix, name[:_DIGEST_BYTES], Count(objects, size), Count(*blocks))
        for shard_id, bucket_id, array_id, prefix, name, objects, size, *blocks in stream(connection, query)
    )


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
    """Return the condition of shards with a content: `shard.digest` is that of the content, then the meaning."""
    names = shard.c.digest.between(digest, _last_name(digest))
    return shard.c.bucket_id == bucket_id, shard.c.prefix == prefix, names


def _last_name(digest: bytes) -> bytes:
    return digest + b"\xff" * MEANING_BYTES


def _snapshot_record(row: RowMapping) -> SnapshotRecord:
    values = dict(row)
    listed = Count(values.pop("objects"), values.pop("bytes"))
    values.update(scope=SnapshotScope(row["scope"]))
    return SnapshotRecord(**values, listed=listed)

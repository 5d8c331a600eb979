"""Which listings are kept, and how the others go: in short transactions, for others write meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from sqlalchemy import Connection, Exists, Table, delete, exists, func, select, tuple_

from catalog.records import RunState
from catalog.tables import array, listed_block, listed_object, run, shard, snapshot, snapshot_shard

KEPT_SNAPSHOTS = 2
"""Complete snapshots kept of each bucket, dataset and scope, besides those that alone tell of an array."""
DROPPED_ROWS = 20_000
"""Rows of superfluous shards that go in one transaction: a tenth of a second in which nobody else can write."""
_SHARDS = 500


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
    old = set(connection.execute(select(snapshot.c.id).where(*same, snapshot.c.id.not_in(kept))).scalars())
    if old:
        gone = old - _newest_of_arrays(connection, newest.bucket_id, newest.dataset)
        connection.execute(delete(snapshot).where(snapshot.c.id.in_(gone)))
    drop_left_over_snapshots(connection, newest.bucket_id)


def _newest_of_arrays(connection: Connection, bucket_id: int, dataset: str) -> set[int]:
    """Return the snapshots that are the newest of an array which the bucket still has: only they tell how large it is.

    Two runs that chose other volumes, or crops, must not make forget what was listed of all else.
    """
    query = (
        select(func.max(snapshot.c.id))
        .join(snapshot_shard, snapshot_shard.c.snapshot_id == snapshot.c.id)
        .join(shard, shard.c.id == snapshot_shard.c.shard_id)
        .join(array, array.c.id == shard.c.array_id)
        .where(snapshot.c.bucket_id == bucket_id, snapshot.c.dataset == dataset)
        .where(snapshot.c.is_complete, array.c.is_present)
        .group_by(shard.c.array_id)
    )
    return set(connection.execute(query).scalars())


def drop_left_over_snapshots(connection: Connection, bucket_id: int | None = None) -> int:
    """Drop what runs that are over left unfinished, of one bucket or of all; return how many there were."""
    over = select(run.c.id).where(run.c.state != RunState.RUNNING.value)
    conditions = [~snapshot.c.is_complete, snapshot.c.run_id.in_(over)]
    if bucket_id is not None:
        conditions.append(snapshot.c.bucket_id == bucket_id)
    return connection.execute(delete(snapshot).where(*conditions)).rowcount


def unlinked_shards(connection: Connection, bucket_id: int | None = None) -> tuple[int, ...]:
    """Return the shards of one bucket, or of all, that are in no snapshot any more."""
    query = select(shard.c.id).where(~is_linked()).order_by(shard.c.id)
    if bucket_id is not None:
        query = query.where(shard.c.bucket_id == bucket_id)
    return tuple(connection.execute(query).scalars())


def drop_shards(connection: Connection, shard_ids: Sequence[int], *, max_rows: int = DROPPED_ROWS) -> tuple[int, ...]:
    """Drop some of the shards that are in no snapshot, about `max_rows` rows of them; return those that are left.

    Call it until none is left, each time in a transaction of its own: others write in between. A shard that was linked
    meanwhile stays.

    Parameters
    ----------
    shard_ids
        In ascending order, as `unlinked_shards` returns them.
    """
    some = tuple(shard_ids[:_SHARDS])
    query = select(shard.c.id, shard.c.objects).where(shard.c.id.in_(some), ~is_linked()).order_by(shard.c.id)
    rows = connection.execute(query).all()
    totals = accumulate(row.objects + 1 for row in rows)
    dropped = [row.id for row, total in zip(rows, totals, strict=True) if total <= max_rows]
    if dropped or not rows:
        connection.execute(delete(shard).where(shard.c.id.in_(dropped)))
    elif _drop_part(connection, rows[0].id, max_rows):
        dropped = [rows[0].id]
    left = [row.id for row in rows if row.id not in dropped]
    return (*left, *shard_ids[len(some) :])


def is_linked() -> Exists:
    """Return the condition that a shard is part of a snapshot."""
    return exists().where(snapshot_shard.c.shard_id == shard.c.id)


def _drop_part(connection: Connection, shard_id: int, max_rows: int) -> bool:
    """Drop rows of a shard that has many; return whether none was left, and the shard has gone as well."""
    for table in (listed_block, listed_object):
        max_rows -= _drop_rows(connection, table, shard_id, max_rows)
    if max_rows <= 0:
        return False
    connection.execute(delete(shard).where(shard.c.id == shard_id))
    return True


def _drop_rows(connection: Connection, table: Table, shard_id: int, max_rows: int) -> int:
    of_shard = table.c.shard_id == shard_id
    key = [column for column in table.primary_key if column.name != "shard_id"]
    last = connection.execute(select(*key).where(of_shard).order_by(*key).offset(max_rows).limit(1)).first()
    up_to = [of_shard] if last is None else [of_shard, tuple_(*key) < tuple_(*last)]
    return connection.execute(delete(table).where(*up_to)).rowcount

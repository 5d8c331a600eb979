"""Where the bucket as it was listed and the mirror's state agree, counted by the database: no row travels."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, and_, exists, func, select, text

from catalog.queries.rows import starts_with
from catalog.queries.snapshots import find_shard
from catalog.tables import listed_object, mirrored_object

MAX_OTHERS = 16
"""An array's slab has none or few objects that are no blocks; where there are more, nobody asks for their names."""


# CROSS JOIN, after which SQLite keeps the order: the other one would read all of the array for each of its slabs.
_BLOCKS = text("""
SELECT count(*) FROM listed_block l CROSS JOIN mirrored_block m
WHERE l.shard_id = :shard_id AND m.array_id = :array_id
AND m.x = l.x AND m.y = l.y AND m.z = l.z AND m.size = l.size AND m.etag = l.etag
""")


class Agreement(NamedTuple):
    """How much of a stored shard is on the share, in size and ETag as it was listed."""

    blocks: int
    others: tuple[str, ...]
    """Full keys of the objects that are no blocks, in their order."""


def agreement(connection: Connection, bucket_id: int, array_id: int, prefix: str, digest: bytes) -> Agreement | None:
    """Return what of a shard is on the share, or None.

    None means that no such shard is stored, that it was stored for another array, or that an object of it which is no
    block is not on the share or is one of too many.
    """
    known = find_shard(connection, bucket_id, prefix, digest)
    if known is None or known.array_id != array_id:
        return None
    shard_id = known.id
    others = _others(connection, shard_id)
    if len(others) > MAX_OTHERS:
        return None
    if others and _count_others(connection, shard_id, bucket_id, prefix) != len(others):
        return None
    return Agreement(_count_blocks(connection, shard_id, array_id), others)


def _others(connection: Connection, shard_id: int) -> tuple[str, ...]:
    t = listed_object.c
    query = select(t.key).where(t.shard_id == shard_id).order_by(t.key).limit(MAX_OTHERS + 1)
    return tuple(connection.execute(query).scalars())


def _count_others(connection: Connection, shard_id: int, bucket_id: int, prefix: str) -> int:
    t, m = listed_object.c, mirrored_object.c
    # The range says nothing new; it is there for databases that would read all of the bucket.
    is_there = exists().where(
        and_(m.bucket_id == bucket_id, m.key == t.key, m.size == t.size, m.etag == t.etag, starts_with(m.key, prefix))
    )
    query = select(func.count()).select_from(listed_object).where(t.shard_id == shard_id, is_there)
    return int(connection.execute(query).scalar_one())


def _count_blocks(connection: Connection, shard_id: int, array_id: int) -> int:
    return int(connection.execute(_BLOCKS, {"shard_id": shard_id, "array_id": array_id}).scalar_one())

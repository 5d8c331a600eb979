"""What the catalog knows of one object: what each listing says of it, and its row on the share; and of one folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, exists, func, select

from catalog.queries.rows import starts_with
from catalog.queries.snapshots import newest_snapshot
from catalog.queries.state import IN_DOUBT_ETAG
from catalog.records import Count, Recorded, Sighting, SnapshotScope
from catalog.tables import (
    listed_block,
    listed_object,
    mirror_state,
    mirrored_block,
    mirrored_object,
    shard,
    snapshot,
    snapshot_shard,
)


def sightings(
    connection: Connection,
    bucket_id: int,
    dataset: str,
    key: str,
    *,
    array_id: int | None = None,
    block_xyz: tuple[int, int, int] | None = None,
) -> tuple[Sighting, ...]:
    """Return what the complete listings that cover a key say of it, the newest first.

    A listing of a whole dataset covers all its keys, one of a selection the arrays in it, and other keys that it has.

    Parameters
    ----------
    array_id
        The array in whose folder the key lies.
    block_xyz
        Its place there, where it is a block.
    """
    query = select(snapshot).where(
        snapshot.c.bucket_id == bucket_id, snapshot.c.dataset == dataset, snapshot.c.is_complete
    )
    found = []
    for row in connection.execute(query.order_by(snapshot.c.finished_at.desc(), snapshot.c.id.desc())).all():
        object_row = _listed(connection, row.id, bucket_id, key, block_xyz)
        if object_row is None and not _covers(connection, row, array_id):
            continue
        size, etag, modified = (None, None, None) if object_row is None else object_row
        found.append(Sighting(row.run_id, SnapshotScope(row.scope), row.finished_at, size, etag, modified))
    return tuple(found)


def recorded(
    connection: Connection,
    bucket_id: int,
    key: str,
    *,
    array_id: int | None = None,
    block_xyz: tuple[int, int, int] | None = None,
) -> Recorded | None:
    """Return what the catalog has of an object on the share, or None; a block's row by its place comes first."""
    if array_id is not None and block_xyz is not None:
        t = mirrored_block.c
        place = zip((t.array_id, t.x, t.y, t.z), (array_id, *block_xyz), strict=True)
        row = _row(connection, mirrored_block, *(column == value for column, value in place))
        if row is not None:
            return row
    t = mirrored_object.c
    return _row(connection, mirrored_object, t.bucket_id == bucket_id, t.key == key)


def recorded_among(
    connection: Connection, bucket_id: int, places: Mapping[str, tuple[int, tuple[int, int, int]] | None]
) -> dict[str, Recorded]:
    """Return what `recorded` does of many keys, of those that have a row: rows of blocks a row of the grid at a time.

    Parameters
    ----------
    places
        Array and place in it of each key; None where it is no block.
    """
    by_row: dict[tuple[int, int, int], dict[int, str]] = {}
    for key, at in places.items():
        if at is not None:
            array_id, (x, y, z) = at
            by_row.setdefault((array_id, x, y), {})[z] = key
    found: dict[str, Recorded] = {}
    t, o = mirrored_block.c, mirrored_object.c
    for (array_id, x, y), keys in by_row.items():
        where = and_(t.array_id == array_id, t.x == x, t.y == y)
        found |= {keys[name]: row for name, row in _rows(connection, t.z, sorted(keys), where)}
    others = [key for key in places if key not in found]
    return found | dict(_rows(connection, o.key, others, o.bucket_id == bucket_id))


def _rows(
    connection: Connection, name: ColumnElement[Any], names: Sequence[Any], where: ColumnElement[bool]
) -> Iterator[tuple[Any, Recorded]]:
    t = name.table.c
    for start in range(0, len(names), 500):
        query = select(name, t.size, t.etag, t.hash, t.how, t.run_id)
        for row in connection.execute(query.where(where, name.in_(names[start : start + 500]))):
            yield row[0], _recorded(*row[1:])


def lacks_block_rows(connection: Connection, array_id: int, bucket_id: int, prefix: str) -> bool:
    """Return whether an array has blocks by its sums, and the catalog no row of any: as a published one is."""
    counted = select(mirror_state.c.objects).where(
        mirror_state.c.bucket_id == bucket_id, mirror_state.c.prefix == prefix
    )
    stored = select(shard.c.id).where(shard.c.array_id == array_id, shard.c.n_blocks > 0).limit(1)
    rows = select(mirrored_block.c.x).where(mirrored_block.c.array_id == array_id).limit(1)
    listed = select(listed_block.c.x).join(shard, shard.c.id == listed_block.c.shard_id)
    listed = listed.where(shard.c.array_id == array_id).limit(1)
    if any(connection.execute(query).first() is not None for query in (rows, listed)):
        return False
    has_listed = connection.execute(stored).first() is not None
    return has_listed or (connection.execute(counted).scalar() or 0) > _DOCUMENTS


def counts_below(connection: Connection, bucket_id: int, dataset: str, prefix: str) -> tuple[Count | None, Count]:
    """Return how many objects that are no blocks the bucket and the share have below a prefix.

    Of the bucket by the newest listing of the whole dataset; None where there is none.
    """
    t = mirrored_object.c
    below = (t.bucket_id == bucket_id, starts_with(t.key, prefix))
    mirrored = connection.execute(select(func.count(), func.coalesce(func.sum(t.size), 0)).where(*below)).one()
    newest = newest_snapshot(connection, bucket_id, dataset, SnapshotScope.ALL)
    if newest is None:
        return None, Count(*map(int, mirrored))
    o = listed_object.c
    of_snapshot = and_(snapshot_shard.c.shard_id == shard.c.id, snapshot_shard.c.snapshot_id == newest.id)
    # Only shards that can have such keys: all others would be read for nothing.
    near = shard.c.prefix.in_(_folders_above(prefix)) | starts_with(shard.c.prefix, prefix)
    query = select(func.count(), func.coalesce(func.sum(o.size), 0)).join(shard, shard.c.id == o.shard_id)
    query = query.join(snapshot_shard, of_snapshot).where(shard.c.bucket_id == bucket_id, near)
    listed = connection.execute(query.where(starts_with(o.key, prefix))).one()
    return Count(*map(int, listed)), Count(*map(int, mirrored))


_DOCUMENTS = 1
"""Objects of an array that are no blocks: its attributes.json has a row of its own."""


def _listed(
    connection: Connection, snapshot_id: int, bucket_id: int, key: str, block_xyz: tuple[int, int, int] | None
) -> tuple[int, bytes, int | None] | None:
    """Return size, packed ETag and LastModified of a key in one listing; blocks are kept without the last."""
    of_snapshot = and_(snapshot_shard.c.shard_id == shard.c.id, snapshot_shard.c.snapshot_id == snapshot_id)
    above = (shard.c.bucket_id == bucket_id, shard.c.prefix.in_(_folders_above(key)))
    if block_xyz is not None:
        t = listed_block.c
        place = (column == value for column, value in zip((t.x, t.y, t.z), block_xyz, strict=True))
        query = select(t.size, t.etag).join(shard, shard.c.id == t.shard_id).join(snapshot_shard, of_snapshot)
        row = connection.execute(query.where(*above, *place)).first()
        if row is not None:
            return row.size, row.etag, None
    o = listed_object.c
    objects = select(o.size, o.etag, o.last_modified).join(shard, shard.c.id == o.shard_id)
    row_of_key = connection.execute(objects.join(snapshot_shard, of_snapshot).where(*above, o.key == key)).first()
    return None if row_of_key is None else (row_of_key.size, row_of_key.etag, row_of_key.last_modified)


def _folders_above(key: str) -> list[str]:
    """Return the prefixes that a shard with this key may have, the bucket's own among them."""
    return ["", *(key[: end + 1] for end, letter in enumerate(key) if letter == "/")]


def _covers(connection: Connection, row: Row[Any], array_id: int | None) -> bool:
    if row.scope == SnapshotScope.ALL:
        return True
    if array_id is None:
        return False
    is_inside = exists().where(
        snapshot_shard.c.snapshot_id == row.id, snapshot_shard.c.shard_id == shard.c.id, shard.c.array_id == array_id
    )
    return bool(connection.execute(select(is_inside)).scalar())


def _row(connection: Connection, table: Table, *conditions: Any) -> Recorded | None:
    t = table.c
    row = connection.execute(select(t.size, t.etag, t.hash, t.how, t.run_id).where(*conditions)).first()
    return None if row is None else _recorded(*row)


def _recorded(size: int, etag: bytes, digest: bytes | None, how: int, run_id: int) -> Recorded:
    # The hash of a row in doubt is that of what lay there before.
    return Recorded(size, etag, None if etag == IN_DOUBT_ETAG else digest, how, run_id)

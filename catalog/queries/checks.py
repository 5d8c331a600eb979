"""What is to be looked at on the share, when it was looked at last, and what was found damaged there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from sqlalchemy import ColumnElement, Connection, Update, and_, bindparam, delete, func, select, tuple_, update

from catalog.queries.rows import batches, first_after, starts_with, stream, upsert
from catalog.queries.state import IN_DOUBT_ETAG
from catalog.records import BlockToCheck, CheckedPart, Count, DamagedRecord, KeyRange, ObjectToCheck, SlabSum
from catalog.tables import (
    checked_part,
    damaged_object,
    listed_block,
    listed_object,
    mirrored_block,
    mirrored_object,
    shard,
    snapshot_shard,
)

_PART_FIELDS = ("bucket_id", "prefix", "depth", "checked_at", "begun_at", "resume_after", "decoded_before", "run_id")


def slab_sums(connection: Connection, array_id: int) -> tuple[SlabSum, ...]:
    """Return the slabs of an array of which blocks are on the share, by x; rows in doubt do not count."""
    t = mirrored_block.c
    query = (
        select(t.x, func.count(), func.sum(t.size))
        .where(t.array_id == array_id, t.etag != IN_DOUBT_ETAG)
        .group_by(t.x)
        .order_by(t.x)
    )
    return tuple(SlabSum(x, Count(int(objects), int(size))) for x, objects, size in stream(connection, query))


def slab_rows(connection: Connection, array_id: int, x: int) -> frozenset[int]:
    """Return the rows (y) of a slab of which blocks are on the share; rows of the catalog in doubt do not count."""
    t = mirrored_block.c
    query = select(t.y).where(t.array_id == array_id, t.x == x, t.etag != IN_DOUBT_ETAG)
    return frozenset(connection.execute(query.distinct()).scalars())


def blocks_to_check(
    connection: Connection, array_id: int, x: int, *, after: tuple[int, int] | None, limit: int
) -> list[BlockToCheck]:
    """Return the next blocks of a slab that are on the share, in the order of y, z; none that is in doubt.

    Parameters
    ----------
    after
        Only those behind this y, z.
    """
    t = mirrored_block.c
    query = select(t.y, t.z, t.size, t.etag, t.hash, t.how, t.run_id).where(
        t.array_id == array_id, t.x == x, t.etag != IN_DOUBT_ETAG
    )
    if after is not None:
        query = query.where(tuple_(t.y, t.z) > tuple_(*after))
    return cast("list[BlockToCheck]", list(stream(connection, query.order_by(t.y, t.z).limit(limit))))


def objects_to_check(
    connection: Connection, bucket_id: int, keys: KeyRange, *, after: str | None, limit: int
) -> list[ObjectToCheck]:
    """Return the next objects of a range that are on the share and no blocks, in the order of keys; none in doubt."""
    t = mirrored_object.c
    query = select(t.key, t.size, t.etag, t.hash, t.how, t.run_id).where(*_in_range(bucket_id, keys, after=after))
    return cast("list[ObjectToCheck]", list(stream(connection, query.order_by(t.key).limit(limit))))


def count_objects(connection: Connection, bucket_id: int, ranges: Iterable[KeyRange]) -> Count:
    """Return how many objects of some ranges are on the share and no blocks; rows in doubt do not count."""
    n_objects = n_bytes = 0
    for keys in ranges:
        query = select(func.count(), func.coalesce(func.sum(mirrored_object.c.size), 0))
        objects, size = connection.execute(query.where(*_in_range(bucket_id, keys))).one()
        n_objects, n_bytes = n_objects + int(objects), n_bytes + int(size)
    return Count(n_objects, n_bytes)


def listed_in_row(connection: Connection, snapshot_id: int, array_id: int, x: int, y: int) -> frozenset[int]:
    """Return which blocks (z) of a row of an array a listing has."""
    b = listed_block.c
    query = (
        select(b.z)
        .join(shard, shard.c.id == b.shard_id)
        .join(snapshot_shard, snapshot_shard.c.shard_id == shard.c.id)
        .where(snapshot_shard.c.snapshot_id == snapshot_id, shard.c.array_id == array_id, b.x == x, b.y == y)
    )
    return frozenset(connection.execute(query).scalars())


def listed_among(
    connection: Connection, bucket_id: int, snapshot_ids: Collection[int], keys: Sequence[str]
) -> frozenset[str]:
    """Return those of some hundred keys that listings have as objects that are no blocks."""
    o = listed_object.c
    above = {""} | {key[: end + 1] for key in keys for end, letter in enumerate(key) if letter == "/"}
    query = (
        select(o.key)
        .join(shard, shard.c.id == o.shard_id)
        .join(snapshot_shard, snapshot_shard.c.shard_id == shard.c.id)
        .where(
            snapshot_shard.c.snapshot_id.in_(sorted(snapshot_ids)),
            shard.c.bucket_id == bucket_id,
            shard.c.prefix.in_(sorted(above)),
            o.key.in_(keys),
        )
    )
    return frozenset(connection.execute(query).scalars())


def _in_range(bucket_id: int, keys: KeyRange, *, after: str | None = None) -> tuple[ColumnElement[bool], ...]:
    t = mirrored_object.c
    return t.bucket_id == bucket_id, *_between(t.key, keys, after=after), t.etag != IN_DOUBT_ETAG


def _between(key: ColumnElement[str], keys: KeyRange, *, after: str | None) -> Iterator[ColumnElement[bool]]:
    """Yield that a key lies in a range, and behind `after`.

    With one lower bound, not two: of two SQLite's index takes the first, so that each page would pass over all before.
    """
    start, stop = keys
    yield key > after if after is not None and after >= start else key >= start
    if stop is not None:
        yield key < stop


def ranges_without(prefix: str, inside: Iterable[str]) -> tuple[KeyRange, ...]:
    """Return the ranges of keys with a prefix and with none of some longer ones.

    >>> ranges_without("hela/", ["hela/s0/", "hela/s1/"])
    (('hela/', 'hela/s0/'), ('hela/s00', 'hela/s1/'), ('hela/s10', 'hela0'))
    """
    ranges: list[KeyRange] = []
    start: str | None = prefix
    for place in sorted(set(inside)):
        if start is None or place < start or not place.startswith(prefix):
            continue  # Inside the one before, or elsewhere.
        ranges.append((start, place))
        start = first_after(place)
    if start is not None:
        ranges.append((start, first_after(prefix)))
    return tuple(ranges)


def checked_parts(connection: Connection, bucket_id: int, prefix: str, *, depth: int) -> dict[str, CheckedPart]:
    """Return how far parts below a prefix were looked at, at least as deep as `depth`, by their prefixes.

    Of several depths that of the newest look; where to go on, and what was decoded, is that of the depth itself.
    """
    t = checked_part.c
    query = select(checked_part).where(t.bucket_id == bucket_id, starts_with(t.prefix, prefix), t.depth >= depth)
    found: dict[str, CheckedPart] = {}
    for row in connection.execute(query.order_by(t.prefix, t.depth)).mappings():
        values = {name: row[name] for name in _PART_FIELDS}
        one = CheckedPart(**values, checked=Count(row["objects"], row["bytes"]))
        if one.depth != depth:
            one = replace(one, resume_after=None, begun_at=None)
        known = found.get(one.prefix)
        found[one.prefix] = one if known is None else _newer(known, one)
    return found


def _newer(of_depth: CheckedPart, deeper: CheckedPart) -> CheckedPart:
    moments = [moment for moment in (of_depth.checked_at, deeper.checked_at) if moment is not None]
    return CheckedPart(
        of_depth.bucket_id,
        of_depth.prefix,
        of_depth.depth,
        max(moments, default=None),
        of_depth.resume_after,
        of_depth.decoded_before,
        of_depth.run_id,
        of_depth.checked,
        of_depth.begun_at,
    )


def put_checked_parts(connection: Connection, parts: Iterable[CheckedPart]) -> None:
    """Keep how far parts were looked at, instead of what was kept of the same depth."""
    rows = [
        {name: getattr(part, name) for name in _PART_FIELDS}
        | {"objects": part.checked.objects, "bytes": part.checked.bytes}
        for part in parts
    ]
    if rows:
        connection.execute(upsert(checked_part, connection.dialect), rows)


def prove_blocks(
    connection: Connection, rows: Iterable[tuple[tuple[int, int, int, int], int, bytes | None, int]]
) -> None:
    """Keep the hash and by what blocks were proven; a row of another run than was looked at stays as it is.

    Parameters
    ----------
    rows
        (array id, x, y, z), the row's run id, xxh3-128, how it was verified.
    """
    t = mirrored_block.c
    names = ("of_array", "of_x", "of_y", "of_z")
    same = and_(*(c == bindparam(name) for c, name in zip((t.array_id, t.x, t.y, t.z), names, strict=True)))
    statement = update(mirrored_block).where(same, *_as_seen(t.run_id, t.etag))
    values = (
        {**dict(zip(names, place, strict=True)), **_proven(run_id, digest, how)} for place, run_id, digest, how in rows
    )
    _execute(connection, statement.values(hash=bindparam("new_hash"), how=bindparam("new_how")), values)


def prove_objects(connection: Connection, rows: Iterable[tuple[tuple[int, str], int, bytes | None, int]]) -> None:
    """Keep the hash and by what objects were proven; see `prove_blocks`.

    Parameters
    ----------
    rows
        (bucket id, key), the row's run id, xxh3-128, how it was verified.
    """
    t = mirrored_object.c
    statement = update(mirrored_object).where(
        t.bucket_id == bindparam("of_bucket"), t.key == bindparam("of_key"), *_as_seen(t.run_id, t.etag)
    )
    values = (
        {"of_bucket": place[0], "of_key": place[1], **_proven(run_id, digest, how)}
        for place, run_id, digest, how in rows
    )
    _execute(connection, statement.values(hash=bindparam("new_hash"), how=bindparam("new_how")), values)


def _as_seen(run_id: ColumnElement[int], etag: ColumnElement[bytes]) -> tuple[ColumnElement[bool], ...]:
    return run_id == bindparam("of_run"), etag != IN_DOUBT_ETAG


def _proven(run_id: int, digest: bytes | None, how: int) -> dict[str, object]:
    return {"of_run": run_id, "new_hash": digest, "new_how": how}


def _execute(connection: Connection, statement: Update, values: Iterable[dict[str, object]]) -> None:
    for batch in batches((one,) for one in values):
        connection.execute(statement, [one for (one,) in batch])


def put_damaged(connection: Connection, records: Iterable[DamagedRecord]) -> None:
    """Keep what was found damaged, instead of what was kept of the same keys."""
    names = [column.name for column in damaged_object.columns]
    rows = [{name: getattr(record, name) for name in names} for record in records]
    if rows:
        connection.execute(upsert(damaged_object, connection.dialect), rows)


def damaged_objects(
    connection: Connection, bucket_id: int, prefix: str, *, after: str | None = None, limit: int | None = None
) -> tuple[DamagedRecord, ...]:
    """Return what was found damaged below a prefix and is kept, in the order of keys, behind `after`."""
    t = damaged_object.c
    below = _between(t.key, (prefix, first_after(prefix)), after=after)
    query = select(damaged_object).where(t.bucket_id == bucket_id, *below)
    rows = connection.execute(query.order_by(t.key).limit(limit)).mappings()
    return tuple(DamagedRecord(**row) for row in rows)


def damaged_among(connection: Connection, bucket_id: int, keys: Sequence[str]) -> frozenset[str]:
    """Return those of some keys that are kept as damaged."""
    t = damaged_object.c
    found: set[str] = set()
    for start in range(0, len(keys), 500):
        query = select(t.key).where(t.bucket_id == bucket_id, t.key.in_(keys[start : start + 500]))
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def drop_damaged(connection: Connection, bucket_id: int, keys: Sequence[str]) -> None:
    """Forget that these objects were damaged; unknown ones are no error."""
    t = damaged_object.c
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        connection.execute(delete(damaged_object).where(t.bucket_id == bucket_id, t.key.in_(some)))

"""Every object of a dataset, in the bucket and on the share: streamed, some thousands in memory at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, except_, select

from catalog.queries.overview import Listing, newest_listings
from catalog.queries.places import arrays, bucket_prefix
from catalog.queries.rows import starts_with, stream
from catalog.queries.snapshots import snapshot_shards
from catalog.records import ArrayRecord, ShardRecord, SnapshotScope
from catalog.tables import listed_block, listed_object, mirrored_block, mirrored_object


class ObjectSide(NamedTuple):
    """An object as one side has it."""

    size: int
    etag: bytes
    """Packed."""


class ObjectRow(NamedTuple):
    """An object that the bucket listed, or that is on the share, or both."""

    key: str
    listed: ObjectSide | None
    mirrored: ObjectSide | None
    in_bucket: bool | None
    """None where the place in which it lies was never listed."""
    how: int | None
    """How it was verified, as in `records`; None where it is not on the share."""
    run_id: int | None
    """In which run."""


def objects_below(connection: Connection, bucket_id: int, dataset: str, prefix: str) -> Iterator[ObjectRow]:
    """Yield the objects of a dataset whose full key has a prefix: those that were listed, then those that were not.

    What was listed comes part by part of the listing, and in each part blocks in the order of the grid, then other
    objects in that of their keys. No object comes twice. The connection must stay open until the last one.
    """
    root = f"{bucket_prefix(connection, bucket_id)}{dataset}/"
    records = {record.id: record for record in arrays(connection, bucket_id, root)}
    listings = newest_listings(connection, bucket_id, dataset)
    parts = _parts(connection, listings, prefix)
    for part in parts:
        for row in _listed(connection, part, records.get(part.array_id)):
            if row.key.startswith(prefix):
                yield row
    by_place = sorted(records.values(), key=lambda record: record.key_prefix)
    for record in by_place:
        if _overlap(record.key_prefix, prefix):
            for row in _unlisted_blocks(connection, record, parts, was_listed=record.id in listings):
                if row.key.startswith(prefix):
                    yield row
    # Parts with nothing but rows of blocks are most of them, and an IN has its limits.
    with_objects = [part for part in parts if not _is_all_blocks(part, records.get(part.array_id))]
    for row in _unlisted_objects(connection, bucket_id, max(root, prefix, key=len), with_objects):
        yield row._replace(in_bucket=False if _was_listed(row.key, by_place, listings) else None)


def listed_parts(connection: Connection, bucket_id: int, dataset: str, prefix: str) -> tuple[ShardRecord, ...]:
    """Return the parts of the newest listings that hold keys with a prefix, or may, as the keys are numbered."""
    return _parts(connection, newest_listings(connection, bucket_id, dataset), prefix)


def _parts(connection: Connection, listings: Mapping[int | None, Listing], prefix: str) -> tuple[ShardRecord, ...]:
    parts = [
        part
        for snapshot_id in sorted({one.snapshot_id for one in listings.values()})
        for part in snapshot_shards(connection, snapshot_id)
        if part.array_id in listings and listings[part.array_id].snapshot_id == snapshot_id
    ]
    return tuple(sorted((part for part in parts if _overlap(part.prefix, prefix)), key=_by_number))


def _is_all_blocks(part: ShardRecord, record: ArrayRecord | None) -> bool:
    """Return whether all of a part are blocks that are kept by their place in the grid, as those of N5 volumes are."""
    is_kept_by_place = record is not None and record.format == "n5" and len(record.shape_xyz) == 3
    return is_kept_by_place and part.listed.objects == part.blocks.objects


def _was_listed(key: str, by_place: Sequence[ArrayRecord], listings: Mapping[int | None, Listing]) -> bool:
    """Return whether the array in whose folder a key lies was listed, or else all outside arrays was."""
    nearest = bisect_right(by_place, key, key=lambda record: record.key_prefix) - 1
    if nearest >= 0 and key.startswith(by_place[nearest].key_prefix):
        return by_place[nearest].id in listings
    return None in listings and listings[None].scope is SnapshotScope.ALL


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _by_number(part: ShardRecord) -> tuple[tuple[bool, int, str], ...]:
    """Return what sorts slabs as the grid has them: 2 before 10."""
    return tuple(
        (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)
        for name in part.prefix.rstrip("/").split("/")
    )


def _listed(connection: Connection, part: ShardRecord, record: ArrayRecord | None) -> Iterator[ObjectRow]:
    if record is not None:
        b, m = listed_block.c, mirrored_block.c
        is_there = and_(m.array_id == record.id, m.x == b.x, m.y == b.y, m.z == b.z)
        blocks = (
            select(b.x, b.y, b.z, b.size, b.etag, m.size, m.etag, m.how, m.run_id)
            .outerjoin(mirrored_block, is_there)
            .where(b.shard_id == part.id)
            .order_by(b.x, b.y, b.z)
        )
        for x, y, z, *rest in stream(connection, blocks):
            yield _row(f"{record.key_prefix}{x}/{y}/{z}", rest)
    o, n = listed_object.c, mirrored_object.c
    others = (
        select(o.key, o.size, o.etag, n.size, n.etag, n.how, n.run_id)
        .outerjoin(mirrored_object, and_(n.bucket_id == part.bucket_id, n.key == o.key))
        .where(o.shard_id == part.id)
        .order_by(o.key)
    )
    for key, *rest in stream(connection, others):
        yield _row(key, rest)


def _row(key: str, both: Sequence[Any]) -> ObjectRow:
    size, etag, size_there, etag_there, how, run_id = both
    mirrored = None if size_there is None else ObjectSide(size_there, etag_there)
    return ObjectRow(key, ObjectSide(size, etag), mirrored, in_bucket=True, how=how, run_id=run_id)


def _unlisted_blocks(
    connection: Connection, record: ArrayRecord, parts: Iterable[ShardRecord], *, was_listed: bool
) -> Iterator[ObjectRow]:
    """Yield the blocks that are on the share and were not listed; the database compares, in its own temporary file."""
    m, b = mirrored_block.c, listed_block.c
    shard_ids = [part.id for part in parts if part.array_id == record.id]
    there = select(m.x, m.y, m.z).where(m.array_id == record.id)
    only = except_(there, select(b.x, b.y, b.z).where(b.shard_id.in_(shard_ids))).subquery()
    query = (
        select(m.x, m.y, m.z, m.size, m.etag, m.how, m.run_id)
        .join(only, and_(m.array_id == record.id, m.x == only.c.x, m.y == only.c.y, m.z == only.c.z))
        .order_by(m.x, m.y, m.z)
    )
    for x, y, z, size, etag, how, run_id in stream(connection, query):
        key, in_bucket = f"{record.key_prefix}{x}/{y}/{z}", False if was_listed else None
        yield ObjectRow(key, None, ObjectSide(size, etag), in_bucket, how, run_id)


def _unlisted_objects(
    connection: Connection, bucket_id: int, prefix: str, parts: Iterable[ShardRecord]
) -> Iterator[ObjectRow]:
    m, o = mirrored_object.c, listed_object.c
    shard_ids = [part.id for part in parts]
    there = select(m.key).where(m.bucket_id == bucket_id, starts_with(m.key, prefix))
    listed = select(o.key).where(o.shard_id.in_(shard_ids), starts_with(o.key, prefix))
    only = except_(there, listed).subquery()
    query = (
        select(m.key, m.size, m.etag, m.how, m.run_id)
        .join(only, and_(m.bucket_id == bucket_id, m.key == only.c.key))
        .order_by(m.key)
    )
    for key, size, etag, how, run_id in stream(connection, query):
        yield ObjectRow(key, None, ObjectSide(size, etag), None, how, run_id)

"""What was listed, written into the catalog as a dated snapshot, a shard at a time, while nothing else waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from catalog import queries
from catalog.records import NOTHING, Count, SnapshotScope
from mirror.app.state import BucketState, holds_blocks
from mirror.app.survey import Survey, Surveyed
from mirror.app.workplace import utc_now
from mirror.engine.listing import ListedShard
from mirror.engine.spool import Spool
from mirror.formats.n5.grid import parse_block_key
from mirror.objects import pack_etag

_ROWS = 5_000
_LINKS = 200
"""Shards a transaction where nothing is written but that they are as they were."""


def write_snapshots(
    state: BucketState, survey: Survey, spool: Spool, run_id: int, scope: SnapshotScope
) -> Iterator[None]:
    """Write one snapshot a dataset; each step is one short transaction.

    A snapshot whose writing is broken off stays incomplete, and is dropped when a later one is finished.
    """
    for surveyed in survey.datasets:
        yield from _write_snapshot(state, surveyed, spool, run_id, scope)


def _write_snapshot(
    state: BucketState, surveyed: Surveyed, spool: Spool, run_id: int, scope: SnapshotScope
) -> Iterator[None]:
    if state.catalog is None or state.bucket_id is None:
        raise TypeError("a dry run writes no snapshot")
    with state.catalog.begin() as connection:
        snapshot_id = queries.start_snapshot(
            connection,
            bucket_id=state.bucket_id,
            dataset=surveyed.name,
            run_id=run_id,
            scope=scope,
            started_at=utc_now(),
        )
    yield
    new: list[ListedShard] = []
    for start in range(0, len(surveyed.shards), _LINKS):
        new += _link_known(state, state.bucket_id, snapshot_id, surveyed.shards[start : start + _LINKS])
        yield
    for listed in new:
        _write_shard(state, state.bucket_id, snapshot_id, listed, spool)
        yield
    with state.catalog.begin() as connection:
        queries.finish_snapshot(connection, snapshot_id, is_complete=True, finished_at=utc_now())


def _link_known(
    state: BucketState, bucket_id: int, snapshot_id: int, shards: Sequence[ListedShard]
) -> list[ListedShard]:
    """Make shards part of the snapshot that an earlier one has, too; return the others. One transaction for all."""
    if state.catalog is None:
        raise TypeError("a dry run writes no snapshot")
    new = []
    with state.catalog.begin() as connection:
        for listed in shards:
            shard_id = queries.find_shard(connection, bucket_id, listed.shard.prefix, listed.digest)
            if shard_id is None:
                new.append(listed)
            else:
                queries.link_shard(connection, snapshot_id, shard_id)
    return new


def _write_shard(state: BucketState, bucket_id: int, snapshot_id: int, listed: ListedShard, spool: Spool) -> None:
    if state.catalog is None:
        raise TypeError("a dry run writes no snapshot")
    shard = listed.shard
    array_id = state.array_ids.get(shard.array.prefix) if shard.array else None
    with state.catalog.begin() as connection:
        shard_id = queries.find_shard(connection, bucket_id, shard.prefix, listed.digest)
        if shard_id is None:
            shard_id = queries.put_shard(
                connection,
                bucket_id=bucket_id,
                array_id=array_id,
                prefix=shard.prefix,
                digest=listed.digest,
                objects=listed.listed.objects,
                bytes=listed.listed.bytes,
            )
            inside = NOTHING
            rows = spool.rows(listed.pages)
            while page := list(islice(rows, _ROWS)):
                blocks, objects = _rows(listed, page)
                queries.put_listed_blocks(connection, shard_id, blocks)
                queries.put_listed_objects(connection, shard_id, objects)
                found = _blocks_inside(listed, blocks, objects)
                inside = Count(inside.objects + found.objects, inside.bytes + found.bytes)
            queries.count_blocks(connection, shard_id, inside)
        queries.link_shard(connection, snapshot_id, shard_id)


def _rows(
    listed: ListedShard, page: list[tuple[str, int, str, int]]
) -> tuple[list[tuple[int, int, int, int, bytes]], list[tuple[str, int, bytes, int]]]:
    prefix, array = listed.shard.prefix, listed.shard.array
    start = len(array.prefix) if array is not None and holds_blocks(array) else None
    blocks: list[tuple[int, int, int, int, bytes]] = []
    objects: list[tuple[str, int, bytes, int]] = []
    for suffix, size, etag, last_modified in page:
        key = prefix + suffix
        block = None if start is None else parse_block_key(key[start:], 3)
        if block is None:
            objects.append((key, size, pack_etag(etag), last_modified))
        else:
            x, y, z = block
            blocks.append((x, y, z, size, pack_etag(etag)))
    return blocks, objects


def _blocks_inside(
    listed: ListedShard,
    blocks: Iterable[tuple[int, int, int, int, bytes]],
    objects: Iterable[tuple[str, int, bytes, int]],
) -> Count:
    """Return how many rows are blocks inside their array's grid: no reader asks for the others."""
    array = listed.shard.array
    if array is None or array.facts is None or array.block_keys is None:
        return NOTHING
    if holds_blocks(array):
        n_x, n_y, n_z = array.facts.grid.shape_in_blocks_xyz
        sizes = [size for x, y, z, size, _ in blocks if x < n_x and y < n_y and z < n_z]
    else:
        start = len(array.prefix)
        sizes = [size for key, size, _, _ in objects if array.block_keys.is_block(key[start:])]
    return Count(len(sizes), sum(sizes))

"""What was listed, written into the catalog as a dated snapshot, a shard at a time, while nothing else waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import NOTHING, Count, ListedBlockRow, ListedObjectRow, SnapshotScope
from catalog.session import Catalog
from mirror.app.state import BucketState, holds_blocks
from mirror.app.survey import Survey, Surveyed
from mirror.app.workplace import utc_now
from mirror.checksum import xxh3
from mirror.engine.listing import ListedShard, Shard
from mirror.engine.spool import Spool
from mirror.formats.n5.grid import parse_block_key
from mirror.objects import pack_etag

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ROWS = 5_000
_LINKS = 200
"""Shards a transaction where nothing is written but that they are as they were."""
_WRITING_SECONDS = 1.0
_PAUSE_SECONDS = 0.12
"""Transactions one after the other shut others out, however short they are: SQLite lets a writer that waits look at the
lock but every 0.1 s. Measured: 13 s without pauses."""


def write_snapshots(
    state: BucketState,
    survey: Survey,
    spool: Spool,
    run_id: int,
    scope: SnapshotScope,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Write one snapshot a dataset, and what changed since the one before; each step is one short transaction.

    A snapshot whose writing is broken off stays incomplete, and is dropped when a later one is finished. Between steps
    there are pauses for the writers of other processes, so that none waits for more than about a second.
    """
    since = clock()
    for surveyed in survey.datasets:
        for _ in _write_snapshot(state, surveyed, spool, run_id, scope):
            yield
            if clock() - since >= _WRITING_SECONDS:
                sleep(_PAUSE_SECONDS)
                since = clock()


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
    # Of an array that was listed in part nothing is kept: a listing has an array whole or not at all.
    shards = [one for one in surveyed.shards if one.shard.wanted is None or one.shard.is_whole_array]
    for start in range(0, len(shards), _LINKS):
        new += _link_known(state, state.bucket_id, snapshot_id, shards[start : start + _LINKS])
        yield
    for listed in new:
        _write_shard(state, state.bucket_id, snapshot_id, listed, spool)
        yield
    compared = yield from _compare(state.catalog, snapshot_id)
    with state.catalog.begin() as connection:
        if compared is not None and compared.previous_id == queries.previous_snapshot(connection, snapshot_id):
            records = queries.change_records(compared.found, run_id, state.bucket_id, surveyed.name)
            queries.put_changes(connection, records)
        queries.finish_snapshot(connection, snapshot_id, is_complete=True, finished_at=utc_now())
    yield from _drop_superfluous(state.catalog, state.bucket_id)


@dataclass(frozen=True, slots=True)
class _Compared:
    previous_id: int
    found: queries.Changes


def _compare(catalog: Catalog, snapshot_id: int) -> Generator[None, None, _Compared | None]:
    """Compare a snapshot with the one before it, part by part, with no lock; return None for a first one.

    Another run may drop that one meanwhile: then what was found must not be kept.
    """
    with catalog.read() as connection:
        comparison = queries.compare_listings(connection, snapshot_id)
    if comparison is None:
        return None
    found: queries.Changes = {}
    for part in comparison.parts:
        with catalog.read() as connection:
            queries.add_changes(connection, part, found)
        yield
    return _Compared(comparison.previous_id, found)


def _drop_superfluous(catalog: Catalog, bucket_id: int) -> Iterator[None]:
    """Drop the shards that no snapshot has any more, some thousand rows a step."""
    with catalog.read() as connection:
        left = queries.unlinked_shards(connection, bucket_id)
    while left:
        yield
        with catalog.begin() as connection:
            left = queries.drop_shards(connection, left)


def _link_known(
    state: BucketState, bucket_id: int, snapshot_id: int, shards: Sequence[ListedShard]
) -> list[ListedShard]:
    """Make shards part of the snapshot that an earlier one has as what they are now; return the others.

    One transaction for all.
    """
    if state.catalog is None:
        raise TypeError("a dry run writes no snapshot")
    new = []
    with state.catalog.begin() as connection:
        for listed in shards:
            known = queries.find_shard(connection, bucket_id, listed.shard.prefix, listed.digest)
            if known is None or not _Understood.of(state, listed.shard).holds(known):
                new.append(listed)
            else:
                queries.link_shard(connection, snapshot_id, known.id)
    return new


@dataclass(frozen=True, slots=True)
class _Understood:
    """What a shard is understood as: equal listings are equal rows only where this is equal, too."""

    array_id: int | None
    meaning: bytes
    """Which keys are blocks of the array, and how they are kept; b"" for what is no array, or none that is known."""

    @classmethod
    def of(cls, state: BucketState, shard: Shard) -> _Understood:
        """Return what a shard is understood as now."""
        array = shard.array
        array_id = state.array_ids.get(array.prefix) if array is not None else None
        if array is None or array_id is None or array.block_keys is None:
            return cls(array_id, b"")
        # In the words of the rule's dataclasses: a field of another name lets each listing be counted once more.
        rule = repr((holds_blocks(array), array.block_keys))
        return cls(array_id, xxh3(rule.encode())[: queries.MEANING_BYTES])

    def holds(self, known: queries.StoredShard) -> bool:
        """Return whether a shard was stored as what it is now.

        Where nothing is known of it now it stays what it was: its metadata may be out of reach for a night.
        """
        return not self.meaning or (known.array_id, known.meaning) == (self.array_id, self.meaning)


def _write_shard(state: BucketState, bucket_id: int, snapshot_id: int, listed: ListedShard, spool: Spool) -> None:
    """Make a shard part of the snapshot that is new, or new as what it is now."""
    if state.catalog is None:
        raise TypeError("a dry run writes no snapshot")
    now = _Understood.of(state, listed.shard)
    with state.catalog.begin() as connection:
        known = queries.find_shard(connection, bucket_id, listed.shard.prefix, listed.digest)
        if known is None:
            shard_id = queries.put_shard(
                connection,
                bucket_id=bucket_id,
                array_id=now.array_id,
                prefix=listed.shard.prefix,
                digest=listed.digest,
                objects=listed.listed.objects,
                bytes=listed.listed.bytes,
                meaning=now.meaning,
            )
            _put_rows(connection, shard_id, listed, spool)
        else:
            shard_id = known.id
            if not now.holds(known):
                _understand(connection, known, now, listed, spool)
        queries.link_shard(connection, snapshot_id, shard_id)


def _understand(
    connection: Connection, known: queries.StoredShard, now: _Understood, listed: ListedShard, spool: Spool
) -> None:
    """Make a stored shard what it is now, also in older snapshots: of arrays, too, the catalog has but what they are.

    Rows are written anew only where they differ: not where the grid alone does.
    """
    n_placed, inside = 0, NOTHING
    for blocks, objects in _parts(listed, spool):
        n_placed += len(blocks)
        inside = inside.plus(_blocks_inside(listed, blocks, objects))
    if known.array_id != now.array_id or queries.count_listed_blocks(connection, known.id) != n_placed:
        queries.drop_listed_rows(connection, known.id)
        _put_rows(connection, known.id, listed, spool)
    else:
        queries.count_blocks(connection, known.id, inside)
    queries.understand_shard(connection, known.id, digest=listed.digest, array_id=now.array_id, meaning=now.meaning)


def _put_rows(connection: Connection, shard_id: int, listed: ListedShard, spool: Spool) -> None:
    """Write the rows of a shard that has none, and how many of them are blocks inside the grid."""
    inside = NOTHING
    for blocks, objects in _parts(listed, spool):
        queries.put_listed_blocks(connection, shard_id, blocks)
        queries.put_listed_objects(connection, shard_id, objects)
        inside = inside.plus(_blocks_inside(listed, blocks, objects))
    queries.count_blocks(connection, shard_id, inside)


def _parts(listed: ListedShard, spool: Spool) -> Iterator[tuple[list[ListedBlockRow], list[ListedObjectRow]]]:
    rows = spool.rows(listed.pages)
    while page := list(islice(rows, _ROWS)):
        yield _rows(listed, page)


def _rows(
    listed: ListedShard, page: list[tuple[str, int, str, int]]
) -> tuple[list[ListedBlockRow], list[ListedObjectRow]]:
    prefix, array = listed.shard.prefix, listed.shard.array
    start = len(array.prefix) if array is not None and holds_blocks(array) else None
    blocks: list[ListedBlockRow] = []
    objects: list[ListedObjectRow] = []
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
    blocks: Iterable[ListedBlockRow],
    objects: Iterable[ListedObjectRow],
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

"""Snapshots, their shards, and which of them are kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, select

from catalog import queries
from catalog.records import Count, ListedBlockRow, RunState, ShardRecord, SnapshotScope
from catalog.tables import listed_block, listed_object, shard, snapshot
from tests.catalog import builders
from tests.catalog.builders import CONTAINER, DATASET, START, at

PREFIX = f"{CONTAINER}volumes/raw/s0/0/"
OBJECTS = [(f"{CONTAINER}attributes.json", 17, b"e" * 16, 1_600_000_000), (f"{CONTAINER}stray", 5, b"f" * 20, 0)]


@pytest.fixture
def run(connection: Connection, bucket: int) -> int:
    """Return the id of a run that is not over."""
    return builders.start_run(connection, bucket)


@pytest.fixture
def array(connection: Connection, bucket: int) -> int:
    """Return the id of raw's s0."""
    return queries.put_array(connection, builders.array_record(bucket))


def add_shard(
    connection: Connection, snapshot_id: int, bucket: int, array: int | None, *, seed: int, n: int = 50
) -> bool:
    """Add a shard whose content and digest follow from a seed."""
    return queries.add_shard(
        connection,
        snapshot_id,
        bucket_id=bucket,
        array_id=array,
        prefix=PREFIX,
        digest=bytes([seed]) * 16,
        blocks=builders.listed_block_rows(n, seed),
    )


def take_snapshot(
    connection: Connection, bucket: int, run: int, seed: int, scope: SnapshotScope = SnapshotScope.ALL
) -> int:
    """Take a complete snapshot of one shard."""
    taken = builders.start_snapshot(connection, bucket, run, scope=scope)
    add_shard(connection, taken, bucket, None, seed=seed)
    queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(taken))
    drop_all(connection)
    return taken


def drop_all(connection: Connection) -> None:
    """Drop what no snapshot has."""
    assert queries.drop_shards(connection, queries.unlinked_shards(connection)) == ()


def count(connection: Connection, table: object) -> int:
    """Return the number of rows of a table."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def test_a_snapshot_comes_back_with_its_shards_and_rows(
    connection: Connection, bucket: int, run: int, array: int
) -> None:
    """What was listed is read back whole: shards, blocks in the grid's order, objects in the keys' order, totals."""
    blocks = builders.listed_block_rows(150)
    taken = builders.start_snapshot(connection, bucket, run)
    assert queries.add_shard(
        connection,
        taken,
        bucket_id=bucket,
        array_id=array,
        prefix=PREFIX,
        digest=b"d" * 16,
        blocks=reversed(blocks),
        objects=reversed(OBJECTS),
    )
    queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(1))
    total = Count(152, sum(row[3] for row in blocks) + 22)
    (found,) = queries.snapshot_shards(connection, taken)
    assert found == ShardRecord(found.id, bucket, array, PREFIX, b"d" * 16, total, Count(len(blocks), total.bytes - 22))
    assert list(queries.listed_blocks(connection, found.id)) == blocks
    assert list(queries.listed_objects(connection, found.id)) == sorted(OBJECTS)
    newest = queries.newest_snapshot(connection, bucket, DATASET)
    assert newest is not None
    assert (newest.id, newest.listed, newest.started_at, newest.finished_at) == (taken, total, START, at(1))


def test_a_shard_that_did_not_change_is_not_written_again(connection: Connection, bucket: int, run: int) -> None:
    """A second listing with equal digests refers to the rows of the first."""
    take_snapshot(connection, bucket, run, seed=1)
    second = builders.start_snapshot(connection, bucket, run)
    assert not add_shard(connection, second, bucket, None, seed=1)
    queries.finish_snapshot(connection, second, is_complete=True, finished_at=at(9))
    assert count(connection, listed_block) == 50
    found = queries.newest_snapshot(connection, bucket, DATASET)
    assert found is not None
    assert (found.id, found.listed.objects) == (second, 50)


def test_a_shard_may_be_written_in_parts(connection: Connection, bucket: int, run: int) -> None:
    """Rows may be added in several calls; the shard is found once a snapshot links it."""
    taken = builders.start_snapshot(connection, bucket, run)
    part = queries.put_shard(
        connection, bucket_id=bucket, array_id=None, prefix="p/", digest=b"d" * 16, objects=4, bytes=44
    )
    rows = builders.listed_block_rows(2)
    for row in rows:
        queries.put_listed_blocks(connection, part, [row])
    queries.put_listed_objects(connection, part, OBJECTS)
    assert queries.find_shard(connection, bucket, "p/", b"d" * 16) is None
    queries.link_shard(connection, taken, part)
    queries.link_shard(connection, taken, part)
    assert queries.find_shard(connection, bucket, "p/", b"d" * 16) == queries.StoredShard(part, None, b"")
    assert list(queries.listed_blocks(connection, part)) == rows


def test_a_half_written_shard_is_never_taken_for_a_whole_one(connection: Connection, bucket: int, run: int) -> None:
    """What a killed run left of a shard is replaced, not trusted."""
    left_over = queries.put_shard(
        connection, bucket_id=bucket, array_id=None, prefix=PREFIX, digest=b"\1" * 16, objects=50, bytes=1
    )
    queries.put_listed_blocks(connection, left_over, [(9, 9, 9, 1, b"")])
    taken = builders.start_snapshot(connection, bucket, run)
    assert add_shard(connection, taken, bucket, None, seed=1)
    (found,) = queries.snapshot_shards(connection, taken)
    assert list(queries.listed_blocks(connection, found.id)) == builders.listed_block_rows(50, 1)


def test_an_empty_shard_is_a_shard(connection: Connection, bucket: int, run: int, array: int) -> None:
    """A slab without blocks was listed too."""
    taken = builders.start_snapshot(connection, bucket, run)
    assert add_shard(connection, taken, bucket, array, seed=1, n=0)
    assert [part.listed for part in queries.snapshot_shards(connection, taken)] == [Count(0, 0)]


def test_the_last_two_complete_snapshots_are_kept(connection: Connection, bucket: int, run: int) -> None:
    """A third complete snapshot lets the first go, with the rows that only it had."""
    ids = [take_snapshot(connection, bucket, run, seed) for seed in (1, 2, 3)]
    kept = sorted(connection.execute(select(snapshot.c.id)).scalars())
    assert kept == ids[1:]
    assert count(connection, shard) == 2
    assert count(connection, listed_block) == 100


def test_the_only_listing_of_an_array_is_kept(connection: Connection, bucket: int, run: int, array: int) -> None:
    """Two later listings of other parts do not make forget it; one of the array does, and so does its end upstream."""
    first = builders.start_snapshot(connection, bucket, run, scope=SnapshotScope.SELECTION)
    add_shard(connection, first, bucket, array, seed=1)
    queries.finish_snapshot(connection, first, is_complete=True, finished_at=at(1))
    for seed in (2, 3, 4):
        take_snapshot(connection, bucket, run, seed, SnapshotScope.SELECTION)
    ids = list(connection.execute(select(snapshot.c.id).order_by(snapshot.c.id)).scalars())
    assert (len(ids), ids[0]) == (3, first)
    queries.put_array(connection, replace(builders.array_record(bucket), is_present=False))
    take_snapshot(connection, bucket, run, 5, SnapshotScope.SELECTION)
    assert first not in set(connection.execute(select(snapshot.c.id)).scalars())


def test_shards_that_a_kept_snapshot_shares_stay(connection: Connection, bucket: int, run: int) -> None:
    """A shard of a dropped snapshot stays while another one refers to it."""
    ids = [take_snapshot(connection, bucket, run, seed) for seed in (1, 2, 1)]
    (found,) = queries.snapshot_shards(connection, ids[-1])
    assert list(queries.listed_blocks(connection, found.id)) == builders.listed_block_rows(50, 1)
    assert count(connection, shard) == 2


def test_snapshots_of_a_selection_do_not_push_out_those_of_all(connection: Connection, bucket: int, run: int) -> None:
    """Each scope keeps its own two."""
    whole = take_snapshot(connection, bucket, run, seed=1)
    parts = [take_snapshot(connection, bucket, run, seed, SnapshotScope.SELECTION) for seed in (2, 3, 4)]
    kept = sorted(connection.execute(select(snapshot.c.id)).scalars())
    assert kept == [whole, *parts[1:]]
    newest = queries.newest_snapshot(connection, bucket, DATASET)
    newest_whole = queries.newest_snapshot(connection, bucket, DATASET, SnapshotScope.ALL)
    assert newest is not None
    assert newest_whole is not None
    assert (newest.id, newest_whole.id) == (parts[-1], whole)


def test_an_unfinished_snapshot_is_not_the_newest_and_pushes_nothing_out(
    connection: Connection, bucket: int, run: int
) -> None:
    """A listing that broke off proves nothing and replaces nothing."""
    whole = take_snapshot(connection, bucket, run, seed=1)
    broken = builders.start_snapshot(connection, bucket, run)
    add_shard(connection, broken, bucket, None, seed=2)
    queries.finish_snapshot(connection, broken, is_complete=False, finished_at=at(9))
    newest = queries.newest_snapshot(connection, bucket, DATASET)
    assert newest is not None
    assert newest.id == whole


def test_left_overs_of_runs_that_are_over_go_and_those_of_living_runs_stay(connection: Connection, bucket: int) -> None:
    """A complete snapshot sweeps what ended runs left unfinished, not what another run is about to finish."""
    dead, living = (builders.start_run(connection, bucket) for _ in range(2))
    for run, seed in ((dead, 1), (living, 2)):
        add_shard(connection, builders.start_snapshot(connection, bucket, run), bucket, None, seed=seed)
    queries.finish_run(connection, dead, state=RunState.FAILED, exit_code=None, finished_at=at(1))
    newest = take_snapshot(connection, bucket, living, seed=3)
    kept = connection.execute(select(snapshot.c.run_id, snapshot.c.id).order_by(snapshot.c.id)).all()
    assert [tuple(row) for row in kept] == [(living, newest - 1), (living, newest)]
    assert count(connection, shard) == 2


def test_dropping_a_shard_drops_its_objects_as_well(connection: Connection, bucket: int, run: int) -> None:
    """No row of a listing outlives its shard."""
    for seed in range(3):
        taken = builders.start_snapshot(connection, bucket, run)
        objects = [(f"k{seed}", 1, b"e", 0)]
        queries.add_shard(
            connection, taken, bucket_id=bucket, array_id=None, prefix="", digest=bytes([seed]), objects=objects
        )
        queries.finish_snapshot(connection, taken, is_complete=True, finished_at=at(seed))
    drop_all(connection)
    assert sorted(connection.execute(select(listed_object.c.key)).scalars()) == ["k1", "k2"]


def test_rows_may_come_from_a_generator(connection: Connection, bucket: int, run: int) -> None:
    """A shard's rows need not be in memory at once."""
    part = queries.put_shard(connection, bucket_id=bucket, array_id=None, prefix="", digest=b"d", objects=7, bytes=7)
    rows: list[ListedBlockRow] = [(i, 0, 0, 1, b"e") for i in range(7)]
    queries.put_listed_blocks(connection, part, iter(rows))
    assert list(queries.listed_blocks(connection, part)) == rows


@pytest.mark.parametrize("max_rows", [1, 7, 50, 51, 52, 1000])
def test_superfluous_shards_go_in_steps(connection: Connection, bucket: int, run: int, max_rows: int) -> None:
    """Each call drops about as many rows as it may, and says what is left; at the end all are gone, and only they."""
    kept = take_snapshot(connection, bucket, run, seed=1)
    for name in ("a/", "b/"):
        part = queries.put_shard(
            connection, bucket_id=bucket, array_id=None, prefix=name, digest=b"d", objects=52, bytes=1
        )
        queries.put_listed_blocks(connection, part, builders.listed_block_rows(50))
        queries.put_listed_objects(connection, part, OBJECTS)
    left = queries.unlinked_shards(connection, bucket)
    assert len(left) == 2
    rows = count(connection, listed_block) + count(connection, listed_object)
    while left:
        left = queries.drop_shards(connection, left, max_rows=max_rows)
        now = count(connection, listed_block) + count(connection, listed_object)
        assert rows - now <= max_rows
        rows = now
    (found,) = queries.snapshot_shards(connection, kept)
    assert (rows, count(connection, shard)) == (50, 1)
    assert list(queries.listed_blocks(connection, found.id)) == builders.listed_block_rows(50, 1)


def test_a_shard_that_was_linked_meanwhile_stays(connection: Connection, bucket: int, run: int) -> None:
    """What another run makes part of its snapshot between two steps is not dropped."""
    part = queries.put_shard(connection, bucket_id=bucket, array_id=None, prefix="a/", digest=b"d", objects=0, bytes=0)
    left = queries.unlinked_shards(connection)
    queries.link_shard(connection, builders.start_snapshot(connection, bucket, run), part)
    assert queries.drop_shards(connection, left) == ()
    assert count(connection, shard) == 1

"""How what was listed becomes a snapshot, and what changed since the one before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
import xxhash

from catalog import queries
from catalog.config import sqlite_url
from catalog.records import ChangeKind, Count, RunKind, SnapshotScope
from catalog.session import Catalog, open_catalog
from mirror.app.snapshot import write_snapshots
from mirror.app.state import BucketState
from mirror.app.survey import Survey, Surveyed
from mirror.app.workplace import utc_now
from mirror.engine.listing import ListedShard, Shard
from mirror.engine.spool import Spool
from mirror.formats.block_keys import GridKeys
from mirror.formats.folder import Format
from mirror.formats.layout import Array, ArrayFacts
from mirror.objects import Tally
from tests.catalog import builders

Folders = Mapping[str, Mapping[str, str]]
"""Folder to names to ETags."""
BEFORE: Folders = {"d/": {"README": "a"}, "d/x/": {"1": "a", "2": "a"}, "d/y/": {"1": "a"}}
AFTER: Folders = {"d/": {"README": "a"}, "d/x/": {"2": "b", "3": "a"}}


class Lab:
    """A catalog, and listings that are written into it."""

    def __init__(self, catalog: Catalog, file: Path, spool: Spool) -> None:
        self.catalog = catalog
        self.file = file
        self.spool = spool
        with catalog.begin() as connection:
            self.bucket = queries.bucket_id(connection, "s3://b")
        self.array_ids: dict[str, int] = {}
        """Of the arrays that are known, by prefix."""

    def start_run(self) -> int:
        """Start a run."""
        with self.catalog.begin() as connection:
            return queries.start_run(
                connection,
                kind=RunKind.SCAN,
                bucket_id=self.bucket,
                datasets=["d"],
                selection={},
                started_at=utc_now(),
                host="here",
                pid=1,
                version="0",
            )

    def steps(self, folders: Folders, run: int, **knobs: Any) -> Iterator[None]:
        """Return the steps in which a listing is written."""
        return self.write([self.listed(prefix, names) for prefix, names in folders.items()], run, **knobs)

    def write(self, listed: Iterable[ListedShard], run: int, **knobs: Any) -> Iterator[None]:
        """Return the steps in which listed shards are written."""
        shards = tuple(listed)
        surveyed = Surveyed("d", cast("Any", None), cast("Any", None), shards, ())
        state = BucketState(self.catalog, self.bucket, dict(self.array_ids))
        return write_snapshots(state, Survey((surveyed,), ()), self.spool, run, SnapshotScope.ALL, **knobs)

    def listed(self, prefix: str, names: Mapping[str, str], array: Array | None = None) -> ListedShard:
        """Return a folder as it was listed."""
        rows = [(name, 10, etag, 7) for name, etag in sorted(names.items())]
        digest = xxhash.xxh3_128(repr(rows).encode()).digest()
        return ListedShard(Shard(prefix, array), (self.spool.add(rows),), Tally(len(rows), 10 * len(rows)), digest)

    def changes(self, run: int) -> dict[tuple[str, ChangeKind], Count]:
        """Return what a run found changed."""
        with self.catalog.read() as connection:
            return {(one.prefix, one.kind): one.changed for one in queries.changes(connection, run_id=run)}

    def is_all_linked(self) -> bool:
        """Return whether the newest snapshot has all shards of `AFTER`, and is not finished."""
        query = """
            SELECT count(*) FROM snapshot_shard WHERE snapshot_id = (SELECT max(id) FROM snapshot WHERE NOT is_complete)
        """
        with self.catalog.read() as connection:
            return connection.exec_driver_sql(query).scalar() == len(AFTER)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Yield a catalog with a bucket."""
    file = tmp_path / "c.db"
    with open_catalog(sqlite_url(file)) as catalog, Spool() as spool:
        yield Lab(catalog, file, spool)


def test_what_changed_is_kept_with_the_run(lab: Lab) -> None:
    """The second listing tells by folder what is new, changed and gone; a third, equal one tells nothing."""
    found = []
    for folders in (BEFORE, AFTER, AFTER):
        run = lab.start_run()
        list(lab.steps(folders, run))
        found.append(lab.changes(run))
    assert found == [
        {},
        {
            ("d/x/", ChangeKind.NEW): Count(1, 10),
            ("d/x/", ChangeKind.CHANGED): Count(1, 10),
            ("d/x/", ChangeKind.VANISHED): Count(1, 10),
            ("d/y/", ChangeKind.VANISHED): Count(1, 10),
        },
        {},
    ]


def test_a_listing_that_nobody_needs_any_more_goes(lab: Lab) -> None:
    """After three listings only the shards of the last two are there."""
    for folders in (BEFORE, AFTER, AFTER):
        list(lab.steps(folders, lab.start_run()))
    with lab.catalog.read() as connection:
        assert queries.unlinked_shards(connection) == ()
        assert connection.exec_driver_sql("SELECT prefix FROM shard ORDER BY prefix").scalars().all() == ["d/", "d/x/"]
        assert connection.exec_driver_sql("SELECT count(*) FROM listed_object").scalar() == 3


def test_between_steps_anybody_may_write(lab: Lab) -> None:
    """No step leaves a transaction open."""
    n_steps = 0
    with closing(sqlite3.connect(lab.file, timeout=0, isolation_level=None)) as other:
        for folders in (BEFORE, AFTER, AFTER):
            for _ in lab.steps(folders, lab.start_run()):
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
                n_steps += 1
    assert n_steps > 12


def test_a_listing_that_went_meanwhile_is_not_compared_with(lab: Lab) -> None:
    """Where another run finished a listing while two were compared, what was found is not kept: it may be wrong."""
    list(lab.steps(BEFORE, lab.start_run()))
    run = lab.start_run()
    steps = lab.steps(AFTER, run)
    while not lab.is_all_linked():
        next(steps)
    next(steps)
    list(lab.steps(BEFORE, lab.start_run()))
    list(steps)
    assert lab.changes(run) == {}


def test_others_have_their_turn(lab: Lab) -> None:
    """After each second of writing there is a pause that is longer than SQLite's between two looks at its lock."""
    now = iter(range(1_000))
    pauses: list[float] = []
    n_steps = len(list(lab.steps(BEFORE, lab.start_run(), clock=lambda: next(now) / 4, sleep=pauses.append)))
    assert n_steps >= 4
    assert 1 <= len(pauses) <= n_steps / 2
    assert min(pauses) > 0.1


SLAB = "d/d.n5/raw/s0/0/"
NAMES = {f"{y}/{z}": "a" for y in range(3) for z in range(3)} | {"note": "a"}


def an_array(*shape_xyz: int, prefix: str = "d/d.n5/raw/s0/", format: Format = Format.N5) -> Array:  # noqa: A002
    """Return an array whose blocks are voxels."""
    facts = ArrayFacts(shape_xyz, (1,) * len(shape_xyz), "uint8", {"type": "raw"})
    return Array(format, prefix.split("/", 2)[2][:-1], prefix, facts=facts, block_keys=GridKeys(shape_xyz))


def as_now(lab: Lab, array: Array | None, *, names: Mapping[str, str] = NAMES) -> tuple[str | None, int, int, int]:
    """Write a slab as what it is now; return array, blocks by their place, other objects, blocks inside the grid.

    The catalog must have one shard, whatever it was before.
    """
    if array is not None and array.prefix not in lab.array_ids:
        record = builders.array_record(lab.bucket, array.prefix)
        with lab.catalog.begin() as connection:
            lab.array_ids[array.prefix] = queries.put_array(connection, record)
    list(lab.write([lab.listed(SLAB, names, array)], lab.start_run()))
    prefixes = {number: prefix for prefix, number in lab.array_ids.items()}
    with lab.catalog.read() as connection:
        newest = queries.newest_snapshot(connection, lab.bucket, "d")
        assert newest is not None
        (shard,) = queries.snapshot_shards(connection, newest.id)
        assert connection.exec_driver_sql("SELECT count(*) FROM shard").scalar() == 1
        n_blocks = len(list(queries.listed_blocks(connection, shard.id)))
        n_objects = len(list(queries.listed_objects(connection, shard.id)))
    return prefixes.get(shard.array_id or 0), n_blocks, n_objects, shard.blocks.objects


S0, S1 = "d/d.n5/raw/s0/", "d/d.n5/raw/"
UNDERSTOOD = {
    "nothing, then an array": ([None, None, an_array(1, 3, 3)], (S0, 9, 1, 9)),
    "an array, then for a while nothing": ([an_array(1, 3, 3), None, None], (S0, 9, 1, 9)),
    "a grid that shrank": ([an_array(1, 3, 3), an_array(1, 3, 2)], (S0, 9, 1, 6)),
    "a grid that grew": ([an_array(1, 1, 1), None, an_array(1, 3, 3)], (S0, 9, 1, 9)),
    "an array of other axes": ([an_array(1, 3, 3), an_array(1, 3, 3, 1)], (S0, 0, 10, 0)),
    "the axes that blocks have": ([an_array(1, 3, 3, 1), an_array(1, 3, 3)], (S0, 9, 1, 9)),
    "another format": ([an_array(1, 3, 3), an_array(1, 3, 3, format=Format.ZARR)], (S0, 0, 10, 9)),
    "another array": ([an_array(1, 3, 3), an_array(9, 1, 3, 3, prefix=S1)], (S1, 0, 10, 0)),
}


@pytest.mark.parametrize(("arrays", "found"), UNDERSTOOD.values(), ids=UNDERSTOOD.keys())
def test_an_equal_listing_is_stored_as_what_it_is_now(
    lab: Lab, arrays: list[Array | None], found: tuple[str | None, int, int, int]
) -> None:
    """Content that was listed before is one shard, understood as the newest metadata that could be read say."""
    for array in arrays[:-1]:
        as_now(lab, array)
    assert as_now(lab, arrays[-1]) == found
    assert lab.changes(lab.start_run() - 1) == {}


def test_a_shard_of_an_older_version_is_taken_over(lab: Lab) -> None:
    """What it was understood as was not kept: it is counted once more, and its rows are not written again."""
    as_now(lab, an_array(1, 3, 3))
    with lab.catalog.begin() as connection:
        connection.exec_driver_sql("UPDATE shard SET digest = substr(digest, 1, 16), n_blocks = 7")
        connection.exec_driver_sql("UPDATE listed_object SET last_modified = 99")
    assert as_now(lab, an_array(1, 3, 3)) == (S0, 9, 1, 9)
    with lab.catalog.read() as connection:
        assert connection.exec_driver_sql("SELECT last_modified FROM listed_object").scalar() == 99
        assert connection.exec_driver_sql("SELECT length(digest) FROM shard").scalar() == 24


def test_a_shard_that_is_understood_as_before_is_only_linked(lab: Lab) -> None:
    """Nothing is written of it but the link."""
    as_now(lab, an_array(1, 3, 3))
    with lab.catalog.begin() as connection:
        connection.exec_driver_sql("UPDATE shard SET n_blocks = 7")
    assert as_now(lab, an_array(1, 3, 3)) == (S0, 9, 1, 7)


def test_two_versions_that_wrote_the_same_listing(lab: Lab) -> None:
    """Where one that keeps no meaning wrote beside one that does, the shard with its meaning is taken."""
    as_now(lab, an_array(1, 3, 3))
    with lab.catalog.begin() as connection:
        insert = """
            INSERT INTO shard (id, bucket_id, array_id, prefix, digest, objects, bytes)
            SELECT 77, bucket_id, NULL, prefix, substr(digest, 1, 16), objects, bytes FROM shard
        """
        connection.exec_driver_sql(insert)
        connection.exec_driver_sql(
            "INSERT INTO snapshot_shard (snapshot_id, shard_id) SELECT min(id), 77 FROM snapshot"
        )
    list(lab.write([lab.listed(SLAB, NAMES, an_array(1, 3, 2))], lab.start_run()))
    with lab.catalog.read() as connection:
        newest = queries.newest_snapshot(connection, lab.bucket, "d")
        assert newest is not None
        (shard,) = queries.snapshot_shards(connection, newest.id)
    assert (shard.id != 77, shard.blocks.objects) == (True, 6)

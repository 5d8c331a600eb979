"""How what was listed becomes a snapshot, and what changed since the one before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
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
from mirror.objects import Tally

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
        shards = tuple(self._listed(prefix, names) for prefix, names in folders.items())
        surveyed = Surveyed("d", cast("Any", None), cast("Any", None), shards, ())
        state = BucketState(self.catalog, self.bucket)
        return write_snapshots(state, Survey((surveyed,), ()), self.spool, run, SnapshotScope.ALL, **knobs)

    def _listed(self, prefix: str, names: Mapping[str, str]) -> ListedShard:
        rows = [(name, 10, etag, 7) for name, etag in sorted(names.items())]
        digest = xxhash.xxh3_128(repr(rows).encode()).digest()
        return ListedShard(Shard(prefix), (self.spool.add(rows),), Tally(len(rows), 10 * len(rows)), digest)

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

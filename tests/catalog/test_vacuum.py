"""The catalog without gaps."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from catalog import queries
from catalog.errors import CatalogError, CatalogLockedError, NoRoomError
from catalog.records import RunState
from catalog.session import Catalog, open_catalog
from catalog.sizes import catalog_size, disk_size
from catalog.tables import listed_block, mirrored_block, shard, snapshot
from catalog.vacuum import check_idle, drop_left_overs, temporary_folder, vacuum
from tests.catalog import builders
from tests.catalog.builders import at, url_in

N = 30_000
_VACUUM = """
import sys
from catalog.config import catalog_file
from catalog.session import open_catalog
from catalog.vacuum import vacuum
with open_catalog(sys.argv[1]) as catalog:
    print("ready", flush=True)
    vacuum(catalog, catalog_file(sys.argv[1]))
"""


@pytest.fixture
def catalog(sqlite_url: str) -> Iterator[Catalog]:
    """Yield an open SQLite catalog without rows."""
    with open_catalog(sqlite_url) as opened:
        yield opened


@pytest.fixture
def gappy(catalog: Catalog, tmp_path: Path) -> Path:
    """Return the file of a catalog of which half the rows were dropped."""
    with catalog.begin() as connection:
        bucket = queries.bucket_id(connection, builders.BUCKET_B)
        run = builders.start_run(connection, bucket)
        array = queries.put_array(connection, builders.array_record(bucket))
        queries.put_mirrored_blocks(connection, builders.mirrored_block_rows(N, array, run))
        queries.finish_run(connection, run, state=RunState.DONE, exit_code=0, finished_at=at(1))
    with catalog.begin() as connection:
        connection.exec_driver_sql("DELETE FROM mirrored_block WHERE x % 2 = 0")
    file = tmp_path / "catalog.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return file


def rows(connection: Connection) -> list[tuple[object, ...]]:
    """Return all mirrored blocks."""
    return [tuple(row) for row in connection.execute(select(mirrored_block))]


def test_a_vacuum_frees_what_is_free_and_loses_nothing(catalog: Catalog, gappy: Path) -> None:
    """The file has no free pages and no log afterwards, and every row that it had."""
    with catalog.read() as connection:
        before, kept = disk_size(connection, gappy), rows(connection)
    vacuum(catalog, gappy)
    with catalog.read() as connection:
        after = disk_size(connection, gappy)
        assert rows(connection) == kept
    assert before.free_bytes > 0
    assert (after.free_bytes, after.log_bytes) == (0, 0)
    assert after.file_bytes < 0.7 * before.file_bytes


def test_a_vacuum_without_room_does_nothing(catalog: Catalog, gappy: Path) -> None:
    """Exit 5, with the folder and what it lacks; the file is as it was."""
    size = gappy.stat().st_size
    with pytest.raises(NoRoomError, match="no room to write the catalog anew") as raised:
        vacuum(catalog, gappy, free_bytes=lambda _: 1_000_000)
    assert raised.value.exit_code == 5
    assert raised.value.found == "1,000,000"
    assert gappy.stat().st_size == size


def test_a_vacuum_beside_a_writer_is_refused(sqlite_url: str, gappy: Path) -> None:
    """Another process's transaction is waited for, for as long as the catalog's busy time, and then said."""
    other = sqlite3.connect(gappy, isolation_level=None)
    with open_catalog(sqlite_url, busy_seconds=0.05) as impatient:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogLockedError, match="locked by another process"):
            vacuum(impatient, gappy)
        other.execute("ROLLBACK")
        other.close()
        vacuum(impatient, gappy)


def test_readers_go_on_while_the_catalog_is_vacuumed(sqlite_url: str, catalog: Catalog, gappy: Path) -> None:
    """A reader that began before sees what it saw; the log stays until it has gone."""
    with catalog.read() as connection:
        kept = rows(connection)
        with open_catalog(sqlite_url, busy_seconds=0.05) as other:
            vacuum(other, gappy)
        assert rows(connection) == kept
    with catalog.read() as connection:
        assert rows(connection) == kept


@pytest.mark.parametrize("at_log_bytes", [0, 1, 300_000, 600_000])
def test_a_killed_vacuum_leaves_the_old_file(gappy: Path, tmp_path: Path, at_log_bytes: int) -> None:
    """SIGKILL before or while pages are written: the file is sound, all rows are there, a vacuum can be run again."""
    command = [sys.executable, "-c", _VACUUM, url_in(tmp_path)]
    log = gappy.with_name("catalog.db-wal")
    with open_catalog(url_in(tmp_path)) as catalog, catalog.read() as connection:
        kept = rows(connection)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            if at_log_bytes == 0 or (log.exists() and log.stat().st_size >= at_log_bytes):
                break
        process.kill()
    with open_catalog(url_in(tmp_path)) as catalog:
        with catalog.read() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert rows(connection) == kept
        vacuum(catalog, gappy)
        with catalog.read() as connection:
            assert rows(connection) == kept


def test_left_overs_go_and_what_is_kept_stays(catalog: Catalog) -> None:
    """Unfinished snapshots of runs that are over go, with their shards and those that no snapshot has."""
    with catalog.begin() as connection:
        bucket = queries.bucket_id(connection, builders.BUCKET_B)
        dead, living = (builders.start_run(connection, bucket) for _ in range(2))
        for number, run in enumerate((dead, living)):
            taken = builders.start_snapshot(connection, bucket, run)
            queries.add_shard(
                connection,
                taken,
                bucket_id=bucket,
                array_id=None,
                prefix=f"{number}/",
                digest=b"d",
                blocks=builders.listed_block_rows(100),
            )
        queries.finish_run(connection, dead, state=RunState.FAILED, exit_code=None, finished_at=at(1))
        queries.put_shard(connection, bucket_id=bucket, array_id=None, prefix="x/", digest=b"d", objects=0, bytes=0)
    dropped = drop_left_overs(catalog)
    assert (dropped.snapshots, dropped.shards) == (1, 2)
    with catalog.read() as connection:
        counts = [connection.execute(select(func.count()).select_from(one)).scalar() for one in (snapshot, shard)]
        assert counts == [1, 1]
        assert connection.execute(select(func.count()).select_from(listed_block)).scalar() == 100


def test_a_run_that_goes_on_is_not_disturbed(connection: Connection, bucket: int) -> None:
    """It would have to wait longer than it may; runs of other machines are none of a local file's business."""
    builders.start_run(connection, bucket, host="node1", pid=42)
    check_idle(connection, "node2")
    with pytest.raises(CatalogError, match="sync of jrc_hela-2, process 42 on node1") as raised:
        check_idle(connection, "node1")
    assert raised.value.exit_code == 1


def test_temporary_files_lie_where_sqlite_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """SQLITE_TMPDIR comes before TMPDIR; a folder that is not there is passed over."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("SQLITE_TMPDIR", raising=False)
    assert temporary_folder() == tmp_path
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path / "none"))
    assert temporary_folder() == tmp_path


def test_on_postgresql_all_go_on(postgres_url: str) -> None:
    """The server does it beside readers and writers, and knows its rows afterwards; nothing is lost."""
    with open_catalog(postgres_url) as served, open_catalog(postgres_url) as other:
        with served.begin() as connection:
            bucket = queries.bucket_id(connection, builders.BUCKET_B)
            run = builders.start_run(connection, bucket)
            array = queries.put_array(connection, builders.array_record(bucket))
            queries.put_mirrored_blocks(connection, builders.mirrored_block_rows(3_000, array, run))
        with other.begin() as connection:
            connection.execute(select(mirrored_block).limit(1)).all()
            vacuum(served, None)
        with served.read() as connection:
            size = catalog_size(connection, None)
            assert len(rows(connection)) == 3_000
    assert size.database.startswith("PostgreSQL ")
    assert size.table("mirrored_block").rows == 3_000
    assert size.table("mirrored_block").is_estimate
    assert size.file_bytes is None
    assert sum(one.bytes for one in size.tables) == size.used_bytes

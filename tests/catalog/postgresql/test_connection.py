"""Connections to a PostgreSQL server, and what their transactions promise."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from catalog import migrate, queries
from catalog.errors import CatalogNewerError
from catalog.records import HOW_MD5
from catalog.session import Catalog, open_catalog
from tests.catalog import builders
from tests.catalog.builders import BUCKET_B, run_sql
from tests.postgres import PostgresServer, run_postgres

ROOT = str(Path(migrate.__file__).parents[1])


def test_a_server_that_was_restarted_is_connected_to_again() -> None:
    """A restart between two transactions is not noticed."""
    with run_postgres() as server, open_catalog(server.make_database()) as catalog:
        with catalog.begin() as connection:
            queries.bucket_id(connection, BUCKET_B)
        server.stop()
        server.start()
        with catalog.read() as connection:
            assert queries.find_bucket(connection, BUCKET_B) is not None
        server.stop()
        server.start()
        with catalog.begin() as connection:
            assert queries.find_bucket(connection, BUCKET_B) is not None


def test_writers_that_take_rows_in_opposite_order_do_not_stop_each_other(postgres_url: str) -> None:
    """Two nodes that write the same rows, one forwards and one backwards, both come through."""
    failed: list[BaseException] = []
    rows = range(40)

    def write(catalog: Catalog, run: int, order: Sequence[int]) -> None:
        try:
            for _ in range(5):
                with catalog.begin() as connection:
                    for size in order:
                        row = (1, f"k{size}", size, b"e", None, HOW_MD5, run)
                        queries.put_mirrored_objects(connection, [row])
        except BaseException as error:  # noqa: BLE001 - asserted on
            failed.append(error)

    with open_catalog(postgres_url) as one, open_catalog(postgres_url) as other:
        with one.begin() as connection:
            run = builders.start_run(connection, queries.bucket_id(connection, BUCKET_B))
        orders = ((one, tuple(rows)), (other, tuple(reversed(rows))))
        threads = [threading.Thread(target=write, args=(catalog, run, order)) for catalog, order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    assert run_sql(postgres_url, "SELECT count(*) FROM mirrored_object") == [(40,)]


def test_a_writer_sees_what_was_committed_while_it_waited(postgres_url: str) -> None:
    """The lock comes before the snapshot: nothing is decided on what another writer has just changed."""
    has_lock = threading.Event()

    def write_first(catalog: Catalog) -> None:
        with catalog.begin() as connection:
            has_lock.set()
            connection.exec_driver_sql("SELECT pg_sleep(0.2)")
            queries.bucket_id(connection, BUCKET_B)

    with open_catalog(postgres_url) as one, open_catalog(postgres_url) as other:
        thread = threading.Thread(target=write_first, args=(one,))
        thread.start()
        has_lock.wait()
        with other.begin() as connection:
            assert queries.find_bucket(connection, BUCKET_B) is not None
        thread.join()


def test_catalogs_of_one_server_do_not_wait_for_each_other(postgres: PostgresServer, blank_database: str) -> None:
    """The writer's lock is one of its database."""
    urls = [postgres.make_database(blank_database) for _ in range(2)]
    with (
        open_catalog(urls[0]) as one,
        open_catalog(urls[1], busy_seconds=0.1) as other,
        one.begin(),
        other.begin() as connection,
    ):
        assert queries.find_bucket(connection, BUCKET_B) is None


def test_a_catalog_that_became_newer_while_we_waited_is_not_touched(postgres_url: str) -> None:
    """The revision is looked at again under the lock: a newer oomirror may have upgraded meanwhile."""
    later = migrate.Migrations((*migrate.OURS.revisions, "9998"), migrate.OURS.folder)
    caught: list[BaseException] = []
    with open_catalog(postgres_url) as other, other.begin() as connection:
        waiting = threading.Thread(target=_expect_newer, args=(postgres_url, later, caught))
        waiting.start()
        _wait_until_someone_waits(postgres_url)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    waiting.join()
    assert [type(error) for error in caught] == [CatalogNewerError]


def _expect_newer(url: str, migrations: migrate.Migrations, caught: list[BaseException]) -> None:
    with pytest.raises(CatalogNewerError) as info:
        open_catalog(url, migrations=migrations)
    caught.append(info.value)


def _wait_until_someone_waits(url: str) -> None:
    while not run_sql(url, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
        pass


def test_reading_a_configuration_of_sqlite_does_not_import_the_driver(sqlite_url: str) -> None:
    """Who has a catalog in a file does not pay for a driver that is not used."""
    code = (
        "import sys; from catalog.session import open_catalog; open_catalog(sys.argv[1]).close();"
        "print([name for name in ('psycopg', 'sqlalchemy.dialects.postgresql') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code, sqlite_url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_memory_does_not_grow_with_what_is_read(postgres_url: str) -> None:
    """Rows are streamed by a cursor on the server, and reading may stop half way."""
    with open_catalog(postgres_url) as catalog:
        with catalog.begin() as connection:
            bucket = queries.bucket_id(connection, BUCKET_B)
            array = queries.put_array(connection, builders.array_record(bucket))
            run = builders.start_run(connection, bucket)
            queries.put_mirrored_blocks(connection, builders.mirrored_block_rows(20_000, array, run))
        with catalog.read() as connection:
            rows = queries.mirrored_blocks(connection, array)
            assert next(rows)[:3] == (0, 0, 0)
            assert connection.exec_driver_sql("SELECT count(*) FROM pg_cursors").scalar() == 1
        with catalog.begin() as connection:
            assert queries.find_bucket(connection, BUCKET_B) == bucket

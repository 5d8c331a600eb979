"""Migrations: they make the tables that the code knows, both ways, in one transaction."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete, inspect

from catalog import migrate, queries
from catalog.errors import CatalogError, CatalogMissingError
from catalog.records import HOW_MD5
from catalog.session import Upgrade, migrating, open_as_is, open_catalog, upgrade_catalog
from catalog.tables import metadata, run
from tests.catalog import builders
from tests.catalog.builders import run_sql

NEXT_REVISION = """
import os
import sys
import sqlalchemy as sa
from alembic import op

revision = "NEXT"
down_revision = "HEAD"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("run") as batch:
        batch.add_column(sa.Column("note", sa.Text()))
    op.execute('''DELETE FROM mirrored_block''')
    if os.environ.get("STOP_IN_MIGRATION"):
        print("half way", flush=True)
        sys.stdin.read()


def downgrade() -> None:
    with op.batch_alter_table("run") as batch:
        batch.drop_column("note")
"""

UPGRADE_PROGRAM = """
import sys
from pathlib import Path
from catalog.migrate import OURS, Migrations
from catalog.session import open_catalog

open_catalog(sys.argv[1], migrations=Migrations((*OURS.revisions, sys.argv[3]), Path(sys.argv[2])))
"""

HEAD = migrate.OURS.head
NEXT = f"{int(HEAD) + 1:04}"


@pytest.fixture
def later(tmp_path: Path) -> migrate.Migrations:
    """Return our migrations and a made-up next one."""
    folder = tmp_path / "scripts"
    shutil.copytree(migrate.OURS.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    program = NEXT_REVISION.replace("NEXT", NEXT).replace("HEAD", HEAD)
    (folder / "versions" / f"{NEXT}_next.py").write_text(program)
    return migrate.Migrations((*migrate.OURS.revisions, NEXT), folder)


@pytest.fixture
def filled_url(catalog_url: str) -> str:
    """Return the URL of a catalog with a run and ten mirrored blocks."""
    return fill(catalog_url)


@pytest.fixture
def filled_file_url(sqlite_url: str) -> str:
    """Return the URL of such a catalog in a file: for what is done to files alone."""
    return fill(sqlite_url)


def fill(url: str) -> str:
    """Put a run and ten mirrored blocks into a catalog; return its URL."""
    with open_catalog(url) as catalog, catalog.begin() as connection:
        bucket = queries.bucket_id(connection, builders.BUCKET_B)
        run_id = builders.start_run(connection, bucket)
        array = queries.put_array(connection, builders.array_record(bucket))
        queries.put_mirrored_blocks(connection, builders.mirrored_block_rows(10, array, run_id))
        queries.put_mirrored_objects(connection, [(bucket, "a", 1, b"e", None, HOW_MD5, run_id)])
    return url


def schema(file: Path) -> dict[str, str]:
    """Return the SQL of each table and index, spaces and the order of constraints made equal."""
    found = run_sql(f"sqlite:///{file}", "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {str(name): normal(str(sql).replace(chr(34), "")) for name, sql in found if name != "alembic_version"}


def normal(sql: str) -> str:
    """Return the SQL of a table with single spaces and sorted constraints."""
    body, close, options = " ".join(sql.split()).rpartition(" )")
    columns, *constraints = body.split(", CONSTRAINT ")
    return f"{columns}{sorted(constraints)}{close}{options}"


def test_the_revisions_in_the_code_are_alembics() -> None:
    """The list that spares importing alembic at the start names every migration, in order."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(migrate.config()).walk_revisions()
    assert tuple(script.revision for script in scripts)[::-1] == migrate.OURS.revisions


def test_migrations_and_tables_do_not_drift(catalog_url: str) -> None:
    """A database made by the migrations is what catalog.tables describes: alembic would change nothing."""
    with open_catalog(catalog_url) as catalog, catalog.read() as connection:
        assert migrate.drift(connection) == []


def test_migrations_make_the_very_tables_that_the_code_describes(tmp_path: Path, blank_catalog: Path) -> None:
    """Also what alembic does not compare is equal: WITHOUT ROWID, checks, names of constraints, cascades."""
    direct = tmp_path / "direct.db"
    engine = create_engine(f"sqlite:///{direct}")
    metadata.create_all(engine)
    engine.dispose()
    assert schema(blank_catalog) == schema(direct)


def test_downgrade_and_upgrade_work_on_a_filled_catalog(filled_url: str) -> None:
    """All tables go and come back, whatever rows they held."""
    with migrating(filled_url) as connection:
        migrate.downgrade(connection, "base")
    with migrating(filled_url) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    with open_catalog(filled_url) as catalog, catalog.read() as connection:
        assert migrate.revision(connection) == migrate.OURS.head
        assert queries.runs(connection) == ()


def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(filled_url: str, later: migrate.Migrations) -> None:
    """A migration may rebuild a table: with foreign keys on, SQLite would delete or refuse what refers to it."""
    open_catalog(filled_url, migrations=later).close()
    assert run_sql(filled_url, "SELECT id, note FROM run") == [(1, None)]
    assert run_sql(filled_url, "SELECT count(*) FROM mirrored_object") == [(1,)]
    with (
        open_catalog(filled_url, migrations=later) as catalog,
        pytest.raises(CatalogError, match="refused a row"),
        catalog.begin() as connection,
    ):
        connection.execute(delete(run))


def test_kill_9_in_a_migration_leaves_the_old_catalog(filled_url: str, later: migrate.Migrations) -> None:
    """Killed half way, after DDL and deleted rows, the catalog is as it was before; then the migration works."""
    command = [sys.executable, "-c", UPGRADE_PROGRAM, filled_url, str(later.folder), NEXT]
    environment = {**os.environ, "STOP_IN_MIGRATION": "1", "PYTHONPATH": str(Path(migrate.__file__).parents[1])}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "half way"
        process.send_signal(signal.SIGKILL)
    assert run_sql(filled_url, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert run_sql(filled_url, "SELECT count(*) FROM mirrored_block") == [(10,)]
    open_catalog(filled_url, migrations=later).close()
    assert run_sql(filled_url, "SELECT version_num FROM alembic_version") == [(NEXT,)]


def test_an_older_catalog_is_upgraded_when_it_is_opened(filled_url: str, later: migrate.Migrations) -> None:
    """Opening a catalog of an older revision brings it to the newest."""
    open_catalog(filled_url, migrations=later).close()
    assert run_sql(filled_url, "SELECT version_num FROM alembic_version") == [(NEXT,)]
    assert run_sql(filled_url, "SELECT note FROM run") == [(None,)]


def test_a_file_is_copied_before_it_is_upgraded(filled_file_url: str, later: migrate.Migrations) -> None:
    """A catalog in a file is copied to NAME.REVISION.bak before a migration."""
    open_catalog(filled_file_url, migrations=later).close()
    assert run_sql(f"{filled_file_url}.{HEAD}.bak", "SELECT count(*) FROM mirrored_block") == [(10,)]


def test_an_upgrade_says_what_it_did(filled_url: str, later: migrate.Migrations) -> None:
    """From which revision to which; the second time nothing is done."""
    done = upgrade_catalog(filled_url, migrations=later)
    assert (done.before, done.after) == (HEAD, NEXT)
    assert upgrade_catalog(filled_url, migrations=later) == Upgrade(done.url, NEXT, NEXT, None)


def test_an_upgrade_says_where_the_copy_lies(filled_file_url: str, later: migrate.Migrations) -> None:
    """Of a file, the copy of what was before is named."""
    file = Path(filled_file_url.removeprefix("sqlite:///"))
    assert upgrade_catalog(filled_file_url, migrations=later).backup == file.with_name(f"catalog.db.{HEAD}.bak")


def test_an_upgrade_of_nothing_is_an_error(tmp_path: Path) -> None:
    """Neither a missing catalog nor an empty database is made into one."""
    file = tmp_path / "catalog.db"
    for _ in range(2):
        with pytest.raises(CatalogMissingError, match="oomirror init"):
            upgrade_catalog(f"sqlite:///{file}")
        file.touch()
    assert file.stat().st_size == 0


def test_a_catalog_of_any_revision_can_be_looked_at(filled_url: str, later: migrate.Migrations) -> None:
    """Opened as it is, an older catalog is read and not upgraded."""
    with open_as_is(filled_url) as catalog, catalog.read() as connection:
        assert migrate.revision(connection) == HEAD != later.head
    assert catalog.is_read_only


def test_a_migration_that_fails_changes_nothing(filled_url: str, later: migrate.Migrations) -> None:
    """A migration that leaves rows referring to nothing is undone as a whole, and says so."""
    script = later.folder / "versions" / f"{NEXT}_next.py"
    script.write_text(script.read_text().replace("DELETE FROM mirrored_block", 'DELETE FROM "array"'))
    with pytest.raises(CatalogError, match=r"do not fit together|refused a row"):
        open_catalog(filled_url, migrations=later)
    assert run_sql(filled_url, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert run_sql(filled_url, 'SELECT count(*) FROM "array"') == [(1,)]


def test_reading_only_never_upgrades(filled_url: str, later: migrate.Migrations) -> None:
    """A catalog that would need an upgrade is refused for reading only, with what to do."""
    with pytest.raises(CatalogError, match="oomirror catalog upgrade"):
        open_catalog(filled_url, read_only=True, migrations=later)


def test_a_backup_holds_what_is_still_in_the_log(filled_file_url: str) -> None:
    """The copy made before a migration has every committed row, also those in the write-ahead log."""
    file = Path(filled_file_url.removeprefix("sqlite:///"))
    with open_catalog(filled_file_url) as catalog:
        with catalog.begin() as connection:
            queries.remember_share(connection, "u", "/share", now=builders.START)
        copy = migrate.back_up(file, HEAD)
    assert copy == file.with_name(f"catalog.db.{HEAD}.bak")
    assert run_sql(f"sqlite:///{copy}", "SELECT uuid FROM share") == [("u",)]
    assert [path.name for path in file.parent.glob("*.part")] == []


def test_a_large_catalog_is_not_copied(tmp_path: Path) -> None:
    """From 100 MB on there is no copy: the migration's one transaction has to do."""
    file = tmp_path / "catalog.db"
    with file.open("wb") as stream:
        stream.truncate(migrate.BACKUP_LIMIT_BYTES)
    assert migrate.back_up(file, HEAD) is None
    assert list(tmp_path.iterdir()) == [file]

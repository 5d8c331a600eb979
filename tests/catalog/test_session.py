"""Opening a catalog: made, upgraded, refused; and its transactions."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from catalog import migrate, queries
from catalog.engine import make_engine
from catalog.errors import (
    CatalogDamagedError,
    CatalogError,
    CatalogLockedError,
    CatalogMissingError,
    CatalogNewerError,
    CatalogUrlError,
    NoRoomError,
)
from catalog.session import Catalog, open_catalog
from tests.catalog.builders import BUCKET_B, START, run_sql, url_in

ROOT = str(Path(migrate.__file__).parents[1])
NOBODY = 65534


@pytest.fixture
def unwritable(blank_catalog: Path) -> Iterator[Path]:
    """Yield a catalog in a folder that this process may not write, also if the tests run as root."""
    # Not under tmp_path: pytest's folders are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="oomirror-test-"))
    shutil.copy(blank_catalog, folder / "catalog.db")
    (folder / "catalog.db").chmod(0o444)
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    yield folder / "catalog.db"
    os.seteuid(user)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def in_another_process(code: str, *arguments: str) -> str:
    """Return what a Python program prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()


def set_revision(url: str, revision: str) -> None:
    """Write a revision as another version would have."""
    run_sql(url, f"UPDATE alembic_version SET version_num = '{revision}'")


def test_a_catalog_is_made_where_there_is_none(make_empty: Callable[[], str]) -> None:
    """A first start makes the tables, and of SQLite the file."""
    url = make_empty()
    with open_catalog(url) as catalog, catalog.read() as connection:
        assert migrate.revision(connection) == migrate.OURS.head
    assert run_sql(url, "SELECT count(*) FROM mirrored_block") == [(0,)]


def test_a_file_is_made_with_its_folder(tmp_path: Path) -> None:
    """The folder of a catalog's file need not be there."""
    open_catalog(url_in(tmp_path / "new" / "folder")).close()
    assert (tmp_path / "new" / "folder" / "catalog.db").is_file()


def test_opening_again_finds_what_was_committed(catalog_url: str) -> None:
    """What one process committed, the next one reads."""
    with open_catalog(catalog_url) as catalog, catalog.begin() as connection:
        queries.remember_share(connection, "u", "/share", now=START)
    with open_catalog(catalog_url) as catalog, catalog.read() as connection:
        found = queries.share(connection)
    assert found is not None
    assert (found.uuid, found.path, found.created_at) == ("u", "/share", START)


def test_a_commit_is_on_disk_before_it_returns(sqlite_url: str) -> None:
    """A file is set to survive a power cut: write-ahead log, synchronous FULL; foreign keys are on."""
    with open_catalog(sqlite_url) as catalog, catalog.read() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_an_error_in_the_body_rolls_back_and_passes_untouched(catalog: Catalog) -> None:
    """A transaction whose body raises leaves nothing, and the caller sees its own error."""
    with pytest.raises(ZeroDivisionError), catalog.begin() as connection:
        assert 1 / (queries.bucket_id(connection, BUCKET_B) - 1)
    with catalog.read() as connection:
        assert queries.find_bucket(connection, BUCKET_B) is None


def test_a_start_on_a_current_catalog_does_not_import_alembic(catalog_url: str) -> None:
    """Alembic, Mako and the ORM cost more than the rest of the start, and are not imported when nothing is to do."""
    code = (
        "import sys; from catalog.session import open_catalog; import catalog.queries; open_catalog(sys.argv[1]);"
        "print([name for name in ('alembic', 'mako', 'sqlalchemy.orm') if name in sys.modules])"
    )
    assert in_another_process(code, catalog_url) == "[]"


def test_several_processes_may_make_the_same_catalog(make_empty: Callable[[], str]) -> None:
    """First starts at once all succeed; one makes the tables, the others wait."""
    code = "import sys; from catalog.session import open_catalog; open_catalog(sys.argv[1]).close()"
    command = [sys.executable, "-c", code, make_empty()]
    processes = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ends = [(process.communicate()[1], process.returncode) for process in processes]
    assert ends == [("", 0)] * 3


def test_a_missing_catalog_is_said_when_none_is_to_be_made(tmp_path: Path) -> None:
    """Without `create`, and for reading only, a missing catalog is an error that says how to make one."""
    for create, read_only in ((False, False), (True, True)):
        with pytest.raises(CatalogMissingError, match="oomirror init"):
            open_catalog(url_in(tmp_path), create=create, read_only=read_only)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"not a database at all, but a note of some length" * 99, id="something else"),
        pytest.param(b"SQLite format 3\0" + b"\xff" * 5000, id="a broken header"),
    ],
)
def test_a_file_that_is_no_database_is_refused_with_advice(tmp_path: Path, content: bytes) -> None:
    """What cannot be read as a database is left as it is, and the user is told what to do."""
    (tmp_path / "catalog.db").write_bytes(content)
    with pytest.raises(CatalogDamagedError, match="oomirror adopt") as caught:
        open_catalog(url_in(tmp_path))
    assert caught.value.exit_code == 1
    assert (tmp_path / "catalog.db").read_bytes() == content


def test_damage_that_is_met_later_is_said_as_well(sqlite_url: str) -> None:
    """A page that is overwritten after the catalog was opened is damage, not a crash."""
    with open_catalog(sqlite_url) as catalog, catalog.begin() as connection:
        bucket = queries.bucket_id(connection, BUCKET_B)
        queries.put_documents(connection, [(bucket, f"k{i}", b"e", b"x" * 900, None) for i in range(100)])
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (file.stat().st_size - 4096))
    with pytest.raises(CatalogDamagedError), open_catalog(sqlite_url) as catalog, catalog.read() as connection:
        queries.documents(connection, bucket, "")


def test_a_disk_without_room_is_no_failure_but_a_stop_for_safety(sqlite_url: str) -> None:
    """What does not fit is told with the exit code of a full disk, and nothing of it is kept."""

    def overfill(catalog: Catalog) -> None:
        """Write more than fits."""
        with catalog.begin() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # As many as there are: no page more.
            bucket = queries.bucket_id(connection, BUCKET_B)
            queries.put_documents(connection, [(bucket, f"k{i}", b"e", b"x" * 900, None) for i in range(100)])

    with open_catalog(sqlite_url) as catalog:
        with pytest.raises(NoRoomError, match="no room left for the catalog") as caught:
            overfill(catalog)
        assert caught.value.exit_code == 5
        with catalog.read() as connection:
            assert queries.find_bucket(connection, BUCKET_B) is None


def test_another_programs_database_is_not_touched(make_empty: Callable[[], str]) -> None:
    """A database with tables of others is refused, not filled with ours."""
    url = make_empty()
    run_sql(url, "CREATE TABLE bookmarks (id INTEGER)")
    with pytest.raises(CatalogError, match="bookmarks"):
        open_catalog(url)
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedTable)):
        run_sql(url, "SELECT * FROM alembic_version")


def test_a_newer_catalog_is_refused_with_a_sentence(catalog_url: str) -> None:
    """An older program does not write into a newer catalog, and says which it expected and found."""
    set_revision(catalog_url, "0999")
    with pytest.raises(CatalogNewerError, match=rf"expected revision {migrate.OURS.head} or older, found 0999"):
        open_catalog(catalog_url)


@pytest.mark.parametrize("revision", ["1975ea83b712", "0000"])
def test_a_revision_of_another_program_is_refused(catalog_url: str, revision: str) -> None:
    """A revision that is not of our kind is another program's database."""
    set_revision(catalog_url, revision)
    with pytest.raises(CatalogError, match="not a catalog of oomirror"):
        open_catalog(catalog_url)


def test_a_locked_catalog_is_said_after_the_busy_time_out(catalog_url: str) -> None:
    """While another process writes, a writer waits for the time-out and then says so; a reader does neither."""
    with open_catalog(catalog_url, busy_seconds=0.1) as catalog, open_catalog(catalog_url) as other:
        with other.begin():
            with catalog.read() as connection:
                assert queries.share(connection) is None
            start = time.monotonic()
            with pytest.raises(CatalogLockedError, match="locked by another process"), catalog.begin():
                pass
            assert 0.05 < time.monotonic() - start < 5
        with catalog.begin() as connection:
            queries.remember_share(connection, "u", "/share", now=START)


def test_a_writer_waits_for_another_one(catalog: Catalog) -> None:
    """Two threads that write at once both succeed, one after the other."""
    in_transaction = threading.Event()
    order = []

    def write_first() -> None:
        with catalog.begin() as connection:
            in_transaction.set()
            time.sleep(0.2)
            queries.bucket_id(connection, "s3://first")
            order.append("first")

    thread = threading.Thread(target=write_first)
    thread.start()
    in_transaction.wait()
    with catalog.begin() as connection:
        order.append("second")
        assert queries.find_bucket(connection, "s3://first") is not None
    thread.join()
    assert order == ["first", "second"]


def test_a_reader_sees_one_moment_while_others_write(catalog: Catalog) -> None:
    """A reader's second query shows what its first one did, whatever was committed in between."""
    with catalog.read() as reader:
        assert queries.find_bucket(reader, BUCKET_B) is None
        with catalog.begin() as writer:
            queries.bucket_id(writer, BUCKET_B)
        assert queries.find_bucket(reader, BUCKET_B) is None


def test_reading_only_refuses_to_write(catalog_url: str) -> None:
    """A catalog opened for reading only has no write transaction, and the database itself refuses a write too."""
    with open_catalog(catalog_url, read_only=True) as catalog:
        with pytest.raises(CatalogError, match="for reading only"), catalog.begin():
            pass
        with pytest.raises(CatalogError, match=r"cannot be (read or )?written"), catalog.read() as connection:
            queries.bucket_id(connection, BUCKET_B)


def test_a_catalog_in_a_folder_that_cannot_be_written_is_readable(unwritable: Path) -> None:
    """Reading only works where neither the file nor its folder may be written."""
    with open_catalog(f"sqlite:///{unwritable}", read_only=True) as catalog, catalog.read() as connection:
        assert queries.share(connection) is None


def test_a_catalog_that_cannot_be_written_says_where_to_put_it(unwritable: Path) -> None:
    """Opening for writing where nothing may be written names the setting to change."""
    with (
        pytest.raises(CatalogError, match="OOMIRROR_CATALOG"),
        open_catalog(f"sqlite:///{unwritable}") as catalog,
        catalog.begin() as connection,
    ):
        queries.bucket_id(connection, BUCKET_B)


def test_a_catalog_cannot_be_made_where_nothing_may_be_written(unwritable: Path) -> None:
    """A folder that cannot be made is an error with the place in it, not a traceback of the system's."""
    with pytest.raises(CatalogError, match=r"cannot make the catalog.*Permission denied"):
        open_catalog(f"sqlite:///{unwritable.parent}/new/catalog.db")


def test_a_folder_is_no_catalog(tmp_path: Path) -> None:
    """A URL that names a folder is refused as wrong usage."""
    (tmp_path / "catalog.db").mkdir()
    with pytest.raises(CatalogUrlError):
        open_catalog(url_in(tmp_path))


@pytest.mark.parametrize(
    "url",
    ["nosuchdb://lab:s3cret@db/x", "mysql+nosuchdriver://lab:s3cret@db/x", "postgresql+asyncpg://lab:s3cret@db/x"],
)
def test_an_unknown_database_is_wrong_usage_and_hides_the_password(url: str) -> None:
    """A database that SQLAlchemy does not know is refused with exit code 2, without the password."""
    with pytest.raises(CatalogUrlError) as caught:
        open_catalog(url)
    assert "s3cret" not in str(caught.value)


def test_a_row_that_does_not_fit_is_refused_in_our_words(catalog: Catalog) -> None:
    """A violated constraint is our error, with the database's words as what was found."""
    with pytest.raises(CatalogError, match=r"(?i)refused a row.*foreign key"), catalog.begin() as connection:
        queries.put_documents(connection, [(99, "k", b"e", b"b", None)])


def test_odd_characters_in_the_path_are_part_of_the_path(tmp_path: Path) -> None:
    """A folder named with ?, % or # is that folder, and not a parameter of the URL."""
    with open_catalog(url_in(tmp_path / "50%25 #1 ünï")):
        assert (tmp_path / "50%25 #1 ünï" / "catalog.db").is_file()


def test_an_engine_connects_to_nothing_until_it_is_used(tmp_path: Path) -> None:
    """Making an engine makes no file."""
    make_engine(url_in(tmp_path), busy_seconds=1).dispose()
    assert list(tmp_path.iterdir()) == []

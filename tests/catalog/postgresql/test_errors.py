"""What is said when a PostgreSQL server does not do what is asked."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from catalog import queries
from catalog.errors import CatalogError, CatalogLockedError, CatalogMissingError, CatalogUrlError, NoRoomError
from catalog.postgresql.errors import error_of
from catalog.session import Catalog, open_catalog
from tests.catalog.builders import BUCKET_B, run_sql
from tests.postgres import PostgresServer, run_postgres

ROOT = str(Path(queries.__file__).parents[2])


@pytest.fixture(scope="module")
def strict() -> Iterator[PostgresServer]:
    """A server that asks the user `lab` for a password and lets the user `stranger` in from nowhere."""
    with run_postgres() as server:
        for name, password in (("lab", "s3cret"), ("stranger", "x"), ("postgres_too", "x")):
            server.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        server.execute("CREATE DATABASE oomirror OWNER lab")
        server.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 OWNER lab")
        server.execute("CREATE DATABASE others")
        server.execute("CREATE DATABASE closed")
        server.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
        rules = ("local all lab scram-sha-256", "local all postgres_too trust", "local all postgres trust")
        (server.folder / "data" / "pg_hba.conf").write_text("\n".join(rules) + "\n")
        server.execute("SELECT pg_reload_conf()")
        server.execute("SELECT pg_sleep(0.2)")
        yield server


@pytest.mark.parametrize(
    ("user", "database", "words"),
    [
        pytest.param("lab:wr0ng", "oomirror", "does not let that user in.*password", id="wrong password"),
        pytest.param("lab", "oomirror", "does not let that user in.*password", id="no password"),
        pytest.param("stranger:x", "oomirror", "does not let that user in from here.*pg_hba", id="not allowed"),
        pytest.param("lab:s3cret", "nothing", "does not exist.*CREATE DATABASE", id="no database"),
        pytest.param("postgres_too", "closed", "may not connect.*GRANT CONNECT", id="may not connect"),
        pytest.param("postgres_too", "others", "may not do this.*GRANT USAGE, CREATE", id="may not make tables"),
        pytest.param("lab:s3cret", "latin", "expected the encoding UTF8, found LATIN1.*CREATE DATABASE", id="encoding"),
    ],
)
def test_a_server_that_refuses_is_said_with_what_to_do(
    strict: PostgresServer, user: str, database: str, words: str
) -> None:
    """Each refusal is a sentence with a hint, and no password is in it."""
    with pytest.raises(CatalogError, match=words) as caught:
        open_catalog(strict.url(database, user=user))
    assert caught.value.exit_code == 1
    assert "s3cret" not in str(caught.value)
    assert "wr0ng" not in str(caught.value)


def test_a_server_whose_disk_is_full_has_no_room() -> None:
    """It is the error of a full disk, as of a catalog that is a file."""
    assert isinstance(error_of(psycopg.errors.DiskFull(), "postgresql://db/x"), NoRoomError)


def test_the_right_password_opens(strict: PostgresServer) -> None:
    """An owner of an empty database needs no other right."""
    with open_catalog(strict.url("oomirror", user="lab:s3cret")) as catalog, catalog.read() as connection:
        assert queries.share(connection) is None
    assert "s3cret" not in repr(catalog)


def test_who_may_only_read_can_look(strict: PostgresServer) -> None:
    """USAGE and SELECT are enough to read; a write is refused with the right that it lacks."""
    database = "looked_at"
    strict.execute(f"CREATE DATABASE {database} OWNER lab")
    open_catalog(strict.url(database, user="lab:s3cret")).close()
    strict.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO postgres_too", database=database)
    with open_catalog(strict.url(database, user="postgres_too"), read_only=True) as catalog, catalog.read() as reader:
        assert queries.share(reader) is None
    with (
        open_catalog(strict.url(database, user="postgres_too")) as catalog,
        pytest.raises(CatalogError, match="the user may not do this"),
        catalog.begin() as writer,
    ):
        queries.bucket_id(writer, BUCKET_B)


def test_a_database_without_tables_is_missing_when_none_are_to_be_made(postgres: PostgresServer) -> None:
    """For reading only, an empty database is an error that says how to fill it."""
    with pytest.raises(CatalogMissingError, match="oomirror init"):
        open_catalog(postgres.make_database(), read_only=True)


@pytest.mark.parametrize(
    "place",
    ["127.0.0.1:1/x", "nosuchhost.invalid/x", "/x?host=/nosuch"],
    ids=["nobody listens", "no such host", "no such socket"],
)
def test_a_server_that_is_not_there_is_said(place: str) -> None:
    """Nobody there is said at once, without a traceback."""
    with pytest.raises(CatalogError, match=r"server cannot be reached.*host and port") as caught:
        open_catalog(f"postgresql://lab:s3cret@{place}")
    assert "s3cret" not in str(caught.value)


def test_a_server_that_is_silent_is_not_waited_for_long() -> None:
    """A host that takes the connection and says nothing is given up after the time-out of the URL, else 10 s."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(CatalogError, match=r"cannot be reached.*timeout"):
            open_catalog(f"postgresql://lab@127.0.0.1:{port}/x?connect_timeout=2")


def test_a_wrong_parameter_is_wrong_usage(postgres: PostgresServer) -> None:
    """What follows the `?` is checked by the driver, and is the user's to mend."""
    with pytest.raises(CatalogUrlError, match="wrong parameter") as caught:
        open_catalog(f"{postgres.url('x')}&nosuch=1")
    assert caught.value.exit_code == 2


def test_without_the_driver_the_extra_is_named(postgres_url: str) -> None:
    """A machine without psycopg is told what to install, with exit code 2."""
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from catalog.errors import CatalogUrlError\nfrom catalog.session import Catalog, open_catalog\n"
        "try: open_catalog(sys.argv[1])\nexcept CatalogUrlError as error: print(error.exit_code, error)"
    )
    command = [sys.executable, "-c", code, postgres_url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.startswith("2 the driver for PostgreSQL is not installed")
    assert 'pip install "oomirror[postgres]"' in done.stdout


def test_a_server_that_stops_in_a_transaction_is_said(postgres_url: str) -> None:
    """A connection that breaks half way leaves nothing, and the next transaction makes another one."""
    with open_catalog(postgres_url) as catalog:
        with pytest.raises(CatalogError, match="connection to the catalog's server broke"):
            _write_while_it_stops(catalog, postgres_url)
        with catalog.begin() as writer:
            assert queries.find_bucket(writer, BUCKET_B) is None


def _write_while_it_stops(catalog: Catalog, url: str) -> None:
    with catalog.begin() as writer:
        queries.bucket_id(writer, BUCKET_B)
        run_sql(url, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        queries.bucket_id(writer, "s3://other")


def test_another_programs_lock_is_waited_for_and_said(postgres_url: str) -> None:
    """A reader waits for a table that someone keeps as long as the busy time-out says, and no longer."""
    import psycopg

    with open_catalog(postgres_url, busy_seconds=0.1) as catalog, psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE share IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(CatalogLockedError), catalog.read() as connection:
            queries.share(connection)

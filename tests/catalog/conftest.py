"""A catalog of its own for each test, made by the migrations, on each database that can hold one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.session import Catalog, open_catalog
from tests.catalog.builders import BUCKET_B, url_in
from tests.postgres import PostgresServer


@pytest.fixture(scope="session")
def blank_database(postgres: PostgresServer) -> str:
    """Return the name of a database at head without rows, to be copied."""
    url = postgres.make_database()
    open_catalog(url).close()
    return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def sqlite_url(tmp_path: Path, blank_catalog: Path) -> str:
    """Return the URL of a SQLite catalog at head without rows: for what is true of files alone."""
    (tmp_path / "catalog.db").write_bytes(blank_catalog.read_bytes())
    return url_in(tmp_path)


@pytest.fixture
def postgres_url(postgres: PostgresServer, blank_database: str) -> str:
    """Return the URL of a PostgreSQL catalog at head without rows: for what is true of servers alone."""
    return postgres.make_database(blank_database)


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a catalog at head without rows, on each database in turn."""
    return str(request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]))


@pytest.fixture(params=["sqlite", "postgresql"])
def make_empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Return what names a place where no catalog is yet, on each database in turn."""
    if request.param == "sqlite":
        return lambda: url_in(tmp_path)
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.make_database


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    """Yield an open catalog without rows."""
    with open_catalog(catalog_url) as opened:
        yield opened


@pytest.fixture
def connection(catalog: Catalog) -> Iterator[Connection]:
    """Yield a connection in a write transaction."""
    with catalog.begin() as opened:
        yield opened


@pytest.fixture
def bucket(connection: Connection) -> int:
    """Return the id of bucket B."""
    return queries.bucket_id(connection, BUCKET_B)

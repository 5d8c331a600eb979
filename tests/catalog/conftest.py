"""A catalog of its own for each test, made by the migrations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from catalog import queries
from catalog.session import Catalog, open_catalog
from tests.catalog.builders import BUCKET_B, url_in


@pytest.fixture(scope="session")
def blank_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a catalog at head without rows, to be copied: running the migrations takes half a second."""
    folder = tmp_path_factory.mktemp("blank")
    open_catalog(url_in(folder)).close()
    return folder / "catalog.db"


@pytest.fixture
def catalog_url(tmp_path: Path, blank_catalog: Path) -> str:
    """Return the URL of a catalog at head without rows."""
    (tmp_path / "catalog.db").write_bytes(blank_catalog.read_bytes())
    return url_in(tmp_path)


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

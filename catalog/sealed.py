"""A published catalog as its readers open it: one file that nobody writes, and that may lie on a network share."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import URL, Column, Connection, Engine, MetaData, Table, Text, create_engine, inspect, select
from sqlalchemy.exc import DBAPIError

from catalog import migrate
from catalog.config import sqlite_url
from catalog.engine import translated
from catalog.errors import CatalogDamagedError, CatalogError, CatalogMissingError, CatalogNewerError
from catalog.records import Seal
from catalog.session import Catalog
from catalog.tables import UtcText

sealed_metadata = MetaData()
"""Of what only a published catalog has; no migration knows it."""

seal = Table(
    "seal",
    sealed_metadata,
    Column("published_at", UtcText, nullable=False),
    Column("host", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("origin", Text, nullable=False),
)

_HINT: Final = "The next run on the machine that mirrors publishes it anew."
_PRAGMAS: Final = (
    # Others can write the file: nothing that its schema calls may do more than read.
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA cache_size=-32768",
)


@dataclass(frozen=True, slots=True)
class SealedCatalog(Catalog):
    """An open published catalog: without block rows, read-only, as it was when it was sealed.

    A file that is replaced meanwhile is not noticed: each connection reads the one that it opened.
    """

    seal: Seal

    @property
    def is_published(self) -> bool:
        """True: it has no rows of blocks, and of the other objects only the documents'."""
        return True

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees the catalog as it was sealed.

        Raises
        ------
        CatalogError
            The file is damaged, or its share cannot be read any more.
        """
        with _advised(self.url), Catalog.read(self) as connection:
            yield connection


def open_sealed(file: Path, *, migrations: migrate.Migrations = migrate.OURS) -> SealedCatalog:
    """Return the published catalog in `file`; nothing is written, not even beside it.

    Raises
    ------
    CatalogMissingError
        There is none.
    CatalogNewerError
        It was published by a newer oomirror.
    CatalogDamagedError, CatalogError
        It cannot be read, is no published catalog, or was published by an older oomirror.
    """
    if not os.path.isfile(file):  # Path's raises on a stale handle.
        raise CatalogMissingError("there is no published catalog", str(file))
    engine = _make_engine(file)
    try:
        with _advised(str(file)), translated(str(file)), engine.connect() as connection:
            found = _check(connection, file, migrations)
    except BaseException:
        engine.dispose()
        raise
    return SealedCatalog(sqlite_url(file), engine, is_read_only=True, seal=found)


def is_sealed(connection: Connection) -> bool:
    """Return whether the database is a published catalog, however it was opened."""
    return inspect(connection).has_table(seal.name)


def _make_engine(file: Path) -> Engine:
    def open_file() -> sqlite3.Connection:
        # Immutable: no locks and no files beside it, which network shares and read-only ones do not bear.
        uri = f"file:{quote(str(file))}?immutable=1"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    return create_engine(URL.create("sqlite", database=str(file)), creator=open_file)


def _check(connection: Connection, file: Path, migrations: migrate.Migrations) -> Seal:
    found = migrate.revision(connection)
    try:
        migrate.check_revision(connection, found, migrations)
    except CatalogNewerError as error:
        hint = "Upgrade oomirror on this machine."
        raise CatalogNewerError(
            "the published catalog was written by a newer oomirror",
            str(file),
            expected=error.expected,
            found=error.found,
            hint=hint,
        ) from error
    if found != migrations.head:
        raise CatalogError(
            "the published catalog was written by an older oomirror",
            str(file),
            expected=f"revision {migrations.head}",
            found=str(found),
            hint="Upgrade oomirror on the machine that mirrors: its next run publishes a newer one.",
        )
    row = connection.execute(select(seal)).mappings().first()
    if row is None:
        raise CatalogDamagedError("the published catalog is damaged", str(file), found="no seal", hint=_HINT)
    return Seal(**row)


@contextmanager
def _advised(shown: str) -> Iterator[None]:
    """Give the database's errors the hint that is of use to a reader."""
    try:
        yield
    except UnicodeDecodeError as error:  # The driver's own, where damaged bytes are in its message.
        raise CatalogDamagedError("the catalog is damaged, the published one", shown, hint=_HINT) from error
    except CatalogError as error:
        if not isinstance(error.__cause__, (DBAPIError, sqlite3.Error)):
            raise
        kind = type(error)
        raise kind(f"{error.what}, the published one", error.thing, found=error.found, hint=_HINT) from error.__cause__

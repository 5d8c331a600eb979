"""How connections are made, and the one place where a database's errors become ours."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from catalog import postgresql, sqlite
from catalog.config import catalog_file, shown_url
from catalog.errors import CatalogError, CatalogUrlError

WRITES: Final = "oomirror_writes"
"""Execution option of a connection whose transactions write."""


def make_engine(url: str, *, busy_seconds: float, read_only: bool = False, foreign_keys: bool = True) -> Engine:
    """Return an engine for a URL that `check_url` returned; connects to nothing yet.

    Parameters
    ----------
    busy_seconds
        How long a statement waits for another process's transaction.
    read_only, foreign_keys
        Of a SQLite file; PostgreSQL refuses writes in each transaction that only reads, and always checks keys.

    Raises
    ------
    CatalogUrlError
        SQLAlchemy does not understand the URL, or the driver of its database is not installed.
    """
    file = catalog_file(url)
    try:
        engine = (
            postgresql.make_engine(url, busy_seconds=busy_seconds)
            if file is None
            else sqlite.make_engine(
                url, file, busy_seconds=busy_seconds, read_only=read_only, foreign_keys=foreign_keys
            )
        )
    except (ArgumentError, NoSuchModuleError) as error:
        raise CatalogUrlError("not the URL of a catalog", shown_url(url), found=str(error)) from error
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Raise the database's errors of the body as ours; errors of the body itself pass untouched.

    Parameters
    ----------
    shown
        The catalog's URL without its password.
    """
    try:
        yield
    except DBAPIError as error:
        raise _catalog_error(error, error.orig or error, shown) from error
    except _driver_errors() as error:
        raise _catalog_error(error, error, shown) from error


def _begin(connection: Connection) -> None:
    writes = bool(connection.get_execution_options().get(WRITES, False))
    begin = sqlite.begin if connection.dialect.name == "sqlite" else postgresql.begin
    begin(connection, writes=writes)


def _driver_errors() -> tuple[type[Exception], ...]:
    psycopg = sys.modules.get("psycopg")
    return (sqlite3.Error,) if psycopg is None else (sqlite3.Error, psycopg.Error)


def _catalog_error(error: Exception, cause: BaseException, shown: str) -> CatalogError:
    error_of = sqlite.error_of if isinstance(cause, sqlite3.Error) else postgresql.error_of
    known = error_of(cause, shown)
    if known is not None:
        return known
    words = str(cause).strip()
    if isinstance(error, (IntegrityError, sqlite3.IntegrityError)):
        return CatalogError("the catalog refused a row", shown, found=words)
    return CatalogError("the catalog's database failed", shown, found=words)

"""One query of the user's own, which can do nothing but read, whatever it says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection

from catalog.errors import QueryError
from catalog.tables import SEARCH_INDEX

if TYPE_CHECKING:
    import psycopg

TIMEOUT_SECONDS = 300
"""After so long a server ends the query; it serves others, too. A file of one's own is read until Ctrl-C."""

_STEPS_BETWEEN_LOOKS = 10_000
"""Of SQLite's machine, between two looks whether somebody still waits: a tenth of a millisecond."""
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_PRAGMA_TABLES = ("table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list")
# FTS5 asks for the last one, to search.
_PRAGMAS = frozenset({*_PRAGMA_TABLES, "data_version"})
"""Those that only tell, with or without an argument; all others are refused, for many write when they are given one."""
_FUNCTIONS_REFUSED = frozenset({"load_extension", "fts3_tokenizer"})
_READS_ONLY = "Only one query that reads can be run, such as SELECT or WITH ... SELECT."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave: numbers, texts, None; bytes as hex."""

    columns: tuple[str, ...]
    """Names as the query gives them; two may be equal."""
    rows: tuple[tuple[object, ...], ...]
    has_more: bool
    """Whether there were more rows than the limit."""


def run_query(connection: Connection, sql: str, *, limit: int) -> Answer:
    """Return the first rows of one query. Nothing is written, whatever it says. Ctrl-C ends it.

    Raises
    ------
    QueryError
        It is no query, or more than one, or would do more than read.
    """
    if not sql.strip().strip(";"):
        raise QueryError("there is no query", hint=_READS_ONLY)
    run = _run_sqlite if connection.dialect.name == "sqlite" else _run_postgresql
    columns, rows = run(connection, sql, limit + 1)
    shown = tuple(tuple(map(_shown, row)) for row in rows[:limit])
    return Answer(columns, shown, has_more=len(rows) > limit)


def _shown(value: object) -> object:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _run_sqlite(connection: Connection, sql: str, n_rows: int) -> tuple[tuple[str, ...], list[Any]]:
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)

    def read() -> tuple[tuple[str, ...], list[Any]]:
        cursor = driver.execute(sql)
        if cursor.description is None:
            raise QueryError("the statement gives no rows", sql, hint=_READS_ONLY)
        return tuple(column[0] for column in cursor.description), cursor.fetchmany(n_rows)

    given_up = Event()
    try:
        with _reading_only(driver, given_up), ThreadPoolExecutor(1, "oomirror-sql") as pool:
            answer = pool.submit(read)
            try:
                return answer.result()
            except BaseException:
                # SQLite looks for no signals; this thread does, while it waits. Not `interrupt`: it is lost where the
                # statement has not begun yet.
                given_up.set()
                raise
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _sqlite_error(error, sql) from error


@contextmanager
def _reading_only(driver: sqlite3.Connection, given_up: Event) -> Iterator[None]:
    """Let the connection, which is opened read-only, compile nothing but reads: not even ATTACH or VACUUM INTO.

    Parameters
    ----------
    given_up
        Once set, what the connection runs ends with an error.
    """
    driver.execute("PRAGMA query_only=ON")
    driver.execute("PRAGMA trusted_schema=OFF")
    _connect_virtual_tables(driver)
    driver.set_authorizer(_authorize)
    driver.set_progress_handler(given_up.is_set, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
        # SQLAlchemy's ROLLBACK comes after us.
        driver.set_authorizer(None)


def _connect_virtual_tables(driver: sqlite3.Connection) -> None:
    """Open the tables that are programs: to SQLite their first use is a CREATE TABLE, which is refused later."""
    found = driver.execute("SELECT name FROM sqlite_master WHERE name = ?", (SEARCH_INDEX,)).fetchall()
    tables = [*found, ("json_each('[]')",), ("json_tree('[]')",), *((f"pragma_{name}",) for name in _PRAGMA_TABLES)]
    for (name,) in tables:
        driver.execute(f"SELECT 1 FROM {name} LIMIT 0")  # noqa: S608 - names of ours


def _authorize(action: int, first: str | None, second: str | None, _database: str | None, _by: str | None) -> int:
    is_allowed = (
        action in _READS
        or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FUNCTIONS_REFUSED)
        or (action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _PRAGMAS)
    )
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY


def _sqlite_error(error: Exception, sql: str) -> Exception:
    """Return the error as one of the query, where it is, or as it came."""
    words = str(error).rstrip(".")
    code = int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
    if code in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY) or "not authorized" in words:
        return QueryError("the query would do more than read", sql, found=words, hint=_READS_ONLY)
    if "one statement" in words:
        return QueryError("that is more than one query", sql, hint=_READS_ONLY)
    if code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE):
        hint = "`oomirror catalog sql --tables` lists tables and columns."
        return QueryError("cannot run the query", sql, found=words, hint=hint)
    return error


def _run_postgresql(connection: Connection, sql: str, n_rows: int) -> tuple[tuple[str, ...], list[Any]]:
    import psycopg

    connection.exec_driver_sql("SET TRANSACTION READ ONLY")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{TIMEOUT_SECONDS}s'")
    driver = cast("psycopg.Connection[tuple[Any, ...]]", connection.connection.driver_connection)
    try:
        # A cursor on the server takes one query that reads, and sends no more rows than are asked for.
        with driver.cursor(name="oomirror_sql") as cursor:
            cursor.execute(sql.encode())
            columns = tuple(column.name for column in cursor.description or ())
            return columns, cursor.fetchmany(n_rows)
    except psycopg.errors.QueryCanceled as error:
        raise QueryError("the query took too long", sql, expected=f"{TIMEOUT_SECONDS} s or less") from error
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError, psycopg.InternalError) as error:
        words = str(error).partition("\n")[0]
        raise QueryError("cannot run the query", sql, found=words, hint=_READS_ONLY) from error

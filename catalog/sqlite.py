"""SQLite: how its connections are made, how its transactions begin, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine

from catalog.errors import CatalogDamagedError, CatalogError, CatalogLockedError, NoRoomError

PLACE_HINT: Final = (
    "Name a place on a local disk that you may write in OOMIRROR_CATALOG or as `catalog` in oomirror.toml."
)
_DAMAGED_HINT: Final = (
    "Move the file and its -wal and -shm aside, then put its newest .bak back, or run `oomirror adopt`, "
    "which makes the state anew from what lies on the share."
)
_LOCKED_HINT: Final = "Wait until the other oomirror has finished, then run this again."

_WRITER_PRAGMAS: Final = (
    # FULL: in WAL mode NORMAL can lose the last commits at a power cut, and a row stands for a file that is there.
    "PRAGMA synchronous=FULL",
    # Else the log keeps the size of its largest transaction for ever.
    "PRAGMA journal_size_limit=67108864",
)


def make_engine(
    url: str, file: Path, *, busy_seconds: float, read_only: bool = False, foreign_keys: bool = True
) -> Engine:
    """Return an engine for the catalog in `file`; connects to nothing yet."""
    return create_engine(url, creator=_opener(file, busy_seconds, read_only=read_only, foreign_keys=foreign_keys))


def begin(connection: Connection, *, writes: bool) -> None:
    """Begin a transaction; one that writes is the only one of its kind from here on."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def error_of(cause: BaseException, shown: str) -> CatalogError | None:
    """Return what an error of the driver means, or None if nothing more than its words.

    Parameters
    ----------
    shown
        The catalog's URL without its password.
    """
    words = str(cause).strip()
    match _code(cause):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return CatalogLockedError("the catalog is locked by another process", shown, hint=_LOCKED_HINT)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return CatalogDamagedError("the catalog is damaged", shown, found=words, hint=_DAMAGED_HINT)
        case sqlite3.SQLITE_FULL:
            return NoRoomError("no room left for the catalog", shown, hint="Free some room on its disk.")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_IOERR:
            return CatalogError("the catalog cannot be read or written", shown, found=words, hint=PLACE_HINT)
    return None


def _opener(
    file: Path, busy_seconds: float, *, read_only: bool, foreign_keys: bool
) -> Callable[[], sqlite3.Connection]:
    def open_file() -> sqlite3.Connection:
        connection = sqlite3.connect(
            _file_uri(file, read_only=read_only),
            uri=True,
            timeout=busy_seconds,
            # The driver's own BEGIN comes late and not before DDL; ours is in _begin_sqlite.
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA cache_size=-32768")
            if not read_only:
                _prepare_to_write(connection, busy_seconds, foreign_keys=foreign_keys)
        except BaseException:
            connection.close()
            raise
        return connection

    return open_file


def _file_uri(file: Path, *, read_only: bool) -> str:
    uri = f"file:{quote(str(file))}"
    if not read_only:
        return f"{uri}?mode=rwc"
    has_log = file.with_name(f"{file.name}-wal").exists()
    # Even to read, a write-ahead log needs its -shm beside it; where nobody can make one, nothing changes either.
    return f"{uri}?mode=ro" if has_log or _is_writable(file.parent) else f"{uri}?immutable=1"


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _prepare_to_write(connection: sqlite3.Connection, busy_seconds: float, *, foreign_keys: bool) -> None:
    _use_write_ahead_log(connection, busy_seconds)
    connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
    for pragma in _WRITER_PRAGMAS:
        connection.execute(pragma)


def _use_write_ahead_log(connection: sqlite3.Connection, busy_seconds: float) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    deadline = time.monotonic() + busy_seconds
    is_set = False
    while not is_set:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            is_set = True
        except sqlite3.OperationalError as error:
            # SQLite does not wait here by itself when two processes make the same file.
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _code(error: BaseException) -> int:
    """Return SQLite's primary result code; the upper bits say only in which part it happened."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF

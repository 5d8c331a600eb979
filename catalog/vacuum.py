"""The catalog without what nobody needs any more, and its file as small as its rows."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection

from catalog import queries
from catalog.engine import translated
from catalog.errors import CatalogLockedError, NoRoomError
from catalog.records import RunRecord, RunState
from catalog.sizes import used_bytes

if TYPE_CHECKING:
    from catalog.session import Catalog

_TEMPORARY_FOLDERS: Final = ("/var/tmp", "/usr/tmp", "/tmp")  # noqa: S108  where SQLite looks, in this order
_SPARE_BYTES: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Dropped:
    """What nobody needed any more."""

    snapshots: int
    shards: int


def check_idle(connection: Connection, host: str) -> None:
    """Raise if a run of this machine goes on: it would wait longer for a SQLite catalog than it may.

    Parameters
    ----------
    host
        Runs of other machines are not asked for: a catalog on SQLite is on a local disk.

    Raises
    ------
    CatalogLockedError
        One does.
    """
    going_on = [one for one in queries.runs(connection, 1_000) if one.state is RunState.RUNNING and one.host == host]
    if going_on:
        raise CatalogLockedError(
            "a run goes on, and would have to wait too long",
            _spelled(going_on[0]),
            hint="Wait until it has finished, then run this again.",
        )


def drop_left_overs(catalog: Catalog) -> Dropped:
    """Drop snapshots that runs which are over left unfinished, and shards that no snapshot has, in short transactions.

    Raises
    ------
    CatalogError
        The catalog is locked, or cannot be written.
    """
    with catalog.begin() as connection:
        n_snapshots = queries.drop_left_over_snapshots(connection)
        left = shards = queries.unlinked_shards(connection)
    while left:
        with catalog.begin() as connection:
            left = queries.drop_shards(connection, left)
    return Dropped(n_snapshots, len(shards))


def vacuum(catalog: Catalog, file: Path | None, *, free_bytes: Callable[[Path], int] | None = None) -> None:
    """Write the database anew without gaps, and let it count its rows, so that it knows how to find them.

    A process that is killed in the middle leaves the old file. On SQLite others may read meanwhile, and not write; on
    PostgreSQL they may do both.

    Parameters
    ----------
    file
        Of a SQLite catalog.
    free_bytes
        Tells how many bytes are free on the disk of a folder.

    Raises
    ------
    NoRoomError
        The copies that SQLite makes would not fit; nothing was done.
    CatalogLockedError
        Another process writes.
    """
    if file is None:
        with translated(catalog.url), catalog.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM (ANALYZE)")
        return
    with catalog.read() as connection:
        _check_room(file, used_bytes(connection), free_bytes or _free_bytes)
    # Not in a transaction, which our connections would begin.
    with translated(catalog.url), closing(catalog.engine.raw_connection()) as raw:
        for statement in ("VACUUM", "ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"):
            raw.cursor().execute(statement).fetchall()


def _check_room(file: Path, used: int, free_bytes: Callable[[Path], int]) -> None:
    """Raise unless there is room for a temporary copy, and for the write-ahead log that takes its pages."""
    needed: dict[int, tuple[Path, int]] = {}
    for folder in (file.parent, temporary_folder()):
        device = folder.stat().st_dev
        needed[device] = (folder, needed.get(device, (folder, 0))[1] + used + _SPARE_BYTES)
    for folder, n_bytes in needed.values():
        free = free_bytes(folder)
        if free < n_bytes:
            raise NoRoomError(
                "no room to write the catalog anew",
                str(folder),
                expected=f"{n_bytes:,} bytes free",
                found=f"{free:,}",
                hint="Free some room there; another folder for temporary files can be named in SQLITE_TMPDIR.",
            )


def temporary_folder() -> Path:
    """Return the folder in which SQLite puts its temporary files."""
    named = [os.environ[name] for name in ("SQLITE_TMPDIR", "TMPDIR") if os.environ.get(name)]
    for name in (*named, *_TEMPORARY_FOLDERS):
        if Path(name).is_dir() and os.access(name, os.W_OK | os.X_OK):
            return Path(name)
    return Path.cwd()


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _spelled(run: RunRecord) -> str:
    return f"{run.kind} of {', '.join(run.datasets)}, process {run.pid} on {run.host}"

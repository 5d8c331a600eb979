"""Which revision a catalog is at, and how it comes to the newest one. Alembic is imported only to move it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect

from catalog.errors import CatalogError, CatalogNewerError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Migrations:
    """The revisions that a version of oomirror knows, oldest first, and where their programs lie."""

    revisions: tuple[str, ...]
    folder: Path

    @property
    def head(self) -> str:
        """The newest revision."""
        return self.revisions[-1]


def _scripts_folder() -> Path:
    here = Path(__file__).resolve().parent
    packaged = here / "_alembic"
    return packaged if packaged.is_dir() else here.parent / "alembic"


OURS = Migrations(("0001", "0002", "0003", "0004", "0005"), _scripts_folder())
"""Listed here so that a start on a current catalog need not import alembic; inside an installed package the folder is
`_alembic` beside this file, else the checkout's `alembic/`."""

BACKUP_LIMIT_BYTES = 100_000_000
"""Larger files are not copied before a migration: its one transaction leaves the old or the new."""


def revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, or None if it is empty.

    Raises
    ------
    CatalogError
        The database holds tables and none of them says a revision: it is not a catalog.
    """
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if tables:
            raise _not_a_catalog(connection, f"tables without a revision: {', '.join(sorted(tables)[:3])}")
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def check_revision(connection: Connection, found: str | None, migrations: Migrations = OURS) -> None:
    """Raise unless `found` is a revision that this version knows, or None.

    Raises
    ------
    CatalogNewerError
        It is one of a newer oomirror.
    CatalogError
        It is one of another program.
    """
    if found is None or found in migrations.revisions:
        return
    if not (found.isdigit() and found > migrations.head):
        raise _not_a_catalog(connection, f"the revision {found!r} of another program")
    raise CatalogNewerError(
        "the catalog was written by a newer oomirror",
        connection.engine.url.render_as_string(),
        expected=f"revision {migrations.head} or older",
        found=found,
        hint="Upgrade oomirror on this machine, or name another catalog in OOMIRROR_CATALOG.",
    )


def upgrade(connection: Connection, target: str = "head", *, migrations: Migrations = OURS) -> None:
    """Bring the database to `target`, inside the transaction that the caller began and commits."""
    from alembic import command

    command.upgrade(config(connection, migrations), target)


def downgrade(connection: Connection, target: str, *, migrations: Migrations = OURS) -> None:
    """Bring the database back to `target`, inside the transaction that the caller began and commits."""
    from alembic import command

    command.downgrade(config(connection, migrations), target)


def drift(connection: Connection) -> list[Any]:
    """Return what alembic would change to make the database fit `catalog.tables`; empty if nothing."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from catalog.tables import is_compared, metadata

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_compared})
    return list(compare_metadata(context, metadata))


def config(connection: Connection | None = None, migrations: Migrations = OURS) -> Config:
    """Return alembic's configuration; needs no alembic.ini, so that it works from a wheel."""
    from alembic.config import Config

    result = Config()
    result.set_main_option("script_location", str(migrations.folder).replace("%", "%%"))
    result.set_main_option("path_separator", "os")
    result.attributes["connection"] = connection
    return result


def back_up(file: Path, found: str) -> Path | None:
    """Copy a small SQLite catalog to `<name>.<revision>.bak` beside it, or return None if it is too large.

    The copy is taken through SQLite, so that what lies in the write-ahead log is in it, and renamed into place.
    """
    if file.stat().st_size >= BACKUP_LIMIT_BYTES:
        return None
    target = file.with_name(f"{file.name}.{found}.bak")
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(partial)) as copy:
        source.backup(copy)
    partial.replace(target)
    return target


def _not_a_catalog(connection: Connection, found: str) -> CatalogError:
    return CatalogError(
        "not a catalog of oomirror",
        connection.engine.url.render_as_string(),
        found=found,
        hint="Name a database of its own in OOMIRROR_CATALOG; one that does not exist is made.",
    )

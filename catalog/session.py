"""How a catalog is opened: made, upgraded or refused; and its transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from catalog import migrate
from catalog.config import BUSY_SECONDS, catalog_file, check_url, is_sqlite, shown_url
from catalog.engine import WRITES, make_engine, translated
from catalog.errors import CatalogDamagedError, CatalogError, CatalogMissingError, CatalogUrlError
from catalog.sqlite import PLACE_HINT

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


@dataclass(frozen=True, slots=True)
class Catalog:
    """An open catalog. May be shared by threads; each `begin` and `read` has a connection of its own."""

    url: str
    """As it may be printed: without its password."""
    engine: Engine
    is_read_only: bool

    @property
    def is_published(self) -> bool:
        """Whether it is a published copy, which has no rows of blocks."""
        return False

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Yield a connection in one write transaction: committed at the end, rolled back if the body raises.

        It is the only writer from the start, on SQLite by BEGIN IMMEDIATE and on PostgreSQL by a lock that all writers
        take, so that two of them cannot stop each other half way; readers go on.

        Raises
        ------
        CatalogLockedError
            Another writer kept the catalog for longer than the busy time-out.
        CatalogError
            The catalog was opened read-only, is damaged, has no room, or refused a row.
        """
        if self.is_read_only:
            raise CatalogError("the catalog was opened for reading only", self.url)
        writing = {WRITES: True}
        with (
            translated(self.url),
            self.engine.connect().execution_options(**writing) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees the catalog as it is at its first query, whatever others write meanwhile.

        Nothing that is written here is kept; PostgreSQL refuses it.

        Raises
        ------
        CatalogError
            The catalog is damaged or cannot be reached.
        """
        with translated(self.url), self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections. Calling it again does nothing."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_catalog(
    url: str,
    *,
    create: bool = True,
    read_only: bool = False,
    busy_seconds: float = BUSY_SECONDS,
    migrations: migrate.Migrations = migrate.OURS,
) -> Catalog:
    """Return the catalog at `url`, made if it is not there, upgraded if it is older than this version.

    Parameters
    ----------
    create
        Make the catalog, and the folder of its file, where there is none. A database on a server must be there.
    read_only
        Write nothing, not even an upgrade; works on a file and in a folder that may not be written.
    busy_seconds
        How long to wait for another process's transaction.

    Raises
    ------
    CatalogUrlError
        The URL is none, or its database driver is not installed.
    CatalogMissingError
        There is no catalog, and none was to be made.
    CatalogNewerError
        It was written by a newer oomirror.
    CatalogDamagedError, CatalogLockedError, CatalogError
        It cannot be read; the message says why.
    """
    url = check_url(url)
    file = catalog_file(url)
    shown = shown_url(url)
    _check_file(file, shown, create=create and not read_only)
    catalog = Catalog(shown, make_engine(url, busy_seconds=busy_seconds, read_only=read_only), read_only)
    try:
        _bring_to_head(catalog, url, busy_seconds, migrations)
    except BaseException:
        catalog.close()
        raise
    return catalog


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What `upgrade_catalog` did."""

    url: str
    """As it may be printed."""
    before: str
    """Revision that was found; the same as `after` where nothing had to be done."""
    after: str
    backup: Path | None
    """Copy of what was before; None where nothing was done, or the database is too large or no file."""


def upgrade_catalog(
    url: str, *, busy_seconds: float = BUSY_SECONDS, migrations: migrate.Migrations = migrate.OURS
) -> Upgrade:
    """Bring a catalog that is there to the newest revision, and return what was done; again, it does nothing.

    Raises
    ------
    CatalogMissingError
        There is no catalog.
    CatalogError
        As `open_catalog`.
    """
    url = check_url(url)
    with open_as_is(url, busy_seconds=busy_seconds) as catalog, catalog.read() as connection:
        before = migrate.revision(connection)
    if before is None:
        raise _too_old_to_read(catalog.url, before, migrations.head)
    engine = make_engine(url, busy_seconds=busy_seconds)
    with Catalog(catalog.url, engine, is_read_only=False) as writable:
        backup = _bring_to_head(writable, url, busy_seconds, migrations)
    return Upgrade(catalog.url, before, migrations.head, backup)


def open_as_is(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Catalog:
    """Return the catalog at `url` opened for reading only, at whatever revision it is: for those that look after it.

    Raises
    ------
    CatalogUrlError
        The URL is none, or its database driver is not installed.
    CatalogMissingError
        There is no catalog.
    """
    url = check_url(url)
    _check_file(catalog_file(url), shown_url(url), create=False)
    return Catalog(shown_url(url), make_engine(url, busy_seconds=busy_seconds, read_only=True), is_read_only=True)


@contextmanager
def migrating(url: str, *, busy_seconds: float = BUSY_SECONDS) -> Iterator[Connection]:
    """Yield a connection for migrations: one write transaction, foreign keys off while tables are rebuilt.

    Raises
    ------
    CatalogDamagedError
        The rows refer to rows that are not there; nothing was committed.
    CatalogError
        As `Catalog.begin`.
    """
    shown = shown_url(url)
    catalog = Catalog(shown, make_engine(url, busy_seconds=busy_seconds, foreign_keys=False), is_read_only=False)
    try:
        with catalog.begin() as connection:
            yield connection
            if is_sqlite(url):
                _check_foreign_keys(connection, shown)
    finally:
        catalog.close()


def _bring_to_head(catalog: Catalog, url: str, busy_seconds: float, migrations: migrate.Migrations) -> Path | None:
    """Upgrade a catalog that needs it; return the copy of what was before, if one was made."""
    with catalog.read() as connection:
        found = migrate.revision(connection)
        migrate.check_revision(connection, found, migrations)
    if found == migrations.head:
        return None
    if catalog.is_read_only:
        raise _too_old_to_read(catalog.url, found, migrations.head)
    file, backup = catalog_file(url), None
    if file is not None and found is not None:
        with translated(catalog.url):
            backup = migrate.back_up(file, found)
    with migrating(url, busy_seconds=busy_seconds) as connection:
        # Another process may have done it while we waited for the lock, and even more than that.
        found = migrate.revision(connection)
        migrate.check_revision(connection, found, migrations)
        if found != migrations.head:
            migrate.upgrade(connection, migrations=migrations)
    return backup


def _too_old_to_read(shown: str, found: str | None, head: str) -> CatalogError:
    if found is None:
        return CatalogMissingError("the catalog is empty", shown, hint="`oomirror init` makes it.")
    return CatalogError(
        "the catalog is older than this oomirror and was opened for reading only",
        shown,
        expected=f"revision {head}",
        found=found,
        hint="`oomirror catalog upgrade` brings it there, as any command that writes does.",
    )


def _check_file(file: Path | None, shown: str, *, create: bool) -> None:
    if file is None:
        return
    try:
        if file.is_file():
            return
        if file.exists():
            raise CatalogUrlError("the catalog must be a file", str(file), found="something else")
        if not create:
            raise CatalogMissingError("there is no catalog", shown, hint="`oomirror init` makes it.")
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if isinstance(error, CatalogMissingError):
            raise
        raise CatalogError(
            "cannot make the catalog", str(file), found=error.strerror or str(error), hint=PLACE_HINT
        ) from error


def _check_foreign_keys(connection: Connection, shown: str) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise CatalogDamagedError(
            "the catalog's rows do not fit together",
            shown,
            found=f"a row of {broken[0]} that refers to a {broken[2]} which is not there",
            hint="It was left as it was. Please report this.",
        )

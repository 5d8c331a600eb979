"""Connections to a PostgreSQL server. The driver is imported only where one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from catalog.config import shown_url
from catalog.errors import CatalogUrlError
from catalog.postgresql.errors import connection_error, encoding_error

if TYPE_CHECKING:
    import psycopg

WRITER_LOCK: Final = int.from_bytes(b"oomirror")
"""Held by the one transaction that writes; such locks are of one database, so that each catalog has its own."""

_CONNECTION: Final[dict[str, str]] = {
    "connect_timeout": "10",
    "application_name": "oomirror",
    "client_encoding": "utf8",
    # Else a server that vanished from the network is waited for as long as the system likes: hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Parameters of libpq; the URL's own come first."""

_SESSION: Final = (
    # A node that lost its power holds its locks until the server notices: within 25 seconds, not after two hours.
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)


def make_engine(url: str, *, busy_seconds: float) -> Engine:
    """Return an engine for a catalog on a server; connects to nothing yet.

    Parameters
    ----------
    busy_seconds
        How long a statement waits for a lock of another process.

    Raises
    ------
    CatalogUrlError
        The driver is not installed.
    """
    shown = shown_url(url)
    try:
        engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            # A server that was restarted since the last transaction is connected to again.
            pool_pre_ping=True,
            use_native_hstore=False,
        )
    except ImportError as error:
        raise CatalogUrlError(
            "the driver for PostgreSQL is not installed",
            shown,
            found=str(error),
            hint='`pip install "oomirror[postgres]"` installs it.',
        ) from error

    def connect(_dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]) -> Any:
        return _connect(arguments, parameters, busy_seconds=busy_seconds, shown=shown)

    event.listen(engine, "do_connect", connect)
    return engine


def begin(connection: Connection, *, writes: bool) -> None:
    """Begin a transaction: one that writes when no other does, one that reads with its own snapshot and no writes."""
    if writes:
        # READ COMMITTED: the snapshot of REPEATABLE READ would be older than the wait for the lock.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _connect(
    arguments: list[Any], parameters: dict[str, Any], *, busy_seconds: float, shown: str
) -> psycopg.Connection[Any]:
    import psycopg

    try:
        connection = psycopg.connect(*arguments, **{**_CONNECTION, **parameters})
    except psycopg.Error as error:
        raise connection_error(error, shown) from error
    try:
        _prepare(connection, busy_seconds, shown)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: psycopg.Connection[Any], busy_seconds: float, shown: str) -> None:
    from catalog.postgresql.text import escape_text_of

    encoding = (connection.pgconn.parameter_status(b"server_encoding") or b"").decode()
    if encoding != "UTF8":
        raise encoding_error(encoding, shown)
    escape_text_of(connection)
    connection.execute("; ".join((*_SESSION, f"SET lock_timeout = {max(1, round(busy_seconds * 1000))}")))
    connection.commit()

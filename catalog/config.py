"""Where the catalog lies: its URL, checked and completed without importing a database library."""

from __future__ import annotations

import re
from pathlib import Path

from catalog.errors import CatalogUrlError

BUSY_SECONDS = 30.0
"""How long a writer waits for another process's transaction."""

_SCHEME = re.compile(r"^([a-z][a-z0-9_]*(?:\+[a-z0-9_]+)?)://(.*)$", re.DOTALL)
_PASSWORD = re.compile(r"(://[^/@:]*):.*@", re.DOTALL)
_DATABASES = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "postgresql+psycopg": "postgresql",
}
"""Scheme of a URL as users write it, to its database."""
_SECRET_PARAMETER = re.compile(r"([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&]*", re.IGNORECASE)


def default_catalog_url() -> str:
    """Return the URL of the SQLite catalog in the user's data folder."""
    # Imported here: the start of every command reads this module, and few need the folder.
    from platformdirs import user_data_path

    return sqlite_url(user_data_path("oomirror", appauthor=False) / "catalog.db")


def sqlite_url(file: Path) -> str:
    """Return the URL of the SQLite catalog in `file`.

    >>> sqlite_url(Path("/var/lib/oomirror/catalog.db"))
    'sqlite:////var/lib/oomirror/catalog.db'
    """
    return f"sqlite:///{file.expanduser().absolute()}"


def check_url(url: str) -> str:
    """Return the URL of the catalog, its file absolute, or raise if no catalog can lie there.

    Whether the database answers is not checked.

    Raises
    ------
    CatalogUrlError
        No URL of SQLite or PostgreSQL, or a SQLite database in memory.

    >>> check_url("sqlite:////var/lib/../lib/catalog.db")
    'sqlite:////var/lib/../lib/catalog.db'
    >>> check_url("postgres://lab@db/oomirror")
    'postgresql://lab@db/oomirror'
    """
    match = _SCHEME.match(url)
    if match is None:
        raise CatalogUrlError("not the URL of a catalog", _without_secret(url), hint=_file_hint(url))
    if not is_sqlite(url):
        return _checked_server_url(url, *match.groups())
    file = catalog_file(url)
    if file is None:
        raise CatalogUrlError(
            "not the URL of a catalog",
            url,
            expected="sqlite:////FOLDER/FILE",
            found="a database without a file, which would be forgotten at the end",
        )
    return sqlite_url(file)


def _checked_server_url(url: str, scheme: str, rest: str) -> str:
    if scheme not in _DATABASES:
        raise CatalogUrlError(
            "no catalog can lie in that database",
            _without_secret(url),
            expected="sqlite or postgresql",
            found=scheme,
            hint="Write sqlite:////FOLDER/FILE or postgresql://USER@HOST/DATABASE.",
        )
    if rest.partition("?")[0].count("@") > 1:
        # Else a part of the password would be taken for the host, and be shown as that.
        raise CatalogUrlError(
            "not the URL of a catalog",
            _without_secret(url),
            found="more than one @ before the host",
            hint="In a user or a password, @ is written as %40, / as %2F and : as %3A.",
        )
    return f"{_DATABASES[scheme]}://{rest}"


def is_sqlite(url: str) -> bool:
    """Return whether the URL is one of SQLite's."""
    return url.partition("://")[0].partition("+")[0] == "sqlite"


def catalog_file(url: str) -> Path | None:
    """Return the file of a SQLite catalog, absolute, or None for a catalog on a server or in memory."""
    if not is_sqlite(url):
        return None
    path = url.partition("://")[2].partition("?")[0]
    if not path.startswith("/") or path in ("/", "/:memory:"):
        return None
    return Path(path[1:]).expanduser().absolute()


def shown_url(url: str) -> str:
    """Return the URL as it may be printed: passwords are never shown.

    >>> shown_url("postgresql://lab:s3cret@db/oomirror")
    'postgresql://lab:***@db/oomirror'
    """
    return _without_secret(url)


def _without_secret(url: str) -> str:
    return _SECRET_PARAMETER.sub(r"\1***", _PASSWORD.sub(r"\1:***@", url))


def _file_hint(url: str) -> str:
    if url and "://" not in url:
        return f"A file is written as {sqlite_url(Path(url))}."
    return "Write sqlite:////FOLDER/FILE, or the SQLAlchemy URL of a PostgreSQL database."

"""What the errors of a PostgreSQL server mean, by its SQLSTATE; where it gives none, by its words."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from catalog.errors import CatalogDamagedError, CatalogError, CatalogLockedError, CatalogUrlError, NoRoomError


class _Meaning(NamedTuple):
    what: str
    hint: str
    kind: type[CatalogError] = CatalogError


_RIGHTS_HINT: Final = (
    "Make that user the owner of the database, or let it use and create tables there: "
    "GRANT USAGE, CREATE ON SCHEMA public TO the user."
)
_AGAIN_HINT: Final = "Run this again once the server is up: what was committed is kept."
_RESTORE_HINT: Final = (
    "Have the server's administrator restore the last dump of the database, or run `oomirror adopt` on a new, empty "
    "one, which makes the state anew from what lies on the share."
)
_LOCKED: Final = _Meaning(
    "the catalog is locked by another process",
    "Wait until the other oomirror has finished, then run this again.",
    CatalogLockedError,
)
_GONE: Final = _Meaning("the connection to the catalog's server broke", _AGAIN_HINT)
_DAMAGED: Final = _Meaning("the catalog is damaged", _RESTORE_HINT, CatalogDamagedError)
_BUSY_SERVER: Final = _Meaning(
    "the catalog's server takes no more connections",
    "Wait until others have finished, or let its administrator raise max_connections.",
)

_BY_STATE: Final[dict[str, _Meaning]] = {
    "55P03": _LOCKED,
    # None of ours: one writer at a time. Someone else's program works on the tables.
    "40P01": _LOCKED,
    "40001": _LOCKED,
    "42501": _Meaning("the user may not do this in the catalog's database", _RIGHTS_HINT),
    "3F000": _Meaning("the catalog's schema is not there, or the user may not use it", _RIGHTS_HINT),
    "25006": _Meaning(
        "the catalog cannot be written",
        "It was opened for reading only, or the server is a standby: name the primary server in OOMIRROR_CATALOG.",
    ),
    "53100": _Meaning("no room left for the catalog", "Free some room on the disk of its server.", NoRoomError),
    "53300": _BUSY_SERVER,
    "57P01": _GONE,
    "57P02": _GONE,
    "57P03": _GONE,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}

_BY_WORDS: Final[tuple[tuple[str, _Meaning], ...]] = (
    (
        "password",
        _Meaning(
            "the catalog's server does not let that user in",
            "Check user and password of the catalog's URL; the password may also lie in ~/.pgpass. "
            "In a URL its odd characters are written as %XX, @ as %40.",
        ),
    ),
    (
        r"pg_hba\.conf",
        _Meaning(
            "the catalog's server does not let that user in from here",
            "Its administrator allows it in pg_hba.conf.",
        ),
    ),
    (
        r'(?:database|role) "[^"]*" does not exist',
        _Meaning(
            "the catalog's database or its user does not exist",
            'Its administrator makes them: CREATE ROLE "lab" LOGIN, then CREATE DATABASE "oomirror" OWNER "lab".',
        ),
    ),
    (
        "permission denied",
        _Meaning(
            "the user may not connect to the catalog's database",
            "Its administrator allows it: GRANT CONNECT ON DATABASE the database TO the user.",
        ),
    ),
    ("too many", _BUSY_SERVER),
    ("remaining connection slots", _BUSY_SERVER),
    ("starting up", _Meaning("the catalog's server is just starting", "Run this again in a minute.")),
    ("shutting down", _Meaning("the catalog's server is just being stopped", _AGAIN_HINT)),
    ("^invalid ", _Meaning("the catalog's URL has a wrong parameter", "Check what follows the `?`.", CatalogUrlError)),
)
"""A connection that was never made has no SQLSTATE. Servers that speak another language fall through."""

_UNREACHABLE: Final = _Meaning(
    "the catalog's server cannot be reached",
    "Is it running, and are host and port of the catalog's URL right?",
)


def error_of(cause: BaseException, shown: str) -> CatalogError | None:
    """Return what an error of the driver means, or None if nothing more than its words.

    Parameters
    ----------
    shown
        The catalog's URL without its password.
    """
    state = getattr(cause, "sqlstate", None)
    if state in _BY_STATE:
        return _error(_BY_STATE[state], cause, shown)
    is_broken = (state is None and type(cause).__name__ == "OperationalError") or (state or "").startswith("08")
    return _error(_GONE, cause, shown) if is_broken else None


def connection_error(cause: Exception, shown: str) -> CatalogError:
    """Return why there is no connection."""
    words = str(cause)
    meaning = next((meaning for pattern, meaning in _BY_WORDS if re.search(pattern, words)), _UNREACHABLE)
    return _error(meaning, cause, shown)


def encoding_error(encoding: str, shown: str) -> CatalogError:
    """Return that a database cannot hold every key."""
    return CatalogError(
        "the catalog's database cannot hold every key of a bucket",
        shown,
        expected="the encoding UTF8",
        found=encoding,
        hint="Make another one: CREATE DATABASE oomirror ENCODING 'UTF8' TEMPLATE template0.",
    )


def _error(meaning: _Meaning, cause: BaseException, shown: str) -> CatalogError:
    found = " ".join(str(cause).split())
    return meaning.kind(meaning.what, shown, found=found, hint=meaning.hint)

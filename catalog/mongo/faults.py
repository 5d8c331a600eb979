"""What the driver says of a server, in the catalog's words and without passwords: the one place that translates it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bson.errors import BSONError
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    CursorNotFound,
    InvalidName,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from catalog.errors import CatalogError, ImportFailedError, ImportUsageError
from catalog.mongo.address import Address

_AUTHENTICATION_FAILED = 18
_ATLAS = 8000
_UNAUTHORIZED = 13
_CURSOR_LOST = frozenset((43, 175, 237, 11600, 11602))
"""Not found, its plan killed, killed, and two of a server that goes down."""
_TLS = re.compile(r"ssl|tls|certificate", re.IGNORECASE)
_DRIVERS_OWN = re.compile(
    r" \(configured timeouts:.*| \(Topology.*|, Timeout: .*|, full error:.*| Refer to docstring.*", re.DOTALL
)
"""What follows the reason in the driver's texts, for its authors."""
_GO_ON = "What was imported is kept: run it again, and it goes on from there."


def is_cut(error: PyMongoError) -> bool:
    """Return whether reading may go on by a new cursor: the connection or the cursor was lost, the server was not.

    The driver has looked for a server that is gone for as long as its time-out says; that is not done again.
    """
    if isinstance(error, OperationFailure):
        return isinstance(error, CursorNotFound) or error.code in _CURSOR_LOST
    return isinstance(error, AutoReconnect) and not isinstance(error, ServerSelectionTimeoutError)


@contextmanager
def translating(address: Address, thing: str = "") -> Iterator[None]:
    """Raise what the driver raises inside the block as an error of the catalog.

    Parameters
    ----------
    thing
        `database/collection` that is read.
    """
    try:
        yield
    except (PyMongoError, BSONError) as error:
        # Not chained: the driver's own text may hold the password.
        raise import_error(error, address, thing) from None


def usage_error(error: Exception, address: Address) -> ImportUsageError:
    """Return the error that an option of the address is none, or that what it names cannot be used."""
    return ImportUsageError("cannot use the address", address.place, found=_reason(error, address))


def import_error(error: Exception, address: Address, thing: str = "") -> CatalogError:
    """Return the driver's error as one of the catalog's."""
    place = f"{address.place}/{thing}" if thing else address.place
    found = _reason(error, address)
    match error:
        case InvalidURI() | ConfigurationError() | InvalidName():
            return usage_error(error, address)
        case ServerSelectionTimeoutError() if _TLS.search(found):
            hint = "tls=true, tlsCAFile=FILE and tlsCertificateKeyFile=FILE in the address say how to."
            return ImportFailedError("cannot reach the server over TLS", place, found=found, hint=hint)
        case ServerSelectionTimeoutError():
            hint = f"Does it run, and does the network let you to it? {_GO_ON}"
            return ImportFailedError("cannot reach the server", place, found=found, hint=hint)
        case OperationFailure():
            return _refused(error, place, found)
        case AutoReconnect():
            return ImportFailedError("the connection was lost again and again", place, found=found, hint=_GO_ON)
        case _:
            return ImportFailedError("cannot read from the server", place, found=found, hint=_GO_ON)


def _reason(error: Exception, address: Address) -> str:
    return address.hide(_DRIVERS_OWN.sub("", str(error))).strip()


def _refused(error: OperationFailure, place: str, found: str) -> ImportFailedError:
    code = error.code
    if code in (_AUTHENTICATION_FAILED, _ATLAS):
        hint = "Check both, and authSource=DATABASE where the user is kept in another database than admin."
        return ImportFailedError("the server refuses the user or the password", place, found=found, hint=hint)
    if code == _UNAUTHORIZED and "authentication" in found.lower():
        hint = "Write the address as mongodb://USER:PASSWORD@HOST."
        return ImportFailedError("the server wants a user and a password", place, found=found, hint=hint)
    if code == _UNAUTHORIZED:
        hint = "The role `read` on the database is enough; --database and --collection name another one."
        return ImportFailedError("the user may not read there", place, found=found, hint=hint)
    if is_cut(error):
        return ImportFailedError("the server dropped the cursor again and again", place, found=found, hint=_GO_ON)
    return ImportFailedError("the server refuses to read", place, found=found, hint=_hint_of(error.details))


def _hint_of(details: Mapping[str, object] | None) -> str:
    name = (details or {}).get("codeName")
    return f"It calls that {name}." if isinstance(name, str) and name.isalnum() else ""

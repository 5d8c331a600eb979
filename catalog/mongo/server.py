"""A MongoDB server: connected to, asked which collections it has, never written to."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from catalog.errors import NothingToImportError
from catalog.mongo.address import SERVERS_OWN, Address
from catalog.mongo.bson_file import decode_document
from catalog.mongo.documents import Unreadable
from catalog.mongo.faults import translating, usage_error
from catalog.mongo.live import RAW_OPTIONS, LiveSource
from catalog.mongo.parsed import NotADocumentError, Parsed
from catalog.mongo.recognise import N_FIRST, first_documents, recognise_kind

DEFAULT_COLLECTIONS: Mapping[str, str] = {"crops": "v0003", "evaluation": "v0003.2.v0003"}
"""The paper's: database to collection."""
_TIMEOUTS = {"serverSelectionTimeoutMS": 10_000, "connectTimeoutMS": 10_000, "socketTimeoutMS": 60_000}
"""The driver's own: 30 s, 20 s, and for ever."""


@contextmanager
def connect(address: Address) -> Iterator[MongoClient[Any]]:
    """Make a client for the time of the block, with time-outs where the address sets none; nothing is asked yet.

    Raises
    ------
    ImportUsageError
        The address has options that are none.
    """
    ours = {} if "timeoutms" in address.options else _TIMEOUTS
    timeouts: dict[str, Any] = {name: value for name, value in ours.items() if name.lower() not in address.options}
    try:
        with warnings.catch_warnings():
            # The driver warns of a value that it does not understand, and goes on without it.
            warnings.simplefilter("error")
            client: MongoClient[Any] = MongoClient(address.uri, appname="oomirror", **timeouts)
    except (PyMongoError, ValueError, TypeError, OSError, Warning) as error:
        # Not chained: the driver's own text may hold the password.
        raise usage_error(error, address) from None
    with client:
        yield client


def collections_meant(
    client: MongoClient[Any], address: Address, database: str | None, collection: str | None
) -> tuple[tuple[str, str], ...]:
    """Return database and name of each collection that is meant; what is not said is the paper's.

    Of another database than the paper's, all collections are.

    Raises
    ------
    NothingToImportError
        That database holds no collection.
    ImportFailedError
        The server cannot be asked.
    """
    database = database or address.database
    if database and collection:
        return ((database, collection),)
    if collection:
        return tuple((one, collection) for one in DEFAULT_COLLECTIONS)
    if database is None:
        return tuple(DEFAULT_COLLECTIONS.items())
    if database in DEFAULT_COLLECTIONS:
        return ((database, DEFAULT_COLLECTIONS[database]),)
    with translating(address, database):
        names = sorted(client[database].list_collection_names())
    if not names:
        raise _no_database(client, address, database)
    return tuple((database, name) for name in names if not name.startswith("system."))


def open_collection(client: MongoClient[Any], address: Address, database: str, name: str, **knobs: Any) -> LiveSource:
    """Return a collection as a source; `knobs` are `waits_seconds` and `sleep` of it.

    Raises
    ------
    NothingToImportError
        There is no such collection, or no document in it.
    ImportUsageError
        Its documents are neither crops nor evaluations.
    ImportFailedError
        The server cannot be reached, or refuses.
    """
    thing = f"{database}/{name}"
    with translating(address, thing):
        reads = client[database].get_collection(name, codec_options=RAW_OPTIONS)
        found = [
            _reading(bytes(raw.raw), number) for number, raw in enumerate(reads.find().sort("_id", 1).limit(N_FIRST), 1)
        ]
    if not found:
        raise _nothing(client, address, database, name)
    place = f"{address.place}/{thing}"
    return LiveSource(address, thing, recognise_kind(first_documents(iter(found), place), place), reads, **knobs)


def _reading(data: bytes, number: int) -> Parsed | Unreadable:
    place = f"document {number}"
    try:
        return Parsed(decode_document(data), place)
    except NotADocumentError as error:
        return error.at(place)


def _nothing(client: MongoClient[Any], address: Address, database: str, name: str) -> NothingToImportError:
    try:
        names = client[database].list_collection_names()
    except OperationFailure:  # The user may read the collection, but not ask for its neighbours.
        return NothingToImportError(
            "there is no document to import", f"{address.place}/{database}/{name}", found="none"
        )
    if name in names:
        return NothingToImportError("the collection is empty", f"{address.place}/{database}/{name}")
    if not names:
        return _no_database(client, address, database)
    hint = _known(name, names)
    return NothingToImportError("there is no such collection", f"{address.place}/{database}/{name}", hint=hint)


def _no_database(client: MongoClient[Any], address: Address, database: str) -> NothingToImportError:
    try:
        names = client.list_database_names()
    except OperationFailure:
        names = []
    hint = _known(database, [name for name in names if name not in SERVERS_OWN])
    return NothingToImportError("there is no such database", f"{address.place}/{database}", hint=hint)


def _known(name: str, known: list[str]) -> str:
    """Return the hint of an unknown name: the nearest of the known ones, or what there is."""
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0.5)
    shown = sorted(known)[:10] + ["..."] * (len(known) > 10)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(shown)}." if known else ""

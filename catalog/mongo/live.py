"""A collection of a MongoDB server as a source: in the order of `_id`, and on from where it was cut."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from bson import decode
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from catalog.mongo.address import Address
from catalog.mongo.bson_file import CODEC_OPTIONS, decode_document
from catalog.mongo.documents import Document, Unreadable
from catalog.mongo.faults import import_error, is_cut
from catalog.mongo.keys import id_key, parse_id_key, version_of
from catalog.mongo.parsed import NotADocumentError
from catalog.records import ImportKind

_BATCH_DOCUMENTS = 1000
# Each document is decoded by itself: one with bad text must not take the batch with it.
RAW_OPTIONS: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument, tz_aware=True)
_LENIENT = CODEC_OPTIONS.with_options(unicode_decode_error_handler="replace")
_START = object()


@dataclass(frozen=True, slots=True)
class LiveSource:
    """One collection of a server."""

    address: Address
    collection: str
    """`database/collection`."""
    kind: ImportKind
    reads: Collection[RawBSONDocument] = field(repr=False)
    waits_seconds: Sequence[float]
    """Before each new cursor, where one after the other is lost without a document between them."""
    sleep: Callable[[float], object] = time.sleep

    @property
    def place(self) -> str:
        """The server's address, without user, password and options."""
        return self.address.place

    @property
    def version(self) -> str | None:
        """Of the ground truth, by the collection's name."""
        return version_of(self.collection)

    def documents(self, after: str | None = None) -> Iterator[Document | Unreadable]:
        """Yield the documents, those after the `_id` that `after` is where it is given.

        A lost connection or cursor is taken up again after the last document, without a document lost or met twice.

        Raises
        ------
        ImportFailedError
            The server is gone, refuses to go on, or was lost as often as there are waits without a document between.
        """
        last = _id_of(after)
        n_cuts = 0
        while True:
            try:
                with closing(self._cursor(last)) as cursor:
                    for raw in cursor:
                        last, document = read_document(bytes(raw.raw), last)
                        n_cuts = 0
                        yield document
                return
            except PyMongoError as error:
                if not is_cut(error) or n_cuts >= len(self.waits_seconds):
                    # Not chained: the driver's own text may hold the password.
                    raise import_error(error, self.address, self.collection) from None
            self.sleep(self.waits_seconds[n_cuts])
            n_cuts += 1

    def _cursor(self, last: object) -> Any:
        # Only $expr compares across types: a plain {"_id": {"$gt": 5}} would leave out all that are no numbers.
        beyond = {} if last is _START else {"$expr": {"$gt": ["$_id", {"$literal": last}]}}
        return self.reads.find(beyond, batch_size=_BATCH_DOCUMENTS).sort("_id", 1)


def _id_of(key: str | None) -> object:
    """Return the `_id` after which to go on; a key that is none begins at the start."""
    if key is None:
        return _START
    try:
        return parse_id_key(key)
    except (ValueError, TypeError, KeyError, BSONError):
        return _START


def read_document(data: bytes, last: object) -> tuple[object, Document | Unreadable]:
    """Return the `_id` of what was read, `last` where it has none that can be told, and the document."""
    try:
        fields = decode_document(data)
    except NotADocumentError as error:
        known = _lenient_id(data)
        place = "a document" if known is _START else f"_id {id_key(known)}"
        return (last if known is _START else known), error.at(place)
    if "_id" not in fields:
        return last, Unreadable("a document", "an _id", "none: a view that leaves it out")
    key = id_key(fields["_id"])
    return fields["_id"], Document(key, fields, f"_id {key}")


def _lenient_id(data: bytes) -> object:
    try:
        return decode(data, _LENIENT).get("_id", _START)
    except (BSONError, ValueError):
        return _START

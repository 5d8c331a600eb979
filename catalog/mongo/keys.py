"""What a document is called inside its source, so that it is found again when it is imported again."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from bson import ObjectId, json_util
from bson.codec_options import DatetimeConversion

from catalog.mongo.documents import Document, Unreadable
from catalog.mongo.parsed import Readings
from catalog.records import ImportKind

_ID_OPTIONS = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL, tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_VERSION = re.compile(r"(?:^|[./])v(\d{4})$")
_CACHE_KIB = 16_384


def version_of(collection: str) -> str | None:
    """Return the version of the ground truth that the name of a collection ends with.

    >>> version_of("crops/v0003"), version_of("v0003.2.v0003"), version_of("setups")
    ('0003', '0003', None)
    """
    match = _VERSION.search(collection)
    return match.group(1) if match else None


def id_key(value: object) -> str:
    """Return an `_id` as canonical Extended JSON, compact, its fields in their order: another order is another `_id`.

    >>> id_key({"setup": "setup01", "n": 3})
    '{"setup":"setup01","n":{"$numberInt":"3"}}'
    """
    if type(value) is ObjectId:
        return f'{{"$oid":"{value}"}}'
    return json_util.dumps(value, json_options=_ID_OPTIONS, separators=(",", ":"))


def parse_id_key(key: str) -> Any:
    """Return the `_id` that is written so.

    Raises
    ------
    ValueError
        The key was not made from an `_id`.
    """
    return json_util.loads(key, json_options=_ID_OPTIONS)


def natural_key(fields: Mapping[str, Any], kind: ImportKind, version: str | None) -> str | None:
    """Return what a document without `_id` is called; None where it has nothing to be called by.

    A crop by its number, and the ground truth's version where it is known; a result by a hash of all but its value.

    >>> natural_key({"number": "113"}, ImportKind.CROPS, "0003")
    '113/0003'
    """
    if kind is ImportKind.CROPS:
        number = fields.get("number")
        if isinstance(number, bool) or not isinstance(number, str | int) or number == "":
            return None
        return f"{number}/{version}" if version else str(number)
    # Imported here: hashing is for documents without `_id` alone.
    import xxhash

    rest = {name: value for name, value in fields.items() if name != "value"}
    text = json.dumps(rest, default=json_util.default, sort_keys=True, separators=(",", ":"))
    return f"xxh3:{xxhash.xxh3_128_hexdigest(text.encode())}" if rest else None


def keyed(readings: Readings, kind: ImportKind, version: str | None) -> Iterator[Document | Unreadable]:
    """Yield the documents of one file with their keys, no key twice: one met again is followed by its place."""
    # SQLite's own temporary file: exact, and a file of ten million documents takes no more memory than a small one.
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as seen:
        seen.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        seen.execute("PRAGMA journal_mode = OFF")
        seen.execute("CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID")
        seen.execute("BEGIN")
        for reading in readings:
            if isinstance(reading, Unreadable):
                yield reading
                continue
            fields = reading.fields
            key = id_key(fields["_id"]) if "_id" in fields else natural_key(fields, kind, version)
            if key is None:
                key = reading.place
            elif not seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount:
                key = f"{key} ({reading.place})"
            yield Document(key, fields, reading.place)

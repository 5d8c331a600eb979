"""A foreign document as it is kept, as it is compared, and as values of JSON: Extended JSON, v2, and a hash."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from json.encoder import encode_basestring_ascii
from math import isfinite
from typing import Any

from bson import ObjectId, json_util
from bson.codec_options import DatetimeConversion
from bson.int64 import Int64
from xxhash import xxh3_128_digest

_SURROGATE = re.compile("[\ud800-\udfff]")
MOST_DEEP = 200
"""Levels of values in values: a server takes 100, and Python's own limit is some hundred more."""
_CANONICAL = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL, tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_MOST_BITS = 10_000
"""Of an integer that is written in digits: Python refuses to spell longer ones."""


def body_of(document: Mapping[str, Any]) -> bytes:
    """Return a document as canonical Extended JSON in ASCII, its fields in their order.

    An integer beyond 64 bits, which BSON lacks, stands as a bare number.

    Raises
    ------
    RecursionError
        It is nested deeper than `MOST_DEEP`.
    """
    body = _encode(document)
    if body.count("{") + body.count("[") > MOST_DEEP and _depth(document) > MOST_DEEP:
        raise RecursionError("values nested too deeply")
    return body.encode("ascii")


def document_of(body: bytes) -> dict[str, Any]:
    """Return the document that `body_of` wrote."""
    document: dict[str, Any] = json.loads(body, object_pairs_hook=_decoded)
    return document


def content_hash(document: Mapping[str, Any]) -> bytes:
    """Return the xxh3-128 of what a document says, blind to the order of its fields and to the widths of integers.

    Raises
    ------
    RecursionError
        It is nested deeper than Python can follow.
    """
    try:
        text = _NORMAL.encode(document)
    except (TypeError, ValueError):
        # Keys that are no text, or an integer too long to be spelt.
        text = json.dumps(relaxed(document), sort_keys=True)
    return xxh3_128_digest(text.encode("ascii"))


def relaxed(value: object) -> Any:
    """Return a value as JSON has it: relaxed Extended JSON; what is none of BSON's types, as its Python spelling."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _MOST_BITS else {"$hex": f"{value:x}"}
    if isinstance(value, float):
        return float(value) if isfinite(value) else {"$numberDouble": _double(value)}
    if isinstance(value, Mapping):
        return {storable(_key(key)): relaxed(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [relaxed(one) for one in value]
    return relaxed(_foreign(value, json_util.RELAXED_JSON_OPTIONS))


def storable(text: str) -> str:
    r"""Return a text as every database can store it: NUL and halves of surrogate pairs are escaped.

    >>> storable("crop\0 1")
    'crop\\x00 1'
    """
    if text.isascii() and "\0" not in text:
        return text
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text.replace("\0", "\\x00"))


def _depth(document: object) -> int:
    deepest, waiting = 0, [(document, 1)]
    while waiting:
        value, level = waiting.pop()
        deepest = max(deepest, level)
        if isinstance(value, Mapping):
            waiting += [(one, level + 1) for one in value.values()]
        elif isinstance(value, (list, tuple)):
            waiting += [(one, level + 1) for one in value]
    return deepest


def _foreign(value: object, options: json_util.JSONOptions) -> Any:
    """Return what Extended JSON makes of a value that JSON lacks."""
    try:
        return json.loads(json_util.dumps(value, json_options=options))
    except Exception:  # noqa: BLE001  whatever a value of a type that is not BSON's may raise
        return {"$python": f"{value!r}"}


# json_util writes the same in twice the time, 13 µs a document: a sixth of a whole import.
def _encode(value: object) -> str:
    encoder = _ENCODERS.get(type(value))
    return encoder(value) if encoder is not None else _encode_other(value)


def _encode_other(value: object) -> str:
    if isinstance(value, Mapping):
        return _encode_mapping(value)
    if isinstance(value, (list, tuple)):
        return _encode_list(value)
    return json.dumps(_foreign(value, _CANONICAL))


def _encode_mapping(value: Mapping[Any, Any]) -> str:
    # In one expression: a million documents have some twenty fields each.
    encoders = _ENCODERS
    return (
        "{"
        + ",".join(
            [
                f"{encode_basestring_ascii(key if type(key) is str else _key(key))}:"
                f"{encoders.get(type(one), _encode_other)(one)}"
                for key, one in value.items()
            ]
        )
        + "}"
    )


def _encode_list(value: list[Any] | tuple[Any, ...]) -> str:
    return f"[{','.join([_encode(one) for one in value])}]"


def _encode_int(value: int) -> str:
    if -0x8000_0000 <= value < 0x8000_0000:
        return f'{{"$numberInt":"{value}"}}'
    if -(2**63) <= value < 2**63:
        return f'{{"$numberLong":"{value}"}}'
    return json.dumps(relaxed(value))


def _encode_datetime(value: datetime) -> str:
    return json.dumps(_foreign(value, _CANONICAL))


def _double(value: float) -> str:
    if isfinite(value):
        return float.__repr__(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124  NaN alone is not itself


_ENCODERS: Mapping[type, Callable[[Any], str]] = {
    str: encode_basestring_ascii,
    float: lambda value: f'{{"$numberDouble":"{_double(value)}"}}',
    int: _encode_int,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
    Int64: lambda value: f'{{"$numberLong":"{value}"}}',
    dict: _encode_mapping,
    list: _encode_list,
    tuple: _encode_list,
    datetime: _encode_datetime,
    # Of each document of a server: json_util takes 10 µs for one.
    ObjectId: lambda value: f'{{"$oid":"{value}"}}',
}


def _normal(value: object) -> Any:
    if isinstance(value, ObjectId):
        return {"$oid": str(value)}
    return dict(value) if isinstance(value, Mapping) else _foreign(value, _CANONICAL)


_NORMAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_normal)


def _key(key: object) -> str:
    return key if isinstance(key, str) else f"{key!r}"


def _decoded(pairs: list[tuple[str, Any]]) -> Any:
    fields = dict(pairs)
    if len(fields) > 2 or not any(name.startswith("$") for name in fields):
        return fields
    try:
        return json_util.object_hook(fields, _CANONICAL)
    except Exception:  # noqa: BLE001  a mapping that only looks like Extended JSON was one in the document
        return fields

"""Extended JSON, versions 1 and 2, canonical and relaxed, as mongoexport and the drivers write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bson import json_util
from bson.codec_options import DatetimeConversion
from bson.errors import BSONError

from catalog.mongo.parsed import NotADocumentError, excerpt, has_lone_surrogate

_OPTIONS = json_util.JSONOptions(
    json_mode=json_util.JSONMode.CANONICAL, tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NAMES = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number", type(None): "null"}


def parse_document(text: str) -> Mapping[str, Any]:
    """Return the fields of the document that the text is.

    Bare `NaN` and `Infinity` are the numbers that old exports mean. Of two fields of one name the last counts.

    Raises
    ------
    NotADocumentError
        It is no JSON, no object, or a `$` form in it has a value that it cannot have.

    >>> parse_document('{"_id": {"$oid": "5f0c5b1e2f3d4c5b6a798081"}, "number": "113", "value": NaN}')
    {'_id': ObjectId('5f0c5b1e2f3d4c5b6a798081'), 'number': '113', 'value': nan}
    """
    value = parse_value(text)
    if type(value) is not dict:
        raise NotADocumentError("a document in braces", _NAMES.get(type(value), f"a value: {excerpt(text)}"))
    return value


def parse_value(text: str) -> Any:
    """Return the value that the text is.

    Raises
    ------
    NotADocumentError
        As of `parse_document`.
    """
    try:
        value = json.loads(text, object_pairs_hook=_hook)
    except json.JSONDecodeError as error:
        found = f"{error.msg.lower()} at character {error.pos + 1}: {excerpt(text[max(error.pos - 10, 0) :])}"
        raise NotADocumentError("Extended JSON", found) from error
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, BSONError, RecursionError) as error:
        raise NotADocumentError("Extended JSON", str(error)) from error
    if _SURROGATE.search(text) and has_lone_surrogate(value):
        raise NotADocumentError("text in Unicode", "half of a surrogate pair")
    return value


def _hook(pairs: list[tuple[str, Any]]) -> Any:
    return json_util.object_hook(dict(pairs), _OPTIONS)

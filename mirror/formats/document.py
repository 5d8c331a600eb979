"""Metadata documents as plain JSON objects, before any format gives them a meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mirror.errors import MalformedDocumentError

MAX_DOCUMENT_BYTES = 16 * 2**20
"""No metadata document comes near this; a file that is larger is not read into memory to find out."""
MAX_ABOUT_BYTES = 2**20
"""What people write of a dataset is a few pages; what is larger is not read for facts."""

_MAY_HALVE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]|\0")
"""In the bytes of all documents with a surrogate alone: as JSON escapes it, as bytes, or in UTF-16 or 32."""
_N5_ARRAY_FIELDS = ("dimensions", "blockSize", "dataType")


def parse_json_object(body: bytes, place: str) -> dict[str, Any]:
    """Return the JSON object in `body`; in its texts U+FFFD stands for each half of a character.

    Parameters
    ----------
    place
        The document's address, for the error.

    Raises
    ------
    MalformedDocumentError
        Not JSON, or JSON of another kind.
    """
    try:
        document = json.loads(body)
        if _MAY_HALVE.search(body):
            document = json.loads(whole_text(json.dumps(document, ensure_ascii=False)))
    except (ValueError, RecursionError) as error:
        raise _not_an_object(place, str(error) if body else "an empty file") from error
    if not isinstance(document, dict):
        raise _not_an_object(place, f"a JSON {type(document).__name__}")
    return document


def whole_text(text: str) -> str:
    r"""Return the text with U+FFFD for each surrogate alone: JSON can spell them, and neither UTF-8 nor a database can.

    >>> whole_text(json.loads('"a \\ud83d cell, \\ud83d\\ude00"'))
    'a \ufffd cell, \U0001f600'
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _not_an_object(place: str, found: str) -> MalformedDocumentError:
    return MalformedDocumentError("cannot read the metadata", place, expected="a JSON object", found=found)


def is_n5_array(document: Mapping[str, Any]) -> bool:
    """Return whether an attributes.json means to describe an array: it has two of the three fields of arrays alone.

    One of them may be somebody's own attribute of a group; two with the third missing are a damaged array.

    >>> is_n5_array({"dimensions": [7, 5]}), is_n5_array({"dimensions": [7, 5], "dataType": "uint8"})
    (False, True)
    """
    return sum(name in document for name in _N5_ARRAY_FIELDS) >= 2

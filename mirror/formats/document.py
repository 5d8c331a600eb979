"""Metadata documents as plain JSON objects, before any format gives them a meaning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mirror.errors import MalformedDocumentError

MAX_DOCUMENT_BYTES = 16 * 2**20
"""No metadata document comes near this; a file that is larger is not read into memory to find out."""
MAX_ABOUT_BYTES = 2**20
"""What people write of a dataset is a few pages; what is larger is not read for facts."""

_N5_ARRAY_FIELDS = ("dimensions", "blockSize", "dataType")


def parse_json_object(body: bytes, place: str) -> dict[str, Any]:
    """Return the JSON object in `body`.

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
    except (ValueError, RecursionError) as error:
        raise _not_an_object(place, str(error) if body else "an empty file") from error
    if not isinstance(document, dict):
        raise _not_an_object(place, f"a JSON {type(document).__name__}")
    return document


def _not_an_object(place: str, found: str) -> MalformedDocumentError:
    return MalformedDocumentError("cannot read the metadata", place, expected="a JSON object", found=found)


def is_n5_array(document: Mapping[str, Any]) -> bool:
    """Return whether an attributes.json means to describe an array: it has two of the three fields of arrays alone.

    One of them may be somebody's own attribute of a group; two with the third missing are a damaged array.

    >>> is_n5_array({"dimensions": [7, 5]}), is_n5_array({"dimensions": [7, 5], "dataType": "uint8"})
    (False, True)
    """
    return sum(name in document for name in _N5_ARRAY_FIELDS) >= 2

"""What a file's reader makes of one document, before the document has its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from catalog.mongo.documents import Unreadable

DOCUMENT_LIMIT_BYTES = 48 * 2**20
"""Of text: MongoDB's documents have 16 MiB at most, and text of numbers may take three times that."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One document of a file."""

    fields: Mapping[str, Any]
    place: str


Readings: TypeAlias = Iterator[Parsed | Unreadable]
"""What a file holds, in its order."""

ParseText: TypeAlias = Callable[[str], Mapping[str, Any]]
"""Fields of the one document that a text holds; raises `NotADocumentError`."""


class NotADocumentError(ValueError):
    """A piece of a file is no document; the pieces after it may be."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}, found {found}")
        self.expected = expected
        self.found = found

    def at(self, place: str) -> Unreadable:
        """Return what is told of it."""
        return Unreadable(place, self.expected, self.found)


def parse_at(place: str, text: str, parse: ParseText) -> Parsed | Unreadable:
    """Return the document that the text holds, or why it holds none."""
    try:
        return Parsed(parse(text), place)
    except NotADocumentError as error:
        return error.at(place)


def excerpt(text: str) -> str:
    """Return the beginning of a text as it may be quoted in a sentence.

    >>> excerpt("{'a': 1}")
    "{'a': 1}"
    """
    words = " ".join(text[:200].split())
    return words if len(words) <= 60 and len(text) <= 200 else f"{words[:60]}..."


def has_lone_surrogate(value: object) -> bool:
    """Return whether any text inside the value is none that UTF-8 can hold."""
    match value:
        case str():
            return not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)
        case Mapping():
            return any(has_lone_surrogate(key) or has_lone_surrogate(one) for key, one in value.items())
        case list():
            return any(has_lone_surrogate(one) for one in value)
        case _:
            return False

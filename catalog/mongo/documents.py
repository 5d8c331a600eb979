"""A foreign document on its way into the catalog, and what its source must be able to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from catalog.records import ImportKind


@dataclass(frozen=True, slots=True)
class Document:
    """One document, decoded: values as `bson` gives them, numbers and text as the source had them."""

    key: str
    """Its `_id` as canonical Extended JSON; where it has none, what names it naturally or its place in the file."""
    fields: Mapping[str, Any]
    place: str
    """Where it stands in its source, for people: `line 17`, `document 3`."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A document that could not be decoded, though those after it can be."""

    place: str
    expected: str
    found: str


class DocumentSource(Protocol):
    """A collection on a server, or a file: documents of one kind, in an order that stays."""

    @property
    def kind(self) -> ImportKind:
        """What the documents tell of."""

    @property
    def place(self) -> str:
        """Address without user, password and options; or the absolute path of the file."""

    @property
    def collection(self) -> str:
        """`database/collection`; empty where there is none."""

    @property
    def version(self) -> str | None:
        """Of the ground truth, as `0003`, where the source tells: by the name of its collection."""

    def documents(self, after: str | None = None) -> Iterator[Document | Unreadable]:
        """Yield the documents, those after the key `after` where it is given; some in memory at a time.

        Raises
        ------
        ImportFailedError
            The source cannot be read any further.
        """

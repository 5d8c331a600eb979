"""Before anything of a source is written, one of its documents must be understood: else it is no such source."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from catalog.errors import ImportFailedError, NothingToImportError
from catalog.mongo.documents import Document, DocumentSource, Unreadable
from catalog.mongo.issues import IssueCode
from catalog.mongo.mapping import map_document

HELD_BACK = 20_000
"""Documents that are kept in memory while none of them is understood."""


def understood(source: DocumentSource, version: str) -> Iterator[Document | Unreadable]:
    """Return the documents of a source, when one of them is seen to be understood.

    Raises
    ------
    NothingToImportError
        There is none.
    ImportFailedError
        None of them is understood.
    """
    found = source.documents()
    held: list[Document | Unreadable] = []
    first = ""
    n_seen = 0
    for each in found:
        n_seen += 1
        if n_seen <= HELD_BACK:
            held.append(each)
        if isinstance(each, Document):
            mapped = map_document(source.kind, each, version)
            if mapped.record is not None:
                return chain(held, found) if n_seen <= HELD_BACK else source.documents()
            issue = next(one for one in mapped.issues if one.code is IssueCode.NOT_UNDERSTOOD)
            first = first or f"{each.place}: {issue.field} should be {issue.expected}, and is {issue.found}"
        else:
            first = first or f"{each.place}: {each.found} instead of {each.expected}"
    thing = " ".join(filter(None, (source.place, source.collection)))
    if not n_seen:
        raise NothingToImportError("there is no document to import", thing)
    what = f"none of the {n_seen:,} documents is understood"
    raise ImportFailedError(what, thing, found=first, hint="Nothing was written.")

"""A file of documents as a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from catalog.errors import NothingToImportError
from catalog.mongo import bson_file, csv_file, elements, extended_json, lines, literals
from catalog.mongo.documents import Document, Unreadable
from catalog.mongo.elements import JSON_SYNTAX, PYTHON_SYNTAX, Layout, Syntax
from catalog.mongo.file_bytes import FileBytes, open_bytes
from catalog.mongo.keys import keyed, version_of
from catalog.mongo.parsed import ParseText, Readings
from catalog.mongo.recognise import HEAD_BYTES, Form, first_documents, recognise_form, recognise_kind
from catalog.records import ImportKind


@dataclass(frozen=True, slots=True)
class _Reader:
    check: Callable[[FileBytes], None]
    """Raises unless the structure of the whole is sound, before any document is given away."""
    read: Callable[[FileBytes], Readings]


def _by_line(parse: ParseText) -> _Reader:
    return _Reader(lines.check, partial(lines.read, parse=parse))


def _by_bracket(syntax: Syntax, layout: Layout, parse: ParseText) -> _Reader:
    return _Reader(
        partial(elements.check, syntax=syntax, layout=layout),
        partial(elements.read, syntax=syntax, layout=layout, parse=parse),
    )


_READERS: Mapping[Form, _Reader] = {
    Form.BSON: _Reader(bson_file.check, bson_file.read),
    Form.CSV: _Reader(csv_file.check, csv_file.read),
    Form.JSON_LINES: _by_line(extended_json.parse_document),
    Form.JSON_LIST: _by_bracket(JSON_SYNTAX, Layout.IN_ONE_LIST, extended_json.parse_document),
    Form.JSON_IN_A_ROW: _by_bracket(JSON_SYNTAX, Layout.ONE_AFTER_ANOTHER, extended_json.parse_document),
    Form.LITERAL_LINES: _by_line(literals.parse_document),
    Form.LITERAL_LIST: _by_bracket(PYTHON_SYNTAX, Layout.IN_ONE_LIST, literals.parse_document),
    Form.LITERALS_IN_A_ROW: _by_bracket(PYTHON_SYNTAX, Layout.ONE_AFTER_ANOTHER, literals.parse_document),
}


@dataclass(frozen=True, slots=True)
class FileSource:
    """The documents of one file, in the file's order."""

    path: Path
    """Absolute."""
    form: Form
    kind: ImportKind
    collection: str = ""

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self.path)

    @property
    def version(self) -> str | None:
        """Of the ground truth: by the collection's name, or by that of a dump's file, which is the collection's."""
        name = self.path.name.partition(".bson")[0] if self.form is Form.BSON else ""
        return version_of(self.collection or name)

    def documents(self, after: str | None = None) -> Iterator[Document | Unreadable]:
        """Yield the documents, those after the key `after` where it is given, when the whole file was seen to be sound.

        Where no document has the key `after`, the file is another one than it was: all of its documents are yielded.

        Raises
        ------
        ImportFailedError
            The file is cut off or damaged; nothing was yielded then.
        """
        reader = _READERS[self.form]
        with open_bytes(self.path) as stream:
            reader.check(stream)
        if after is not None and (rest := self._after(after)) is not None:
            yield from rest
        else:
            yield from self._all()

    def _all(self) -> Iterator[Document | Unreadable]:
        with open_bytes(self.path) as stream:
            yield from keyed(_READERS[self.form].read(stream), self.kind, self.version)

    def _after(self, key: str) -> Iterator[Document | Unreadable] | None:
        documents = self._all()
        for document in documents:
            if isinstance(document, Document) and document.key == key:
                return documents
        return None


def open_file(path: Path, collection: str = "") -> FileSource:
    """Return the file as a source: its form by its first bytes, its kind by its first documents.

    Raises
    ------
    ImportUsageError
        It is of no form that can be imported, or its documents are neither crops nor evaluations.
    NothingToImportError
        It is empty.
    ImportFailedError
        It cannot be read.
    """
    with open_bytes(path) as stream:
        head = stream.read(HEAD_BYTES)
    if not head.strip():
        raise NothingToImportError("there is no document to import", str(path), found="an empty file")
    form = recognise_form(head, str(path))
    with open_bytes(path) as stream:
        first = first_documents(_READERS[form].read(stream), str(path))
    return FileSource(path, form, recognise_kind(first, str(path)), collection)

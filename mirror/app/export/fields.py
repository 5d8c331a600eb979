"""What a column of the catalog becomes in an export: numbers, booleans and texts, no bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from catalog.columns import ColumnNote, column_notes
from mirror.objects import unpack_etag

Values: TypeAlias = Sequence[Any]


@dataclass(frozen=True, slots=True)
class ExportField:
    """One column of an exported table."""

    name: str
    type: str
    """integer, boolean, text, time or json; the last two are texts."""
    unit: str
    """Empty where it has none."""
    meaning: str
    position: int
    """Of the column in the catalog's table that it is made from."""
    convert: Callable[[Values], Values]
    """From values as the catalog stores them; NULL is None and stays so."""


def fields_of(table: str) -> tuple[ExportField, ...]:
    """Return the columns that a table of the catalog has in an export."""
    notes = [note for note in column_notes() if note.table == table]
    return tuple(field for position, note in enumerate(notes) for field in _fields(note, position))


def columns_of(fields: Iterable[ExportField], rows: Sequence[tuple[Any, ...]]) -> list[Values]:
    """Return some rows of the catalog as the columns of the export."""
    stored = list(zip(*rows, strict=True))
    return [field.convert(stored[field.position]) for field in fields]


def _fields(note: ColumnNote, position: int) -> Iterator[ExportField]:
    def field(kind: str, convert: Callable[[Values], Values], *, name: str = note.name, more: str = "") -> ExportField:
        return ExportField(name, kind, note.unit, note.meaning + more, position, convert)

    match note.type, note.name:
        case "bytes", "etag":
            yield field("text", _etags)
        case "bytes", "body":
            yield field("text", _texts, more="; NULL where it is no UTF-8")
            yield field("text", _hex_of_no_texts, name="body_hex", more=", as hex, where it is no UTF-8")
        case "bytes", _:
            yield field("text", _hex, more="; hex")
        case "boolean", _:
            yield field("boolean", _booleans)
        case kind, _:
            yield field(kind, _as_they_are)


def _as_they_are(values: Values) -> Values:
    return values


def _booleans(values: Values) -> Values:
    return [None if value is None else bool(value) for value in values]


def _etags(values: Values) -> Values:
    # Nearly all are MD5s.
    return [value.hex() if len(value) == 16 else unpack_etag(value) for value in values]


def _hex(values: Values) -> Values:
    return [None if value is None else value.hex() for value in values]


def _texts(values: Values) -> Values:
    return [_text(value) for value in values]


def _hex_of_no_texts(values: Values) -> Values:
    return [value.hex() if _text(value) is None else None for value in values]


def _text(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None

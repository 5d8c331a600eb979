"""CSV as mongoexport writes it, and the paper's table of evaluations: one document a row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bson import ObjectId

from catalog.mongo import extended_json, literals
from catalog.mongo.documents import Unreadable
from catalog.mongo.file_bytes import FileBytes
from catalog.mongo.parsed import DOCUMENT_LIMIT_BYTES, NotADocumentError, Parsed, Readings, excerpt, has_lone_surrogate

_NUMBERS = frozenset(
    ("iteration", "threshold", "value", "completion", "access_date", "dimensions", "offset", "resolution", "labels")
)
"""First part of the names of columns whose cells are numbers, where they look like some."""
_TEXTS = frozenset(
    (
        *("path", "dataset", "setup", "label", "crop", "metric", "raw_dataset", "parent_path", "parent_dataset_id"),
        *("number", "dataset_id", "parent", "biotype", "alias"),
    )
)
"""Columns whose cells are text whatever they look like. Of columns that nobody knows, lists and documents are read."""
_TRUTHS = {"true": True, "false": False}
_WHOLE = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_OBJECT_ID = re.compile(r"(?:ObjectId\(\W?)?([0-9a-f]{24})(?:\W?\))?")


def check(stream: FileBytes) -> None:
    """Go through all rows, and raise if a quote is open at the end of the file.

    Raises
    ------
    ImportFailedError
        That, or the names of the columns cannot be read.
    """
    for _ in _rows(stream):
        pass


def read(stream: FileBytes) -> Readings:
    """Yield the rows as documents; an empty cell is no field, and `dimensions.x` is a field of `dimensions`.

    A row with too many or too few cells does not hide those after it.
    """
    rows = _rows(stream)
    names = next(rows, (0, []))[1]
    if isinstance(names, Unreadable):
        raise stream.failed(f"names of columns: {names.expected}", names.found)
    for number, row in rows:
        place = f"line {number}"
        if isinstance(row, Unreadable):
            yield row
        elif len(row) != len(names):
            yield Unreadable(place, f"{len(names)} cells", f"{len(row)}")
        else:
            yield _parsed(names, row, place)


def _parsed(names: Sequence[str], row: Sequence[str], place: str) -> Parsed | Unreadable:
    if any(map(has_lone_surrogate, row)):
        return Unreadable(place, "text in UTF-8", excerpt(ascii(next(filter(has_lone_surrogate, row)))))
    return Parsed(nested((name, typed(name, cell)) for name, cell in zip(names, row, strict=True) if cell), place)


def typed(name: str, cell: str) -> Any:
    """Return the value that a cell means in the column of that name; what is no such value stays text.

    >>> typed("value", "nan"), typed("number", "23"), typed("offset.x", "12"), typed("labels.absent_annotated", "[]")
    (nan, '23', 12, [])
    """
    root = name.partition(".")[0]
    if name in _TEXTS:
        return cell
    if cell[0] in "{[":
        return _container(cell)
    if root in _NUMBERS:
        return _number(cell)
    if root == "refined":
        return _TRUTHS.get(cell.lower(), cell)
    if name == "_id" and (match := _OBJECT_ID.fullmatch(cell)):
        return ObjectId(match.group(1))
    return cell


def _number(cell: str) -> int | float | str:
    if _WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if _DECIMAL.fullmatch(cell) or _NOT_FINITE.fullmatch(cell) else cell


def _container(cell: str) -> Any:
    """Return the list or the document that a cell holds as JSON, or as Python prints it."""
    for parse in (extended_json.parse_value, literals.parse_value):
        try:
            return parse(cell)
        except NotADocumentError:
            continue
    return cell


class _Level(dict[str, Any]):
    """A document that the names of columns make, as against one that a cell holds."""


def nested(cells: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return the document that names with dots describe; a level of names 0, 1, ... is a list.

    A name that continues another one of the row stays as it is, dots and all: nothing is lost.

    >>> nested([("number", "23"), ("dimensions.x", 250), ("labels.absent.0", "a"), ("labels.absent.1", "b")])
    {'number': '23', 'dimensions': {'x': 250}, 'labels': {'absent': ['a', 'b']}}
    """
    row = dict(cells)
    document: dict[str, Any] = {}
    for name, value in row.items():
        *steps, last = _steps(name, row)
        level = document
        for step in steps:
            level = level.setdefault(step, _Level())
        level[last] = value
    return {name: _finished(value) for name, value in document.items()}


def _steps(name: str, row: Mapping[str, Any]) -> list[str]:
    if "." not in name:
        return [name]
    steps = name.split(".")
    contradicted = any(".".join(steps[:n]) in row for n in range(1, len(steps)))
    return [name] if contradicted or not all(steps) else steps


def _finished(value: Any) -> Any:
    if not isinstance(value, _Level):
        return value
    done = {name: _finished(one) for name, one in value.items()}
    return list(done.values()) if list(done) == [str(position) for position in range(len(done))] else done


def _rows(stream: FileBytes) -> Iterator[tuple[int, list[str] | Unreadable]]:
    """Yield the line on which each row begins, and its cells; empty lines are passed over."""
    # A cell may hold a list of any length; the module's own limit is that of old spreadsheets.
    csv.field_size_limit(max(csv.field_size_limit(), DOCUMENT_LIMIT_BYTES))
    reader = csv.reader(_lines(stream), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            if "end of data" in str(error):
                expected = f"the end of the quoted cell that begins on line {number}"
                raise stream.failed(expected, "the end of the file", "The file was cut off.") from error
            yield number, Unreadable(f"line {number}", "a row of CSV", str(error))
            continue
        if row is None:
            return
        if row:
            yield number, row


def _lines(stream: FileBytes) -> Iterator[str]:
    """Yield the lines; bytes that are not UTF-8 become lone surrogates, and are told of where their row is known."""
    stream.skip_utf8_mark()
    while data := stream.read_line(DOCUMENT_LIMIT_BYTES):
        yield data.decode("utf-8", errors="surrogateescape")

"""What a file is and what its documents tell of, told by what it holds and never by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from itertools import islice
from typing import Any

from catalog.errors import ImportFailedError, ImportUsageError, NothingToImportError
from catalog.mongo.bson_file import LARGEST_BYTES
from catalog.mongo.documents import Unreadable
from catalog.mongo.elements import JSON_SYNTAX, PYTHON_SYNTAX, Syntax, is_closed
from catalog.mongo.parsed import Parsed, Readings
from catalog.records import ImportKind

HEAD_BYTES = 2**20
"""Of a file, unpacked, by which its form is told."""
N_FIRST = 20
"""How many documents tell what a source's documents are."""
_N_TRIED = 1000
"""After so many that are unreadable, it is believed that all are."""

CROP_FIELDS = (
    "number",
    "dimensions",
    "labels",
    "parent",
    "dataset_id",
    "offset",
    "resolution",
    "completion",
    "biotype",
)
EVALUATION_FIELDS = (
    "metric", "value", "setup", "iteration", "label", "crop", "threshold", "metric_params", "raw_dataset", "refined",
)  # fmt: skip
_ARCHIVE_MAGIC = b"\x6d\xe2\x99\x81"
_BSON_TYPES = frozenset((*range(0x14), 0x7F, 0xFF))
_TEXT_CONTROLS = frozenset(b"\t\n\f\r\x1b")
_UTF16_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


class Form(Enum):
    """The forms of files with documents."""

    BSON = auto()
    JSON_LINES = auto()
    JSON_LIST = auto()
    JSON_IN_A_ROW = auto()
    """Documents over several lines each, one after the other."""
    CSV = auto()
    LITERAL_LINES = auto()
    LITERAL_LIST = auto()
    LITERALS_IN_A_ROW = auto()


def recognise_form(head: bytes, thing: str) -> Form:
    """Return the form of the file that begins with these bytes.

    Raises
    ------
    ImportUsageError
        It is none that can be imported.
    """
    if head.startswith(_ARCHIVE_MAGIC):
        raise _unknown_form(thing, "an archive of mongodump", "Make the dump with --out instead of --archive.")
    if encoding := _utf16_of(head):
        hint = "Change it by `iconv -f UTF-16 -t UTF-8`."
        raise _unknown_form(thing, f"text in {encoding.upper()}, which is not understood", hint)
    if _is_bson(head):
        return Form.BSON
    if b"\0" in head:
        raise _unknown_form(thing, f"a file of bytes: {head[:8].hex(' ')}...")
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff")
    form = _form_of_text(text)
    if form is None:
        raise _unknown_form(thing, f"a text that begins with {text.lstrip()[:30]!r}")
    return form


def recognise_kind(documents: Iterable[Mapping[str, Any]], thing: str) -> ImportKind:
    """Return what the first documents of a source tell of, by the names of their fields.

    Raises
    ------
    ImportUsageError
        They are neither crops nor evaluations.
    """
    fields = sorted({name for document in documents for name in document})
    n_crop, n_evaluation = (len(set(fields).intersection(known)) for known in (CROP_FIELDS, EVALUATION_FIELDS))
    if max(n_crop, n_evaluation) >= 2 and n_crop != n_evaluation:
        return ImportKind.CROPS if n_crop > n_evaluation else ImportKind.EVALUATIONS
    is_cellmap = {"class_label", "translation"} <= set(fields)
    raise ImportUsageError(
        "neither crops nor evaluations",
        thing,
        expected=f"crops with {', '.join(CROP_FIELDS[:5])}, or evaluations with {', '.join(EVALUATION_FIELDS[:6])}",
        found=f"documents with {_some(fields)}",
        hint="The cellmap table is imported by `oomirror crops import-manifest`." if is_cellmap else "",
    )


def first_documents(readings: Readings, thing: str) -> list[Mapping[str, Any]]:
    """Return the fields of the first documents of a source.

    Raises
    ------
    NothingToImportError
        There is none.
    ImportFailedError
        There is none that can be read.
    """
    tried = list(islice(readings, N_FIRST))
    while not any(isinstance(reading, Parsed) for reading in tried) and len(tried) < _N_TRIED:
        more = list(islice(readings, N_FIRST))
        if not more:
            break
        tried += more
    first = [reading.fields for reading in tried if isinstance(reading, Parsed)]
    for reading in tried[:1] if not first else ():
        if isinstance(reading, Unreadable):
            what = "none of the documents can be read"
            raise ImportFailedError(what, f"{thing}, {reading.place}", expected=reading.expected, found=reading.found)
    if not first:
        raise NothingToImportError("there is no document to import", thing, found="none")
    return first


def _some(fields: list[str]) -> str:
    shown = [name if len(name) <= 40 else f"{name[:40]}..." for name in fields[:12]]
    more = f" and {len(fields) - len(shown)} more" if len(fields) > len(shown) else ""
    return ", ".join(shown) + more if shown else "no field at all"


def _unknown_form(thing: str, found: str, hint: str = "") -> ImportUsageError:
    expected = "BSON, Extended JSON, CSV, or Python literals, packed by gzip or not"
    return ImportUsageError("no documents that can be imported", thing, expected=expected, found=found, hint=hint)


def _is_bson(head: bytes) -> bool:
    if len(head) <= 5:
        # Too short for any document: what is no text was to be BSON, and its reader says what is missing.
        return any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in head) or not _is_utf8(head)
    length = int.from_bytes(head[:4], "little", signed=True)
    if not 5 <= length <= LARGEST_BYTES or head[4] not in _BSON_TYPES:
        return False
    name = head[5 : min(length, len(head))].partition(b"\0")[0]
    return length == 5 or head[4] == 0 or all(byte >= 0x20 for byte in name)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _utf16_of(head: bytes) -> str | None:
    """Return the name of the encoding where the head is text in UTF-16, with its mark or without."""
    encoding = _UTF16_MARKS.get(head[:2])
    if encoding and _is_plain(head[2:10].decode(encoding, errors="replace")):
        return "utf-16"
    for guess in ("utf-16-le", "utf-16-be"):
        if len(head) >= 8 and b"\0" in head[:2] and _is_plain(head[:8].decode(guess, errors="replace")):
            return "utf-16"
    return None


def _is_plain(text: str) -> bool:
    return bool(text) and all(
        character.isascii() and (character.isprintable() or character.isspace()) for character in text
    )


def _form_of_text(text: str) -> Form | None:
    """Return the form of a text; each case is told by the first brackets and quotes."""
    marks = "".join(text[: 2**16].split())[:4]
    match marks[:1], marks[1:2], marks[2:3]:
        case "{", "'", _:
            return _lines_or_rows(text, PYTHON_SYNTAX, Form.LITERAL_LINES, Form.LITERALS_IN_A_ROW)
        case "{", _, _:
            return _lines_or_rows(text, JSON_SYNTAX, Form.JSON_LINES, Form.JSON_IN_A_ROW)
        case "[", "(", "'" | '"':
            return _lines_or_rows(text, PYTHON_SYNTAX, Form.LITERAL_LINES, Form.LITERALS_IN_A_ROW)
        case ("[", "(" | "[", _) | ("[", "{", "'"):
            return Form.LITERAL_LIST
        case "[", _, _:
            return Form.JSON_LIST
        case _:
            return Form.CSV if _is_csv(text) else None


def _lines_or_rows(text: str, syntax: Syntax, lines: Form, rows: Form) -> Form:
    """Tell a document a line from documents over several lines.

    A first line that is damaged must not hide the others: there the second decides, which begins a document, too.
    """
    first, *others = (line for line in text.splitlines() if line.strip()) if text.strip() else [""]
    return lines if is_closed(first, syntax) or (others and others[0][0] in "[{") else rows


def _is_csv(text: str) -> bool:
    names = {name.strip(' "\t').partition(".")[0] for name in text.lstrip().partition("\n")[0].strip().split(",")}
    return len(names) > 1 or bool(names.intersection(CROP_FIELDS + EVALUATION_FIELDS + ("_id",)))

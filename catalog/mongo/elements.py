"""Texts with documents over several lines: cut into pieces by their brackets, some in memory at a time."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from catalog.mongo.file_bytes import FileBytes
from catalog.mongo.parsed import DOCUMENT_LIMIT_BYTES, ParseText, Readings, parse_at

_OPENING = "{[("
_BLANKS = " \t\r\n\f"


@dataclass(frozen=True, slots=True)
class Syntax:
    """Where brackets are brackets: each pattern takes what leads to the next mark, and the mark as its group."""

    to_bracket: re.Pattern[str]
    to_bracket_or_comma: re.Pattern[str]
    to_outer_bracket: re.Pattern[str]
    """Passes over a pair of brackets without brackets in it: half the time, as most of a document's are such pairs."""


def _syntax(opaque: str, first_characters: str) -> Syntax:
    """Return the syntax in which brackets mean nothing inside what `opaque` matches."""
    brackets = r"{}\[\]()"
    plain = rf"[^{brackets}{first_characters}]++|{opaque}"
    pair = rf"[{{\[(](?:{plain})*+[}}\])]"
    return Syntax(
        to_bracket=re.compile(rf"(?:{plain})*+([{brackets}])", re.DOTALL),
        to_bracket_or_comma=re.compile(rf"(?:[^{brackets},{first_characters}]++|{opaque})*+([{brackets},])", re.DOTALL),
        to_outer_bracket=re.compile(rf"(?:{plain}|{pair})*+([{brackets}])", re.DOTALL),
    )


_DOUBLE_QUOTED = r'"(?:[^"\\]++|\\.)*+"'
_SINGLE_QUOTED = r"'(?:[^'\\]++|\\.)*+'"
JSON_SYNTAX = _syntax(_DOUBLE_QUOTED, '"')
PYTHON_SYNTAX = _syntax(rf"{_DOUBLE_QUOTED}|{_SINGLE_QUOTED}|#[^\n]*+\n", "\"'#")


class Layout(Enum):
    """How the documents of a text follow each other."""

    IN_ONE_LIST = auto()
    ONE_AFTER_ANOTHER = auto()


def check(stream: FileBytes, syntax: Syntax, layout: Layout) -> None:
    """Go through all brackets, and raise unless they close.

    Raises
    ------
    ImportFailedError
        A bracket is open at the end of the file, something follows the list, a piece is longer than any document,
        or bytes are not UTF-8.
    """
    for _ in _pieces(stream, syntax, layout):
        pass


def read(stream: FileBytes, syntax: Syntax, layout: Layout, parse: ParseText) -> Readings:
    """Yield what the pieces hold; one that is no document does not hide those after it."""
    for number, (line, text) in enumerate(_pieces(stream, syntax, layout), 1):
        yield parse_at(f"document {number} (line {line})", text, parse)


def is_closed(text: str, syntax: Syntax) -> bool:
    """Return whether the text has brackets, and all of them close.

    >>> is_closed("[('a', ']')]", PYTHON_SYNTAX), is_closed('{"a": [1, 2', JSON_SYNTAX)
    (True, False)
    """
    marks = [match.group(1) for match in syntax.to_bracket.finditer(text)]
    return bool(marks) and 2 * sum(mark in _OPENING for mark in marks) == len(marks)


def _pieces(stream: FileBytes, syntax: Syntax, layout: Layout) -> Iterator[tuple[int, str]]:
    """Yield each document's text, and the line on which it begins."""
    text = _Text(stream)
    match layout:
        case Layout.IN_ONE_LIST:
            return _within_list(text, syntax)
        case Layout.ONE_AFTER_ANOTHER:
            return _in_a_row(text, syntax)


def _within_list(text: _Text, syntax: Syntax) -> Iterator[tuple[int, str]]:
    text.find(syntax.to_bracket)
    text.take()
    depth = 1
    while depth:
        mark = text.find(syntax.to_bracket_or_comma if depth == 1 else syntax.to_outer_bracket)
        if mark is None:
            raise text.stream.failed("] at the end of the list", "the end of the file", "The file was cut off.")
        if mark != ",":
            depth += 1 if mark in _OPENING else -1
        if depth == 0 or (mark == "," and depth == 1):
            line, piece = text.take(without=1)
            if piece or mark == ",":
                yield line, piece
    text.find(syntax.to_bracket)
    line, rest = text.take_rest()
    if rest:
        raise text.stream.failed("nothing after the end of the list", f"{rest[:20]!r} on line {line}")


def _in_a_row(text: _Text, syntax: Syntax) -> Iterator[tuple[int, str]]:
    depth = 0
    while mark := text.find(syntax.to_outer_bracket if depth else syntax.to_bracket):
        depth += 1 if mark in _OPENING else -1
        if depth <= 0:
            depth = 0
            yield text.take()
    line, rest = text.take_rest()
    if depth:
        expected = f"the end of the document that begins on line {line}"
        raise text.stream.failed(expected, "the end of the file", "The file was cut off.")
    if rest.strip(","):
        yield line, rest


class _Text:
    """The text of a stream, of which what is not taken yet is in memory."""

    def __init__(self, stream: FileBytes) -> None:
        stream.skip_utf8_mark()
        self.stream = stream
        self._chunks = _decoded(stream)
        self._buffer = ""
        self._start = 0
        """Of what is not taken yet."""
        self._position = 0
        """Up to which marks were looked for."""
        self._line = 1
        """On which `_start` lies."""

    def find(self, pattern: re.Pattern[str]) -> str | None:
        """Go past the next mark and return it; None where none comes."""
        while True:
            match = pattern.match(self._buffer, self._position)
            if match:
                self._position = match.end()
                return match.group(1)
            if not self._grow():
                return None

    def take(self, *, without: int = 0) -> tuple[int, str]:
        """Return the text up to behind the last mark, or `without` it, and the line on which it begins."""
        taken = self._buffer[self._start : self._position - without]
        self._start = self._position
        return self._placed(taken)

    def take_rest(self) -> tuple[int, str]:
        """Return the text to the end, when `find` found no mark."""
        taken = self._buffer[self._start :]
        self._start = self._position = len(self._buffer)
        return self._placed(taken)

    def _placed(self, taken: str) -> tuple[int, str]:
        text = taken.lstrip(_BLANKS + ",")
        line = self._line + taken.count("\n", 0, len(taken) - len(text))
        self._line += taken.count("\n")
        return line, text.rstrip(_BLANKS)

    def _grow(self) -> bool:
        kept = self._buffer[self._start :]
        if len(kept) > DOCUMENT_LIMIT_BYTES:
            expected = f"documents of at most {DOCUMENT_LIMIT_BYTES} bytes"
            raise self.stream.failed(expected, f"a longer one, which begins on line {self._line}")
        # At least doubled: a text without marks is looked through anew each time, and not as often as it has chunks.
        added = "".join(_at_least(len(kept), self._chunks))
        if not added:
            return False
        self._buffer = kept + added
        self._position -= self._start
        self._start = 0
        return True


def _at_least(n_characters: int, chunks: Iterator[str]) -> Iterator[str]:
    taken = 0
    for chunk in chunks:
        yield chunk
        taken += len(chunk)
        if chunk and taken >= n_characters:
            return


def _decoded(stream: FileBytes) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    while True:
        before = stream.offset
        data = stream.read()
        try:
            yield decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            # The decoder's bytes begin with those of a character that the chunk before did not end.
            offset = before - (len(error.object) - len(data)) + error.start
            found = f"byte {error.object[error.start]:#04x} at offset {offset}"
            raise stream.failed("text in UTF-8", found) from error
        if not data:
            return

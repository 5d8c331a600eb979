"""Files with a document a line: a line that holds none does not hide the others."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.mongo.documents import Unreadable
from catalog.mongo.file_bytes import FileBytes
from catalog.mongo.parsed import DOCUMENT_LIMIT_BYTES, ParseText, Readings, parse_at


def check(stream: FileBytes) -> None:
    """Raise if a packed file is cut off or damaged: lines have no structure beyond themselves.

    Raises
    ------
    ImportFailedError
        It cannot be unpacked.
    """
    if stream.is_packed:
        stream.drain()


def read(stream: FileBytes, parse: ParseText) -> Readings:
    """Yield what the lines hold; empty lines are passed over."""
    for number, line in numbered_lines(stream):
        place = f"line {number}"
        if isinstance(line, Unreadable):
            yield line
        elif text := line.strip():
            yield parse_at(place, text, parse)


def numbered_lines(stream: FileBytes) -> Iterator[tuple[int, str | Unreadable]]:
    """Yield number and text of each line, of the first without a byte order mark."""
    stream.skip_utf8_mark()
    number = 0
    while data := stream.read_line(DOCUMENT_LIMIT_BYTES):
        number += 1
        if len(data) == DOCUMENT_LIMIT_BYTES and not data.endswith(b"\n"):
            _skip_line(stream)
            yield number, Unreadable(f"line {number}", f"at most {DOCUMENT_LIMIT_BYTES} bytes", "a longer line")
            continue
        try:
            yield number, data.decode()
        except UnicodeDecodeError as error:
            found = f"byte {data[error.start]:#04x} at column {error.start + 1}"
            yield number, Unreadable(f"line {number}", "text in UTF-8", found)


def _skip_line(stream: FileBytes) -> None:
    while (data := stream.read_line(DOCUMENT_LIMIT_BYTES)) and not data.endswith(b"\n"):
        pass

"""Files of BSON documents, one after the other, as mongodump writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bson import decode
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

from catalog.mongo.file_bytes import FileBytes
from catalog.mongo.parsed import NotADocumentError, Parsed, Readings

LARGEST_BYTES = 16 * 2**20 + 16 * 2**10
"""What a server stores: 16 MiB, and what it adds of its own."""
_SMALLEST_BYTES = 5
CODEC_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=True,
    # A date that Python cannot hold stays a number of milliseconds, and the document is not lost for it.
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)


def decode_document(data: bytes) -> dict[str, Any]:
    """Return the fields in their order; of two fields of one name the last, as every driver does.

    Raises
    ------
    NotADocumentError
        It is no valid BSON: its text is not UTF-8, a type is unknown, lengths do not fit.
    """
    try:
        return decode(data, CODEC_OPTIONS)
    except (BSONError, ValueError, RecursionError) as error:
        raise NotADocumentError("a BSON document", str(error)) from error


def check(stream: FileBytes) -> None:
    """Go through the lengths of all documents, and raise unless they fill the file.

    Raises
    ------
    ImportFailedError
        It is cut off, or what stands at some offset is no document.
    """
    for _ in _frames(stream):
        pass


def read(stream: FileBytes) -> Readings:
    """Yield the documents; one that cannot be decoded does not hide those after it."""
    for number, data in enumerate(_frames(stream), 1):
        place = f"document {number}"
        try:
            yield Parsed(decode_document(data), place)
        except NotADocumentError as error:
            yield error.at(place)


def _frames(stream: FileBytes) -> Iterator[bytes]:
    while True:
        start = stream.offset
        head = stream.read(4)
        if not head:
            return
        length = int.from_bytes(head, "little", signed=True) if len(head) == 4 else None
        if length is None:
            raise stream.failed(f"the 4 bytes of a length at offset {start}", f"the end of the file after {len(head)}")
        if not _SMALLEST_BYTES <= length <= LARGEST_BYTES:
            expected = f"a document of {_SMALLEST_BYTES} to {LARGEST_BYTES} bytes at offset {start}"
            raise stream.failed(expected, f"a length of {length}")
        data = head + stream.read(length - 4)
        if len(data) < length:
            expected = f"a document of {length} bytes at offset {start}"
            raise stream.failed(expected, f"the end of the file after {len(data)}", "The dump was cut off.")
        if data[-1]:
            raise stream.failed(f"a zero at the end of the document at offset {start}", f"byte {data[-1]:#04x}")
        yield data

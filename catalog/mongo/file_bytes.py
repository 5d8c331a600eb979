"""The bytes of one file, unpacked where it is packed; what goes wrong below is said with the file's path."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from catalog.errors import ImportFailedError

CHUNK_BYTES = 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
_TROUBLES = (EOFError, zlib.error, OSError)
"""What reading raises; `BadGzipFile` is an OSError."""


class FileBytes:
    """A file that is open for reading, at some offset in what it holds unpacked."""

    def __init__(self, path: Path, raw: BinaryIO, *, is_packed: bool) -> None:
        self.path = path
        self.is_packed = is_packed
        self.offset = 0
        """Of the next byte, in the unpacked bytes."""
        self._raw = raw

    def read(self, n_bytes: int = CHUNK_BYTES) -> bytes:
        """Return that many bytes, fewer at the end of the file.

        Raises
        ------
        ImportFailedError
            The disk failed, or the packed bytes are cut off or damaged.
        """
        try:
            data = self._raw.read(n_bytes)
        except _TROUBLES as error:
            raise self._told(error) from error
        self.offset += len(data)
        return data

    def read_line(self, limit_bytes: int) -> bytes:
        """Return the next line with its end, cut after `limit_bytes`; nothing at the end of the file.

        Raises
        ------
        ImportFailedError
            As of `read`.
        """
        try:
            data = self._raw.readline(limit_bytes)
        except _TROUBLES as error:
            raise self._told(error) from error
        self.offset += len(data)
        return data

    def skip_utf8_mark(self) -> None:
        """Go past the byte order mark with which some programs begin a file of UTF-8; only at the start."""
        try:
            peeked = self._raw.peek(3)[:3]  # type: ignore[attr-defined]
        except _TROUBLES as error:
            raise self._told(error) from error
        if peeked == _UTF8_MARK:
            self.read(3)

    def drain(self) -> None:
        """Read all the rest, to know that it can be."""
        while self.read():
            pass

    def failed(self, expected: str, found: str, hint: str = "") -> ImportFailedError:
        """Return the error that this file cannot be read any further."""
        return ImportFailedError("cannot read the documents", str(self.path), expected=expected, found=found, hint=hint)

    def _told(self, error: Exception) -> ImportFailedError:
        """Return what went wrong, with the file's path."""
        # No context manager around each read: there are four reads to a document.
        if isinstance(error, EOFError):
            return self.failed("the end of the gzip stream", f"the end of the file after {self.offset} bytes")
        if isinstance(error, (gzip.BadGzipFile, zlib.error)):
            return self.failed("bytes that gzip packed", f"damage after {self.offset} unpacked bytes: {error}")
        reason = error.strerror if isinstance(error, OSError) else None
        return self.failed("a file that can be read", reason or str(error))


@contextmanager
def open_bytes(path: Path) -> Iterator[FileBytes]:
    """Open a file, packed by gzip or not, for the time of the block.

    Raises
    ------
    ImportFailedError
        It cannot be opened.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ImportFailedError("cannot open the file", str(path), found=error.strerror or str(error)) from error
    with file:
        if file.peek(2)[:2] != _GZIP_MAGIC:
            yield FileBytes(path, file, is_packed=False)
            return
        with gzip.GzipFile(fileobj=file) as packed, io.BufferedReader(packed, CHUNK_BYTES) as unpacked:
            yield FileBytes(path, unpacked, is_packed=True)

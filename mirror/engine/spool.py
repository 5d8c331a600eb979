"""Listed objects kept on local disk while a run compares and transfers them, so that memory does not grow with them."""

from __future__ import annotations

import marshal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

Row = tuple[str, int, str, int]
"""(key below the shard's prefix, bytes, ETag, seconds since 1970)"""

Page = tuple[int, int]
"""(offset, length) in the spool."""


class Spool:
    """An unnamed temporary file of pages; gone when it is closed or the process dies. Thread-safe."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="oomirror-")  # noqa: SIM115 - closed by __exit__
        self._lock = threading.Lock()
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, rows: Sequence[tuple[Any, ...]]) -> Page:
        """Keep a page of rows of plain values; return where it lies."""
        # marshal: the file lives and dies with this interpreter, and it is ten times as fast as pickle or JSON.
        data = marshal.dumps(list(rows))
        with self._lock:
            page = (self._end, len(data))
            self._file.seek(self._end)
            self._file.write(data)
            self._end += len(data)
        return page

    def rows(self, pages: Sequence[Page]) -> Iterator[Any]:
        """Yield the rows of the pages as tuples, in their order."""
        for offset, length in pages:
            with self._lock:
                self._file.seek(offset)
                data = self._file.read(length)
            yield from marshal.loads(data)  # noqa: S302 - our own bytes, see add

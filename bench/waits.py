"""How long others wait for the catalog while something is done to it."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

_PAUSE_SECONDS = 0.02


class Waits:
    """A writer and a reader in threads, who look at a SQLite catalog all the time: `with Waits(file) as waits`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._write), threading.Thread(target=self._read)]
        self.longest_write_seconds = 0.0
        """To begin a transaction that writes."""
        self.longest_read_seconds = 0.0
        """To read a row."""

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _write(self) -> None:
        with closing(sqlite3.connect(self._file, timeout=600, isolation_level=None)) as connection:
            while not self._over.wait(_PAUSE_SECONDS):
                started = time.perf_counter()
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                self.longest_write_seconds = max(self.longest_write_seconds, time.perf_counter() - started)

    def _read(self) -> None:
        with closing(sqlite3.connect(self._file, timeout=600, isolation_level=None)) as connection:
            while not self._over.wait(_PAUSE_SECONDS):
                started = time.perf_counter()
                connection.execute("SELECT max(id) FROM snapshot").fetchone()
                self.longest_read_seconds = max(self.longest_read_seconds, time.perf_counter() - started)

"""The file of `--log`: lines with their time, for people, from several processes; turned over when it is large."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from mirror.errors import UsageError
from mirror.report.numbers import format_utc

MAX_BYTES = 1_000_000
KEPT = 9
"""Older files, as `FILE.1` to `FILE.9`."""
_LOCK_SECONDS = 1.0


class TextLog:
    """Appends to a file. A file that can no longer be written ends no run.

    Not logging's handler: of two processes that write one file, it lets each turn over what the other has just begun.
    Here each line opens the file anew, under a lock that is the file's own.

    Raises
    ------
    UsageError
        The file cannot be opened.
    """

    def __init__(self, file: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._kept = kept
        self.is_broken = False
        try:
            with self._opened():
                pass
        except OSError as error:
            raise UsageError("cannot write the log", str(file), found=str(error.strerror)) from error

    def write(self, text: str) -> None:
        """Write a text, each of its lines with the time and the number of this process."""
        start = f"{format_utc(datetime.now(UTC))} [{os.getpid()}] "
        lines = "".join(f"{start}{line}\n" for line in text.splitlines())
        try:
            self._append(lines.encode("utf-8", "backslashreplace"))
        except OSError:
            self.is_broken = True

    def _append(self, data: bytes) -> None:
        with self._opened() as (descriptor, is_ours):
            if not is_ours or not _is_full(descriptor, len(data), self._max_bytes):
                os.write(descriptor, data)
                return
            self._turn_over()
        with self._opened() as (descriptor, _):
            os.write(descriptor, data)

    @contextmanager
    def _opened(self) -> Iterator[tuple[int, bool]]:
        """Yield the file that has the name now, and whether its lock is ours."""
        while True:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                is_ours = _lock(descriptor)
                if _is_named(descriptor, self._file):
                    yield descriptor, is_ours
                    return
            finally:
                os.close(descriptor)

    def _turn_over(self) -> None:
        names = [self._file, *(self._file.with_name(f"{self._file.name}.{n}") for n in range(1, self._kept + 1))]
        for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
            with suppress(FileNotFoundError):
                newer.replace(older)


def _is_full(descriptor: int, n_more: int, max_bytes: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and size + n_more > max_bytes


def _is_named(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(file))
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> bool:
    """Return whether the file's lock was got: a process that was suspended with it must not hold up a run."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.005)
        except OSError:
            return False
        else:
            return True

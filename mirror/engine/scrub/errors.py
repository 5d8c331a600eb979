"""Whether files cannot be read because the disk has bad sectors, or because the whole share is going."""

from __future__ import annotations

from mirror.errors import UnsafeError

MOST_IO_ERRORS = 20
"""Fewer are the files' own."""


_WINDOW_TRIES = 200


class IoErrors:
    """Counts what was tried to be read, and what the disk did not give, over some hundred tries."""

    def __init__(self) -> None:
        self._n_tries = 0
        self._n_errors = 0

    def add(self, n_tries: int, n_errors: int) -> None:
        """Count files, or folders as a whole, and the errors among them."""
        self._n_tries += n_tries
        self._n_errors += n_errors

    def check(self, where: str) -> None:
        """Pass over some bad files.

        Raises
        ------
        UnsafeError
            Most of what was tried cannot be read, and it is much: then nothing is known of any of it.
        """
        if self._n_errors >= MOST_IO_ERRORS and 2 * self._n_errors > self._n_tries:
            raise UnsafeError(
                "the share does not give its files",
                where,
                found=f"{self._n_errors:,} input/output errors in {self._n_tries:,} tries",
                hint="Look at its disk, or its server; then run the same command again.",
            )
        if self._n_tries >= _WINDOW_TRIES:
            self._n_tries = self._n_errors = 0

"""The fast path: many small objects over our own ring of connections where that serves, all else by another reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from mirror.errors import StoreError
from mirror.store.base import Answer, Body, WriteAt
from mirror.store.wire import Wire


class SingleReader(Protocol):
    """Reads one object at a time; blocking, called from many threads at once."""

    def get(self, key: str) -> Body:
        """Return the whole object; see `mirror.store.base.BulkReader`."""
        ...

    def copy_range(self, key: str, start: int, stop: int, etag: str, write: WriteAt) -> int:
        """Hand a range of the object to `write`; see `mirror.store.base.BulkReader`."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class BulkStore:
    """Reads objects of one bucket. Thread-safe; makes no retries.

    Parameters
    ----------
    single
        Reads whole objects one at a time, and ranges.
    wire
        Reads many objects at a time; None where it cannot serve.
    """

    def __init__(self, single: SingleReader, wire: Wire | None = None) -> None:
        self._single = single
        self._wire = wire

    @property
    def has_ring(self) -> bool:
        """Whether one thread keeps many requests in flight."""
        return self._wire is not None

    def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            self._wire.close()
        self._single.close()

    def get(self, key: str) -> Body:
        """Return the whole object; see `mirror.store.base.BulkReader`."""
        return self._single.get(key)

    def get_many(self, keys: Sequence[str], *, in_flight: int, is_stopped: Callable[[], bool]) -> Iterator[Answer]:
        """Yield each key with its object; see `mirror.store.base.BulkReader`."""
        if self._wire is not None:
            yield from self._wire.get_many(keys, in_flight=in_flight, is_stopped=is_stopped)
            return
        for key in keys:
            if is_stopped():
                return
            try:
                yield key, self.get(key)
            except StoreError as error:
                yield key, error

    def copy_range(self, key: str, start: int, stop: int, etag: str, write: WriteAt) -> int:
        """Hand a range of the object to `write`, piece by piece; see `mirror.store.base.BulkReader`."""
        return self._single.copy_range(key, start, stop, etag, write)

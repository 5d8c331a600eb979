"""The fast path: many small objects over our own ring of connections where that serves, all else by another reader."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Protocol

from mirror.errors import StoreError, UnreachableError
from mirror.store.base import Answer, Ask, Body, Lull, WriteAt
from mirror.store.connection import Connection
from mirror.store.wire import Wire

_DRY_SECONDS = 0.01


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
    open_single
        Opens what reads ranges, and whole objects where there is no wire; called when it is first needed, if ever.
    wire
        Reads many objects at a time; None where it cannot serve.
    """

    def __init__(self, open_single: Callable[[], SingleReader], wire: Wire | None = None) -> None:
        self._open_single = open_single
        self._single: SingleReader | None = None
        self._lock = threading.Lock()
        self._wire = wire

    @property
    def has_ring(self) -> bool:
        """Whether one thread keeps many requests in flight."""
        return self._wire is not None

    @property
    def waited_seconds(self) -> float:
        """Time that was spent waiting over the ring; see `mirror.store.base.BulkReader`."""
        return self._wire.waited_seconds if self._wire is not None else 0.0

    def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            self._wire.close()
        if self._single is not None:
            self._single.close()

    def get(self, key: str) -> Body:
        """Return the whole object; see `mirror.store.base.BulkReader`."""
        if self._wire is None:
            return self._opened().get(key)
        # Over the ring also where it is only one: to open the other client takes longer than a few documents.
        answers = self._wire.stream(iter([Ask(key, 0)]), in_flight=lambda: 1, is_stopped=lambda: False)
        # Closed here and now: an error's traceback would hold it, and its connection, for as long as the error lives.
        with closing(answers):
            for _, answer in filter(None, answers):
                if isinstance(answer, StoreError):
                    raise answer
                return answer
        raise UnreachableError("cannot read: the connections are closed", self._wire.thing(key))

    def stream(
        self, asks: Iterator[Ask | Lull], *, in_flight: Callable[[], int], is_stopped: Callable[[], bool]
    ) -> Generator[Answer | None, None, None]:
        """Yield each object that is asked for; see `mirror.store.base.BulkReader`."""
        if self._wire is not None:
            yield from self._wire.stream(asks, in_flight=in_flight, is_stopped=is_stopped)
            return
        for ask in asks:
            if is_stopped():
                return
            if isinstance(ask, Lull):
                time.sleep(_DRY_SECONDS if ask is Lull.DRY else 0)
                yield None
                continue
            try:
                yield ask.key, self.get(ask.key)
            except StoreError as error:
                yield ask.key, error

    def copy_range(self, key: str, start: int, stop: int, etag: str, write: WriteAt) -> int:
        """Hand a range of the object to `write`, piece by piece; see `mirror.store.base.BulkReader`."""
        return self._opened().copy_range(key, start, stop, etag, write)

    def _opened(self) -> SingleReader:
        with self._lock:  # Opened once: it has a pool of connections of its own.
            if self._single is None:
                self._single = self._open_single()
            return self._single


def open_ring(connection: Connection) -> BulkStore:
    """Return the reader of a public bucket that is reached directly: our ring, with obstore beside it."""
    from mirror.store.rust import RustStore

    return BulkStore(lambda: RustStore(connection), Wire(connection))

"""aioboto3 for many threads: the bulk transport for whatever the fast path cannot serve, at ten times its CPU."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AsyncExitStack, contextmanager
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from mirror.errors import BrokenTransferError, ObjectChangedError, StoreError
from mirror.store.base import PIECE_BYTES, Answer, Ask, Body, Lull, WriteAt
from mirror.store.connection import Connection
from mirror.store.loop import LoopThread
from mirror.store.s3 import CarefulStore, ObjectStream, open_careful_store
from mirror.store.wire import MAX_BYTES_IN_FLIGHT

MAX_CONNECTIONS = 1024
"""As many as requests may be in flight at most."""
_PATIENCE_SECONDS: dict[Lull | None, float] = {None: 0.1, Lull.DRY: 0.01, Lull.BUSY: 0.0}
"""How long a thread waits for an answer before it looks whether it is to stop, or whether there is more to ask."""

T = TypeVar("T")


class _Flight:
    """What one thread has asked for and not got yet."""

    def __init__(self, asks: Iterator[Ask | Lull], start: Callable[[Ask], Future[Body]]) -> None:
        self._asks = asks
        self._start = start
        self._asked: dict[Future[Body], Ask] = {}
        self._n_bytes = 0
        self._landed: SimpleQueue[Future[Body]] = SimpleQueue()
        self._is_at_end = False

    @property
    def is_done(self) -> bool:
        return self._is_at_end and not self._asked

    def fill(self, limit: int) -> Lull | None:
        """Ask for what there is room for; return what keeps the rest from being asked for, if that is not room."""
        while not self._is_at_end and self._has_room(limit):
            ask = next(self._asks, None)
            if isinstance(ask, Lull):
                return ask
            if ask is None:
                self._is_at_end = True
                break
            future = self._start(ask)
            self._asked[future] = ask
            self._n_bytes += ask.n_bytes
            future.add_done_callback(self._landed.put)
        return None

    def _has_room(self, limit: int) -> bool:
        return not self._asked or (len(self._asked) < limit and self._n_bytes < MAX_BYTES_IN_FLIGHT)

    def wait(self, lull: Lull | None) -> tuple[Ask, Future[Body]] | None:
        """Return what has landed, None if nothing does for a while."""
        try:
            future = self._landed.get(timeout=_PATIENCE_SECONDS[lull])
        except Empty:
            return None
        ask = self._asked.pop(future)
        self._n_bytes -= ask.n_bytes
        return ask, future

    def cancel(self) -> None:
        for future in self._asked:
            future.cancel()


class PatientStore:
    """Reads objects of one bucket. Thread-safe; makes no retries."""

    has_ring = True
    """One thread keeps many requests in flight: they are coroutines of one event loop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._loop = LoopThread("oomirror-aioboto3")
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._opened_store: CarefulStore | None = None
        self.waited_seconds = 0.0
        """Time that threads spent waiting for answers; of several threads about, for nothing is locked."""

    def close(self) -> None:
        """Close the connections; a thread that still waits gets an error."""
        self._loop.close(self._stack.aclose())

    def get(self, key: str) -> Body:
        """Return the whole object; see `mirror.store.base.BulkReader`."""
        return self._run(self._get(key), key)

    def stream(
        self, asks: Iterator[Ask | Lull], *, in_flight: Callable[[], int], is_stopped: Callable[[], bool]
    ) -> Generator[Answer | None, None, None]:
        """Yield each object that is asked for; see `mirror.store.base.BulkReader`."""
        flight = _Flight(asks, lambda ask: self._loop.start(self._get(ask.key)))
        try:
            while not (flight.is_done or is_stopped()):
                lull = flight.fill(in_flight())
                started = time.monotonic()
                landed = flight.wait(lull)
                self.waited_seconds += time.monotonic() - started
                yield landed and (landed[0].key, self._answer(landed[1], landed[0].key))
        finally:
            flight.cancel()

    def copy_range(self, key: str, start: int, stop: int, etag: str, write: WriteAt) -> int:
        """Hand a range of the object to `write`, piece by piece; see `mirror.store.base.BulkReader`."""
        thing = self._connection.url.url_of(key)
        with self._opened(key, start, stop, etag) as stream:
            if stream.etag != etag:
                raise ObjectChangedError(
                    "the object changed while it was read", thing, expected=etag, found=stream.etag
                )
            offset = start
            # Each piece is asked for when the one before is written: memory holds one, however slow the share is.
            while piece := self._run(stream.read(PIECE_BYTES), key):
                write(piece, offset)
                offset += len(piece)
        if offset != stop:
            raise BrokenTransferError(
                "got another range than asked for", thing, expected=f"{stop - start} B", found=f"{offset - start} B"
            )
        return stream.last_modified

    @contextmanager
    def _opened(self, key: str, start: int, stop: int, etag: str) -> Iterator[ObjectStream]:
        stack, stream = self._run(self._open(key, start, stop, etag), key)
        try:
            yield stream
        finally:
            self._run(stack.aclose(), key)

    async def _open(self, key: str, start: int, stop: int, etag: str) -> tuple[AsyncExitStack, ObjectStream]:
        stack, store = AsyncExitStack(), await self._store()
        return stack, await stack.enter_async_context(store.open(key, if_match=etag, byte_range=(start, stop)))

    async def _get(self, key: str) -> Body:
        return await (await self._store()).get(key)

    async def _store(self) -> CarefulStore:
        async with self._opening:
            if self._opened_store is None:
                store = open_careful_store(self._connection, max_connections=MAX_CONNECTIONS)
                self._opened_store = await self._stack.enter_async_context(store)
            return self._opened_store

    def _answer(self, future: Future[Body], key: str) -> Body | StoreError:
        try:
            return self._result(future, key)
        except StoreError as error:
            return error

    def _run(self, work: Coroutine[Any, Any, T], key: str) -> T:
        return self._result(self._loop.start(work), key)

    def _result(self, future: Future[T], key: str) -> T:
        try:
            return future.result()
        except CancelledError as error:
            raise BrokenTransferError("the run ended while reading", self._connection.url.url_of(key)) from error

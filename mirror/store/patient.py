"""aioboto3 for many threads: the bulk transport for whatever the fast path cannot serve, at ten times its CPU."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AsyncExitStack, contextmanager
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from mirror.errors import BrokenTransferError, ObjectChangedError, StoreError
from mirror.store.base import PIECE_BYTES, Answer, Body, WriteAt
from mirror.store.connection import Connection
from mirror.store.loop import LoopThread
from mirror.store.s3 import CarefulStore, ObjectStream, open_careful_store

MAX_CONNECTIONS = 1024
"""As many as requests may be in flight at most."""
_ASKED_EVERY_SECONDS = 0.2
"""How often a thread that waits for an answer asks whether it is to stop."""

T = TypeVar("T")


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

    def close(self) -> None:
        """Close the connections; a thread that still waits gets an error."""
        self._loop.close(self._stack.aclose())

    def get(self, key: str) -> Body:
        """Return the whole object; see `mirror.store.base.BulkReader`."""
        return self._run(self._get(key), key)

    def get_many(self, keys: Sequence[str], *, in_flight: int, is_stopped: Callable[[], bool]) -> Iterator[Answer]:
        """Yield each key with its object; see `mirror.store.base.BulkReader`."""
        waiting = deque(keys)
        asked: dict[Future[Body], str] = {}
        ready: SimpleQueue[Future[Body]] = SimpleQueue()
        try:
            while (waiting or asked) and not is_stopped():
                while waiting and len(asked) < in_flight:
                    key = waiting.popleft()
                    future = self._loop.start(self._get(key))
                    asked[future] = key
                    future.add_done_callback(ready.put)
                try:
                    future = ready.get(timeout=_ASKED_EVERY_SECONDS)
                except Empty:
                    continue
                key = asked.pop(future)
                yield key, self._answer(future, key)
        finally:
            for future in asked:
                future.cancel()

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

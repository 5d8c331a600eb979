"""One bucket with the transports that reach it, each opened when it is first used."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from mirror.store.anonymous import AnonymousLister
from mirror.store.base import BulkReader, CarefulReader, Lister
from mirror.store.bulk import BulkStore
from mirror.store.connection import Connection
from mirror.store.s3 import CarefulStore, open_careful_store


class Bucket:
    """Lister, bulk reader and careful reader of one bucket. Use as `async with`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.url = connection.url
        self._stack = AsyncExitStack()
        self._lister: Lister | None = None
        self._careful: CarefulStore | None = None
        self._bulk: BulkStore | None = None

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    async def lister(self) -> Lister:
        """Return what lists the bucket: aiohttp where no signature is asked for, else aioboto3."""
        if self._lister is None:
            if self.connection.anonymous and not self.connection.requester_pays:
                self._lister = await self._stack.enter_async_context(AnonymousLister(self.connection))
            else:
                self._lister = await self._open_careful()
        return self._lister

    async def careful(self) -> CarefulReader:
        """Return what reads one object with all its headers."""
        return await self._open_careful()

    def bulk(self) -> BulkReader:
        """Return what reads at full speed from many threads."""
        if self._bulk is None:
            self._bulk = BulkStore(self.connection)
            self._stack.callback(self._bulk.close)
        return self._bulk

    async def _open_careful(self) -> CarefulStore:
        if self._careful is None:
            self._careful = await self._stack.enter_async_context(open_careful_store(self.connection))
        return self._careful

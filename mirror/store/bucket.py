"""One bucket with the transports that reach it: each opened when it is first used, all going the same way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from mirror.errors import UnreachableError, WrongRegionError
from mirror.store.anonymous import AnonymousLister
from mirror.store.base import BulkReader, CarefulReader, Lister, ListPage
from mirror.store.bulk import BulkStore
from mirror.store.connection import Connection
from mirror.store.patient import PatientStore
from mirror.store.region import ask_region
from mirror.store.route import Client, Route, choose_route, may_need_a_trial, without_obstore
from mirror.store.rust import RustStore
from mirror.store.s3 import CarefulStore, open_careful_store
from mirror.store.wire import Wire


@dataclass(frozen=True, slots=True)
class Routed:
    """It is settled how the bucket is reached."""

    url: str
    route: Route


@dataclass(frozen=True, slots=True)
class Moved:
    """The bucket lies in another region than was configured, and is reached there."""

    url: str
    configured: str
    found: str


News = Routed | Moved
"""What a bucket tells of itself, each once."""


def tell_nobody(news: News) -> None:
    """Do nothing."""


class Bucket:
    """Lister, bulk reader and careful reader of one bucket. Use as `async with`.

    The first page that is listed settles how the bucket is reached: in which region, and by which clients.

    Parameters
    ----------
    tell
        Told what a user may want to know; called in the event loop's thread.
    """

    def __init__(self, connection: Connection, *, tell: Callable[[News], None] = tell_nobody) -> None:
        self.connection = connection
        self.url = connection.url
        self.route = choose_route(connection)
        self._tell = tell
        self._stack = AsyncExitStack()
        self._opening = threading.Lock()
        self._settling = asyncio.Lock()
        self._is_settled = False
        self._lister: Lister | None = None
        self._careful: CarefulStore | None = None
        self._bulk: BulkStore | PatientStore | None = None

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    async def lister(self) -> Lister:
        """Return what lists the bucket: itself."""
        return self

    async def list_page(
        self, prefix: str, *, delimiter: str = "", token: str | None = None, max_keys: int = 1000
    ) -> ListPage:
        """Return one page; see `mirror.store.base.Lister`.

        Raises
        ------
        WrongRegionError
            The bucket lies in another region, and nobody knows in which, or it does not answer for it there either.
        """

        async def ask() -> ListPage:
            """List by what lists the bucket now."""
            lister = await self._open_lister()
            return await lister.list_page(prefix, delimiter=delimiter, token=token, max_keys=max_keys)

        asked = self.connection.region
        try:
            page = await ask()
        except WrongRegionError as error:
            await self._move(error, asked)
            page = await ask()
        await self._settle()
        return page

    async def careful(self) -> CarefulReader:
        """Return what reads one object with all its headers."""
        return await self._open_careful()

    def bulk(self) -> BulkReader:
        """Return what reads at full speed from many threads; may be called from any."""
        with self._opening:
            if self._bulk is None:
                self._bulk = _open_bulk(self.connection, self.route)
                self._stack.callback(self._bulk.close)
            return self._bulk

    async def _open_lister(self) -> Lister:
        """Return what lists the bucket as it is reached now."""
        if self._lister is None:
            if self.route.lists is Client.AIOHTTP:
                self._lister = await self._stack.enter_async_context(AnonymousLister(self.connection))
            else:
                self._lister = await self._open_careful()
        return self._lister

    async def _move(self, error: WrongRegionError, asked: str) -> None:
        """Go to the region where the bucket lies; `asked` is the one whose answer the error was."""
        async with self._settling:
            if self.connection.region != asked:
                return  # Another page of the listing has met the same, and found it.
            region = error.region or await ask_region(self.connection)
            if self._is_settled or region in ("", asked):
                raise error
            self._tell(Moved(str(self.url), asked, region))
            self.connection = replace(self.connection, region=region)
            self.route = choose_route(self.connection)
            self._lister = self._careful = None

    async def _settle(self) -> None:
        """Decide how the bucket is reached, now that it has answered: once."""
        async with self._settling:
            if self._is_settled:
                return
            if may_need_a_trial(self.connection, self.route) and (
                trouble := await asyncio.to_thread(_trouble_of_obstore, self.connection)
            ):
                self.route = without_obstore(self.route, trouble)
            self._is_settled = True
            self._tell(Routed(str(self.url), self.route))

    async def _open_careful(self) -> CarefulStore:
        if self._careful is None:
            self._careful = await self._stack.enter_async_context(open_careful_store(self.connection))
        return self._careful


def _open_bulk(connection: Connection, route: Route) -> BulkStore | PatientStore:
    if route.reads_many is Client.AIOBOTO3:
        return PatientStore(connection)
    single = PatientStore if route.reads_one is Client.AIOBOTO3 else RustStore
    return BulkStore(lambda: single(connection), Wire(connection) if route.reads_many is Client.RING else None)


def _trouble_of_obstore(connection: Connection) -> str:
    """Return why obstore cannot reach a server that has just answered another client; empty if it can."""
    try:
        RustStore(connection).try_out()
    except UnreachableError as error:
        return f"obstore does not get through ({error.found})"
    return ""

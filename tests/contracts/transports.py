"""Every way to list and to read a bucket, behind one face each, so that one suite holds them all to the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Protocol

from mirror.errors import StoreError
from mirror.store.anonymous import AnonymousLister
from mirror.store.base import Answer, Ask, Body, BulkReader, CarefulReader, Lister
from mirror.store.bulk import BulkStore, open_ring
from mirror.store.connection import Connection
from mirror.store.patient import PatientStore
from mirror.store.rust import RustStore
from mirror.store.s3 import open_careful_store

LISTERS = ("aiohttp", "aioboto3")
READERS = ("ring", "obstore", "aioboto3-many", "aioboto3-one", "aioboto3")
"""The last is the careful reader; the two before it are the bulk transport, many objects at a time and one."""
SIGNERS = ("obstore", "aioboto3-many", "aioboto3")
"""Those that can sign, and go by a proxy; of the two ways into one client, one."""


def lister_beside(reader: str) -> str:
    """Return the lister that a route has beside a reader."""
    return "aioboto3" if reader.startswith("aioboto3") else "aiohttp"


class Reader(Protocol):
    """One way to read: the whole object, or a range of it if it still has its ETag."""

    async def get(self, key: str) -> Body:
        """Return the object."""

    async def get_range(self, key: str, start: int, stop: int, etag: str) -> Body:
        """Return a range of it."""


class ByBulk:
    """Reads by a bulk reader, one object at a time."""

    def __init__(self, store: BulkReader) -> None:
        self.store = store

    async def get(self, key: str) -> Body:
        """Return the object."""
        return await asyncio.to_thread(self.store.get, key)

    async def get_range(self, key: str, start: int, stop: int, etag: str) -> Body:
        """Return what was handed over, put together by offsets."""
        pieces: dict[int, bytes] = {}

        def write(data: bytes | memoryview, offset: int) -> None:
            """Keep the bytes."""
            pieces[offset] = bytes(data)

        modified = await asyncio.to_thread(self.store.copy_range, key, start, stop, etag, write)
        assert list(pieces) == sorted(pieces)
        assert min(pieces) == start
        return Body(b"".join(pieces.values()), 0, etag, modified)


def ask_many(store: BulkReader, keys: Iterable[str], *, in_flight: int = 4) -> list[Answer]:
    """Return the answers to all keys, as they came."""
    asks = (Ask(key, 0) for key in keys)
    return list(filter(None, store.stream(asks, in_flight=lambda: in_flight, is_stopped=lambda: False)))


class ByMany(ByBulk):
    """Reads by what a bulk reader does with many objects at a time."""

    async def get(self, key: str) -> Body:
        """Return the object, or raise what is answered instead."""
        assert self.store.has_ring
        ((found, answer),) = await asyncio.to_thread(ask_many, self.store, [key])
        assert found == key
        if isinstance(answer, StoreError):
            raise answer
        return answer


class ByCare:
    """Reads by the careful transport."""

    def __init__(self, store: CarefulReader) -> None:
        self.store = store

    async def get(self, key: str) -> Body:
        """Return the object."""
        return await self.store.get(key)

    async def get_range(self, key: str, start: int, stop: int, etag: str) -> Body:
        """Return the range."""
        return await self.store.get(key, if_match=etag, byte_range=(start, stop))


OpenLister = Callable[[Connection], Awaitable[Lister]]
OpenReader = Callable[[Connection], Awaitable[Reader]]


async def open_lister_by(name: str, connection: Connection, stack: AsyncExitStack) -> Lister:
    """Open one of `LISTERS`; the stack closes it."""
    if name == "aiohttp":
        return await stack.enter_async_context(AnonymousLister(connection))
    return await stack.enter_async_context(open_careful_store(connection))


async def open_reader_by(name: str, connection: Connection, stack: AsyncExitStack) -> Reader:
    """Open one of `READERS`; the stack closes it."""
    if name == "aioboto3":
        return ByCare(await stack.enter_async_context(open_careful_store(connection)))
    bulk = open_bulk_by(name, connection)
    stack.callback(bulk.close)
    return ByMany(bulk) if name in ("ring", "aioboto3-many") else ByBulk(bulk)


def open_bulk_by(name: str, connection: Connection) -> BulkStore | PatientStore:
    """Open the bulk reader of one of `READERS`; the caller closes it."""
    if name.startswith("aioboto3"):
        return PatientStore(connection)
    return open_ring(connection) if name == "ring" else BulkStore(lambda: RustStore(connection))

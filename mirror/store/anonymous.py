"""Listing of a public bucket by aiohttp: a hundredth of botocore's CPU per key (ARCHITECTURE.md)."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from mirror.errors import BrokenTransferError, UnreachableError
from mirror.store.base import ListPage
from mirror.store.connection import Connection
from mirror.store.list_answer import parse_page
from mirror.store.session import open_session
from mirror.store.status import error_of_status
from mirror.store.words import words_of

if TYPE_CHECKING:
    import aiohttp


class AnonymousLister:
    """Lists a public bucket without signing. Use as `async with`."""

    def __init__(self, connection: Connection, *, max_connections: int = 64) -> None:
        self._connection = connection
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._session = open_session(self._connection, max_connections=self._max_connections)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def list_page(
        self, prefix: str, *, delimiter: str = "", token: str | None = None, max_keys: int = 1000
    ) -> ListPage:
        """Return one page; see `mirror.store.base.Lister`."""
        query = {"list-type": "2", "prefix": prefix, "max-keys": str(max_keys), "encoding-type": "url"}
        if delimiter:
            query["delimiter"] = delimiter
        if token is not None:
            query["continuation-token"] = token
        thing = self._connection.url.url_of(prefix)
        return parse_page(await self._read(query, thing), thing)

    async def _read(self, query: dict[str, str], thing: str) -> bytes:
        import aiohttp

        try:
            async with self._session.get(
                f"{self._connection.bucket_endpoint}/", params=query, allow_redirects=False
            ) as response:
                body = await response.read()
        except (
            aiohttp.ClientPayloadError,
            aiohttp.ServerDisconnectedError,
            aiohttp.SocketTimeoutError,  # The endpoint is there, it took the request.
        ) as error:
            raise BrokenTransferError("listing broke off", thing, found=words_of(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError(
                f"cannot reach {self._connection.endpoint} to list",
                thing,
                found=words_of(error),
                hint="Check the network, the proxy settings and endpoint_url.",
            ) from error
        if response.status != 200:
            raise error_of_status(response.status, response.headers, body.decode("utf-8", "replace"), "list", thing)
        return body

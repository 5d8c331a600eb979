"""Listing of a public bucket by aiohttp: a hundredth of botocore's CPU per key (ARCHITECTURE.md)."""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mirror.errors import BrokenTransferError, UnreachableError
from mirror.store.base import ListPage
from mirror.store.connection import USER_AGENT, Connection
from mirror.store.list_answer import parse_page
from mirror.store.status import error_of_status

if TYPE_CHECKING:
    import aiohttp


class AnonymousLister:
    """Lists a public bucket without signing. Use as `async with`."""

    def __init__(self, connection: Connection, *, max_connections: int = 64) -> None:
        self._connection = connection
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        import aiohttp

        context: ssl.SSLContext | bool = True
        if self._connection.ca_bundle:
            context = ssl.create_default_context()
            context.load_verify_locations(self._connection.ca_bundle)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_connections, ssl=context),
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=self._connection.connect_timeout_seconds,
                sock_read=self._connection.read_timeout_seconds,
            ),
            headers={"User-Agent": USER_AGENT},
            trust_env=True,
        )
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
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError) as error:
            raise BrokenTransferError("listing broke off", thing, found=str(error)) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError(
                f"cannot reach {self._connection.endpoint} to list",
                thing,
                found=str(error) or type(error).__name__,
                hint="Check the network, the proxy settings and endpoint_url.",
            ) from error
        if response.status != 200:
            raise error_of_status(response.status, response.headers, body.decode("utf-8", "replace"), "list", thing)
        return body

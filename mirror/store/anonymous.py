"""Listing of a public bucket by aiohttp and lxml: a sixteenth of botocore's CPU per key (ARCHITECTURE.md)."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote_plus

from mirror.errors import BrokenTransferError, StoreError, UnreachableError
from mirror.objects import RemoteObject
from mirror.store.base import ListPage
from mirror.store.connection import Connection
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


def parse_page(body: bytes, thing: str) -> ListPage:
    """Return the page that a ListObjectsV2 answer holds.

    Parameters
    ----------
    thing
        `s3://` URL of the listed prefix, for the error.

    Raises
    ------
    BrokenTransferError
        The answer is cut short or is no listing.
    """
    from lxml import etree

    try:
        root = etree.fromstring(body, etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise BrokenTransferError("cannot read the listing", thing, expected="XML", found=str(error)) from error
    namespace, brace, tag = root.tag.rpartition("}")
    if tag != "ListBucketResult":
        raise StoreError("cannot list", thing, expected="ListBucketResult", found=tag)
    space = namespace + brace
    is_encoded = root.findtext(f"{space}EncodingType") == "url"
    is_truncated = root.findtext(f"{space}IsTruncated") == "true"
    token = root.findtext(f"{space}NextContinuationToken")
    if is_truncated and not token:
        raise BrokenTransferError("cannot go on with the listing", thing, expected="a continuation token")
    decode = unquote_plus if is_encoded else _plain
    try:
        objects = tuple(_object(entry, space, decode) for entry in root.iterfind(f"{space}Contents"))
    except (TypeError, ValueError) as error:
        raise BrokenTransferError("cannot read the listing", thing, found=str(error)) from error
    prefixes = root.iterfind(f"{space}CommonPrefixes/{space}Prefix")
    folders = tuple(decode(entry.text or "") for entry in prefixes)
    return ListPage(objects, folders, token if is_truncated else None)


def _plain(text: str) -> str:
    return text


def _object(entry, space: str, decode) -> RemoteObject:  # type: ignore[no-untyped-def]
    key = entry.findtext(f"{space}Key")
    if "%" in key or "+" in key:
        key = decode(key)
    return RemoteObject(
        key,
        int(entry.findtext(f"{space}Size")),
        entry.findtext(f"{space}ETag", "").strip('"'),
        int(datetime.fromisoformat(entry.findtext(f"{space}LastModified")).timestamp()),
    )

"""The careful transport, aioboto3: lists signed buckets, tells all about an object, reads what bulk could not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mirror.errors import BrokenTransferError, StoreError, TooLargeError, UnreachableError
from mirror.objects import RemoteObject
from mirror.store.base import Body, ListPage, ObjectHead
from mirror.store.boto import open_client
from mirror.store.connection import Connection
from mirror.store.credentials import error_of_credentials
from mirror.store.status import error_of_status
from mirror.store.words import words_of

if TYPE_CHECKING:
    from collections.abc import Callable

_CHECKSUMS = {
    "ChecksumCRC32": "crc32",
    "ChecksumCRC32C": "crc32c",
    "ChecksumCRC64NVME": "crc64nvme",
    "ChecksumSHA1": "sha1",
    "ChecksumSHA256": "sha256",
}


class ObjectStream:
    """The body of one answer, and what its headers say."""

    def __init__(self, answer: Mapping[str, Any], thing: str, byte_range: tuple[int, int] | None) -> None:
        self._body = answer["Body"]
        self._thing = thing
        self.etag: str = answer["ETag"].strip('"')
        self.last_modified = int(answer["LastModified"].timestamp())
        """Seconds since 1970, UTC."""
        try:
            self.size = _size(answer, byte_range, thing)
            """Of the whole object, in bytes."""
        except BrokenTransferError:
            self.close()
            raise

    async def read(self, n_bytes: int | None = None) -> bytes:
        """Return at most that many bytes, none at the end; without a number all.

        Raises
        ------
        BrokenTransferError
            It broke off, stalled, or is shorter than was said.
        """
        try:
            data: bytes = await self._body.read(n_bytes)
        except Exception as error:
            raise BrokenTransferError("transfer broke off", self._thing, found=words_of(error)) from error
        return data

    def close(self) -> None:
        """Give the connection back, or end it where the body was not read to its end."""
        response = self._body.__wrapped__
        connection = response.connection  # None at the end of the body
        transport = connection.transport if connection is not None else None
        response.close()
        if transport is not None:
            # Over TLS a mere close waits for the server to say goodbye, which one that stalls never does.
            transport.abort()


class CarefulStore:
    """One bucket by aioboto3. Make it with `open_careful_store`."""

    def __init__(self, client: Any, connection: Connection) -> None:
        self._client = client
        self._connection = connection
        self._url = connection.url
        self._extra: dict[str, str] = {"RequestPayer": "requester"} if connection.requester_pays else {}

    async def list_page(
        self, prefix: str, *, delimiter: str = "", token: str | None = None, max_keys: int = 1000
    ) -> ListPage:
        """Return one page; see `mirror.store.base.Lister`."""
        request: dict[str, Any] = {"Prefix": prefix, "MaxKeys": max_keys, **self._extra}
        if delimiter:
            request["Delimiter"] = delimiter
        if token is not None:
            request["ContinuationToken"] = token
        answer = await self._call(self._client.list_objects_v2, "list", prefix, request)
        objects = tuple(
            RemoteObject(
                entry["Key"],
                entry["Size"],
                entry.get("ETag", "").strip('"'),
                int(entry["LastModified"].timestamp()),
            )
            for entry in answer.get("Contents", ())
        )
        folders = tuple(entry["Prefix"] for entry in answer.get("CommonPrefixes", ()))
        return ListPage(objects, folders, answer.get("NextContinuationToken") if answer["IsTruncated"] else None)

    async def get(
        self,
        key: str,
        *,
        if_match: str | None = None,
        byte_range: tuple[int, int] | None = None,
        most_bytes: int | None = None,
    ) -> Body:
        """Return the object or a half-open range of it; see `mirror.store.base.CarefulReader`."""
        async with self.open(key, if_match=if_match, byte_range=byte_range) as stream:
            if most_bytes is not None and stream.size > most_bytes:
                raise TooLargeError(
                    "the object is too large to be read in one piece",
                    self._url.url_of(key),
                    expected=f"at most {most_bytes} B",
                    found=f"{stream.size} B",
                )
            data = await stream.read()
        return Body(data, stream.size, stream.etag, stream.last_modified)

    @asynccontextmanager
    async def open(
        self, key: str, *, if_match: str | None = None, byte_range: tuple[int, int] | None = None
    ) -> AsyncIterator[ObjectStream]:
        """Yield the object, or a half-open range of it, to be read piece by piece. Raises as `Lister.list_page`.

        What is not read to its end takes its connection with it.
        """
        request: dict[str, Any] = {"Key": key, **self._extra}
        if if_match is not None:
            request["IfMatch"] = f'"{if_match}"'
        if byte_range is not None:
            request["Range"] = f"bytes={byte_range[0]}-{byte_range[1] - 1}"
        answer = await self._call(self._client.get_object, "read", key, request)
        stream = ObjectStream(answer, self._url.url_of(key), byte_range)
        try:
            yield stream
        finally:
            stream.close()

    async def head(self, key: str, *, first_part: bool = False) -> ObjectHead:
        """Return what HEAD tells; see `mirror.store.base.CarefulReader`."""
        request: dict[str, Any] = {"Key": key, "ChecksumMode": "ENABLED", **self._extra}
        answer = await self._call(self._client.head_object, "read", key, request)
        part_size = None
        if first_part:
            part = await self._call(self._client.head_object, "read", key, {**request, "PartNumber": 1})
            # A server that ignores partNumber answers for the whole object and counts no parts.
            part_size = part["ContentLength"] if part.get("PartsCount") else None
        return ObjectHead(
            size=answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            encryption=answer.get("ServerSideEncryption", ""),
            has_customer_key="SSECustomerAlgorithm" in answer,
            checksums={name: answer[field] for field, name in _CHECKSUMS.items() if field in answer},
            part_size=part_size,
        )

    async def _call(self, operation: Callable[..., Any], verb: str, key: str, request: dict[str, Any]) -> Any:
        from botocore import exceptions

        thing = self._url.url_of(key)
        try:
            return await operation(Bucket=self._url.bucket, **request)
        except exceptions.ClientError as error:
            raise _error_of_client(error, verb, thing) from error
        except _credential_classes() as error:
            raise error_of_credentials(error, self._connection) from error
        except (
            exceptions.ResponseStreamingError,
            exceptions.ConnectionClosedError,
            exceptions.ReadTimeoutError,  # The endpoint is there, it took the request: one object's trouble.
        ) as error:
            raise BrokenTransferError("transfer broke off", thing, found=words_of(error)) from error
        except (exceptions.ConnectionError, exceptions.HTTPClientError, OSError, TimeoutError) as error:
            raise UnreachableError(
                f"cannot reach the endpoint to {verb}",
                thing,
                found=words_of(error),
                hint="Check the network, the proxy settings and endpoint_url.",
            ) from error
        except exceptions.BotoCoreError as error:
            raise StoreError(f"cannot {verb}", thing, found=words_of(error)) from error


@asynccontextmanager
async def open_careful_store(connection: Connection, *, max_connections: int = 64) -> AsyncIterator[CarefulStore]:
    """Yield a store for the bucket; its client is closed at the end. Raises as `mirror.store.boto.open_client`."""
    async with open_client(connection, max_connections=max_connections) as client:
        yield CarefulStore(client, connection)


def _credential_classes() -> tuple[type[Exception], ...]:
    from botocore import exceptions

    return (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.SSOError,
        exceptions.TokenRetrievalError,
        RuntimeError,  # What botocore raises for keys that were renewed and are still too old.
    )


def _error_of_client(error: Any, verb: str, thing: str) -> StoreError:
    metadata = error.response.get("ResponseMetadata", {})
    told = error.response.get("Error", {})
    body = "".join(f"<{name}>{told[name]}</{name}>" for name in ("Code", "Region") if told.get(name))
    return error_of_status(metadata.get("HTTPStatusCode", 0), metadata.get("HTTPHeaders", {}), body, verb, thing)


def _size(answer: Mapping[str, Any], byte_range: tuple[int, int] | None, thing: str) -> int:
    if byte_range is None:
        return int(answer["ContentLength"])
    content_range: str = answer.get("ContentRange", "")
    expected = f"bytes {byte_range[0]}-{byte_range[1] - 1}/"
    if not content_range.startswith(expected):
        raise BrokenTransferError("got another range than asked for", thing, expected=expected, found=content_range)
    return int(content_range.removeprefix(expected))

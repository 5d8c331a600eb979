"""The careful transport, aioboto3: lists signed buckets, tells all about an object, reads what bulk could not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mirror.errors import BrokenTransferError, StoreError, UnreachableError, UsageError
from mirror.objects import RemoteObject
from mirror.store.base import Body, ListPage, ObjectHead
from mirror.store.connection import USER_AGENT, Connection
from mirror.store.status import error_of_status

if TYPE_CHECKING:
    from collections.abc import Callable

_CHECKSUMS = {
    "ChecksumCRC32": "crc32",
    "ChecksumCRC32C": "crc32c",
    "ChecksumCRC64NVME": "crc64nvme",
    "ChecksumSHA1": "sha1",
    "ChecksumSHA256": "sha256",
}


class CarefulStore:
    """One bucket by aioboto3. Make it with `open_careful_store`."""

    def __init__(self, client: Any, connection: Connection) -> None:
        self._client = client
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

    async def get(self, key: str, *, if_match: str | None = None, byte_range: tuple[int, int] | None = None) -> Body:
        """Return the object or a half-open range of it; see `mirror.store.base.CarefulReader`."""
        request: dict[str, Any] = {"Key": key, **self._extra}
        if if_match is not None:
            request["IfMatch"] = f'"{if_match}"'
        if byte_range is not None:
            request["Range"] = f"bytes={byte_range[0]}-{byte_range[1] - 1}"
        answer = await self._call(self._client.get_object, "read", key, request)
        try:
            async with answer["Body"] as stream:
                data = await stream.read()
        except Exception as error:
            raise BrokenTransferError("transfer broke off", self._url.url_of(key), found=_words(error)) from error
        size = answer["ContentLength"]
        if byte_range is not None:
            size = _size_of_range(answer.get("ContentRange", ""), byte_range, self._url.url_of(key))
        return Body(data, size, answer["ETag"].strip('"'), int(answer["LastModified"].timestamp()))

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
        except (exceptions.NoCredentialsError, exceptions.CredentialRetrievalError) as error:
            raise UsageError(
                f"cannot {verb}: no AWS credentials",
                thing,
                found=_words(error),
                hint="Set anonymous = true for a public bucket, or profile, or the AWS_* variables.",
            ) from error
        except (
            exceptions.ResponseStreamingError,
            exceptions.ConnectionClosedError,
            exceptions.ReadTimeoutError,  # The endpoint is there, it took the request: one object's trouble.
        ) as error:
            raise BrokenTransferError("transfer broke off", thing, found=_words(error)) from error
        except (exceptions.ConnectionError, exceptions.HTTPClientError, OSError, TimeoutError) as error:
            raise UnreachableError(
                f"cannot reach the endpoint to {verb}",
                thing,
                found=_words(error),
                hint="Check the network, the proxy settings and endpoint_url.",
            ) from error
        except exceptions.BotoCoreError as error:
            raise StoreError(f"cannot {verb}", thing, found=_words(error)) from error


@asynccontextmanager
async def open_careful_store(connection: Connection, *, max_connections: int = 64) -> AsyncIterator[CarefulStore]:
    """Yield a store for the bucket; its client is closed at the end.

    Raises
    ------
    UsageError
        The profile does not exist.
    """
    import aioboto3
    from aiobotocore.config import AioConfig
    from botocore import UNSIGNED
    from botocore.exceptions import ProfileNotFound

    options: dict[str, Any] = {
        "retries": {"total_max_attempts": 1, "mode": "standard"},
        "connect_timeout": connection.connect_timeout_seconds,
        "read_timeout": connection.read_timeout_seconds,
        "max_pool_connections": max_connections,
        "user_agent_extra": USER_AGENT,
        "s3": {"addressing_style": "virtual" if connection.is_virtual_hosted else "path"},
        # We compare the checksums ourselves, and record how; botocore would only raise in the middle of a read.
        "response_checksum_validation": "when_required",
    }
    if connection.anonymous:
        options["signature_version"] = UNSIGNED
    try:
        session = aioboto3.Session(profile_name=connection.profile, region_name=connection.region)
    except ProfileNotFound as error:
        raise UsageError("cannot use the AWS profile", str(connection.profile), found=_words(error)) from error
    async with session.client(
        "s3", endpoint_url=connection.endpoint, config=AioConfig(**options), verify=connection.ca_bundle
    ) as client:
        yield CarefulStore(client, connection)


def _error_of_client(error: Any, verb: str, thing: str) -> StoreError:
    metadata = error.response.get("ResponseMetadata", {})
    code = error.response.get("Error", {}).get("Code", "")
    status = metadata.get("HTTPStatusCode", 0)
    return error_of_status(status, metadata.get("HTTPHeaders", {}), f"<Code>{code}</Code>", verb, thing)


def _size_of_range(content_range: str, byte_range: tuple[int, int], thing: str) -> int:
    expected = f"bytes {byte_range[0]}-{byte_range[1] - 1}/"
    if not content_range.startswith(expected):
        raise BrokenTransferError("got another range than asked for", thing, expected=expected, found=content_range)
    return int(content_range.removeprefix(expected))


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__

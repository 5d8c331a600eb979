"""The fast path: small objects over our own ring of connections, all else by obstore's blocking API."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mirror.errors import (
    AccessDeniedError,
    BrokenTransferError,
    MirrorError,
    ObjectChangedError,
    ObjectNotFoundError,
    StoreError,
    UnreachableError,
)
from mirror.store.base import Answer, Ask, Body, Lull, WriteAt
from mirror.store.connection import USER_AGENT, Connection
from mirror.store.status import error_of_status
from mirror.store.wire import Wire

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Store

PIECE_BYTES = 256 * 1024
"""Of a range, handed on as they come: whole ranges in memory cost ten times as much, in the allocator's heaps."""
_DRY_SECONDS = 0.01
_STATUS = re.compile(r"returned non-2xx status code: (\d{3})")
_UNREACHABLE_WORDS = ("error sending request", "Connect", "dns error", "connection refused")


class BulkStore:
    """Reads objects of one bucket. Thread-safe; makes no retries."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._url = connection.url
        self._lock = threading.Lock()
        self._wire = Wire(connection) if _is_plain(connection) else None

    @property
    def has_ring(self) -> bool:
        """Whether one thread keeps many requests in flight: for what needs neither signature nor proxy."""
        return self._wire is not None

    def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            self._wire.close()

    @property
    def waited_seconds(self) -> float:
        """Time that was spent waiting over the ring; see `mirror.store.base.BulkReader`."""
        return self._wire.waited_seconds if self._wire is not None else 0.0

    def stream(
        self, asks: Iterator[Ask | Lull], *, in_flight: Callable[[], int], is_stopped: Callable[[], bool]
    ) -> Iterator[Answer | None]:
        """Yield each object that is asked for; see `mirror.store.base.BulkReader`."""
        if self._wire is not None:
            yield from self._wire.stream(asks, in_flight=in_flight, is_stopped=is_stopped)
            return
        for ask in asks:
            if is_stopped():
                return
            if isinstance(ask, Lull):
                time.sleep(_DRY_SECONDS if ask is Lull.DRY else 0)
                yield None
                continue
            try:
                yield ask.key, self.get(ask.key)
            except StoreError as error:
                yield ask.key, error

    @cached_property
    def _opened(self) -> S3Store:
        return _open(self._connection)

    @property
    def _store(self) -> S3Store:
        with self._lock:  # Opened once: it has a pool of connections of its own.
            return self._opened

    def get(self, key: str) -> Body:
        """Return the whole object; see `mirror.store.base.BulkReader`."""
        import obstore

        try:
            result = obstore.get(self._store, key)
            data = result.bytes()
        except Exception as error:
            raise _translate(error, self._url.url_of(key)) from error
        meta = result.meta
        etag = (meta["e_tag"] or "").strip('"')
        return Body(memoryview(data), meta["size"], etag, int(meta["last_modified"].timestamp()))

    def copy_range(self, key: str, start: int, stop: int, etag: str, write: WriteAt) -> int:
        """Hand a range of the object to `write`, piece by piece; see `mirror.store.base.BulkReader`."""
        import obstore

        thing = self._url.url_of(key)
        try:
            result = obstore.get(self._store, key, options={"range": (start, stop), "if_match": f'"{etag}"'})
        except Exception as error:
            raise _translate(error, thing) from error
        found = (result.meta["e_tag"] or "").strip('"')
        if found != etag:
            raise ObjectChangedError("the object changed while it was read", thing, expected=etag, found=found)
        offset = start
        for piece in _pieces(result, thing):
            write(piece, offset)
            offset += len(piece)
        if result.range != (start, stop) or offset != stop:
            raise BrokenTransferError(
                "got another range than asked for",
                thing,
                expected=f"{start}-{stop}",
                found=f"{result.range}, {offset - start} B",
            )
        return int(result.meta["last_modified"].timestamp())


def _pieces(result: Any, thing: str) -> Iterator[memoryview]:
    try:
        for piece in result.stream(min_chunk_size=PIECE_BYTES):
            yield memoryview(piece)
    except Exception as error:
        raise _translate(error, thing) from error


def _open(connection: Connection) -> S3Store:
    from obstore.store import S3Store

    credentials: dict[str, Any] = {}
    if connection.anonymous:
        credentials["skip_signature"] = True
    else:
        credentials["credential_provider"] = _credential_provider(connection)
    return S3Store(
        connection.url.bucket,
        # The endpoint is always given: obstore would else take AWS_ENDPOINT_URL, even when anonymous.
        endpoint=connection.bucket_endpoint if connection.is_virtual_hosted else connection.endpoint,
        region=connection.region,
        virtual_hosted_style_request=connection.is_virtual_hosted,
        request_payer=connection.requester_pays,
        client_options=_client_options(connection),
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=0)},
        **credentials,
    )


def _is_plain(connection: Connection) -> bool:
    return connection.anonymous and not connection.requester_pays and _proxy(connection) is None


def _proxy(connection: Connection) -> str | None:
    scheme = connection.endpoint.partition("://")[0]
    return os.environ.get(f"{scheme}_proxy") or os.environ.get(f"{scheme.upper()}_PROXY")


def _client_options(connection: Connection) -> ClientConfig:
    options: ClientConfig = {
        "allow_http": connection.endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=connection.connect_timeout_seconds),
        # obstore's default of 30 s for a whole request would end every large object on a slow line.
        "timeout": timedelta(hours=1),
        "read_timeout": timedelta(seconds=connection.read_timeout_seconds),
        "pool_max_idle_per_host": "512",
        "user_agent": USER_AGENT,
    }
    if connection.ca_bundle:
        with open(connection.ca_bundle, "rb") as file:
            options["root_certificate"] = file.read()
    if proxy := _proxy(connection):
        options["proxy_url"] = proxy
        if excludes := os.environ.get("no_proxy") or os.environ.get("NO_PROXY"):
            options["proxy_excludes"] = excludes
    return options


def _credential_provider(connection: Connection) -> Any:
    import boto3
    from obstore.auth.boto3 import Boto3CredentialProvider

    return Boto3CredentialProvider(boto3.Session(profile_name=connection.profile))


def _translate(error: Exception, thing: str) -> MirrorError:
    """Return our error for one of obstore's, which tell the HTTP status in their text only."""
    from obstore import exceptions

    text = str(error)
    # 1. classes that say it all
    if isinstance(error, (exceptions.NotFoundError, FileNotFoundError)):
        return ObjectNotFoundError("cannot read: not there", thing)
    if isinstance(error, exceptions.PreconditionError):
        return ObjectChangedError("the object is no longer the one that was listed", thing)
    if isinstance(error, (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)):
        return AccessDeniedError("may not read", thing, found=_brief(text))
    # 2. an HTTP status in the text
    if (match := _STATUS.search(text)) is not None:
        return error_of_status(int(match[1]), {}, text, "read", thing)
    # 3. no answer at all
    if any(word in text for word in _UNREACHABLE_WORDS) and "Decode" not in text:
        return UnreachableError("no answer while reading", thing, found=_brief(text))
    # 4. an answer that broke off
    return BrokenTransferError("transfer broke off", thing, found=_brief(text))


def _brief(text: str) -> str:
    return " ".join(text.partition("Debug source")[0].split())[:200]

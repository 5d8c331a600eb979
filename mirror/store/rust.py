"""Objects by obstore: Rust does the requests, while Python's lock is free; signed or not, behind any proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mirror.errors import (
    AccessDeniedError,
    BrokenTransferError,
    MirrorError,
    ObjectChangedError,
    ObjectNotFoundError,
    UnreachableError,
    WrongRegionError,
)
from mirror.store.base import PIECE_BYTES, Body, WriteAt
from mirror.store.connection import USER_AGENT, Connection
from mirror.store.credentials import CredentialProvider
from mirror.store.proxy import proxy_for
from mirror.store.status import error_of_status

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Store

_STATUS = re.compile(r"returned non-2xx status code: (\d{3})")
_CERTIFICATE = re.compile(r"InvalidCertificate\((?:\s|\w+\()*(\w+)")
_UNREACHABLE_WORDS = ("Connect", "dns error", "connection refused")
"""Not "error sending request": that is said of one request to a server that is there, too."""


class RustStore:
    """Reads objects of one bucket. Thread-safe; makes no retries.

    Raises
    ------
    UsageError
        It signs, and there are no credentials.
    """

    def __init__(self, connection: Connection) -> None:
        self._url = connection.url
        self._credentials = None if connection.anonymous else CredentialProvider(connection)
        self._store = _open(connection, self._credentials)

    def close(self) -> None:
        """Do nothing: its connections go with it."""

    def try_out(self) -> None:
        """Ask for anything at all. Raises UnreachableError if there is no answer; any answer will do."""
        import obstore

        thing = self._url.url_of("oomirror")
        try:
            obstore.head(self._store, "oomirror")
        except Exception as error:
            if isinstance(told := self._translated(error, thing), UnreachableError):
                raise told from error

    def get(self, key: str) -> Body:
        """Return the whole object; see `mirror.store.base.BulkReader`."""
        import obstore

        try:
            result = obstore.get(self._store, key)
            data = result.bytes()
        except Exception as error:
            raise self._translated(error, self._url.url_of(key)) from error
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
            raise self._translated(error, thing) from error
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

    def _translated(self, error: Exception, thing: str) -> MirrorError:
        if "External AWS credential provider" in str(error) and self._credentials and self._credentials.error:
            return self._credentials.error
        return _translate(error, thing)


def _pieces(result: Any, thing: str) -> Iterator[memoryview]:
    try:
        for piece in result.stream(min_chunk_size=PIECE_BYTES):
            yield memoryview(piece)
    except Exception as error:
        raise _translate(error, thing) from error


def _open(connection: Connection, credentials: CredentialProvider | None) -> S3Store:
    from obstore.store import S3Store

    endpoint = connection.bucket_endpoint if connection.is_virtual_hosted else connection.endpoint
    return S3Store(
        connection.url.bucket,
        # All that has an AWS_* variable is said, or obstore would take it from there, even when anonymous.
        endpoint=endpoint,
        aws_endpoint_url_s3=endpoint,
        region=connection.region,
        virtual_hosted_style_request=connection.is_virtual_hosted,
        request_payer=connection.requester_pays,
        s3_express=False,
        unsigned_payload=False,
        skip_signature=credentials is None,
        credential_provider=credentials,
        client_options=_client_options(connection),
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=0)},
    )


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
        options["root_certificate"] = Path(connection.ca_bundle).read_bytes()
    return options | _proxy_options(connection)


def _proxy_options(connection: Connection) -> ClientConfig:
    proxy = proxy_for(connection.bucket_endpoint)
    if proxy is None:
        # Told nothing, it would read the environment in its own way: this one is for all hosts but the bucket's.
        host = urlsplit(connection.bucket_endpoint).hostname or ""
        return {"proxy_url": "http://127.0.0.1:9", "proxy_excludes": host}
    options: ClientConfig = {"proxy_url": proxy}
    if connection.ca_bundle:
        options["proxy_ca_certificate"] = Path(connection.ca_bundle).read_text()
    return options


def _translate(error: Exception, thing: str) -> MirrorError:
    """Return our error for one of obstore's, which tell the HTTP status in their text only."""
    from obstore import exceptions

    text = str(error)
    # 1. classes that say it all
    if isinstance(error, (exceptions.NotFoundError, FileNotFoundError)):
        return ObjectNotFoundError("cannot read: not there", thing)
    if isinstance(error, exceptions.PreconditionError):
        return ObjectChangedError("the object is no longer the one that was listed", thing)
    # 2. an HTTP status in the text
    if (match := _STATUS.search(text)) is not None:
        return error_of_status(int(match[1]), {}, text, "read", thing)
    # 3. a refusal without one, and an answer that leads elsewhere
    if isinstance(error, (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)):
        return AccessDeniedError("may not read", thing, found=_brief(text))
    if "redirect without LOCATION" in text:
        return WrongRegionError("cannot read: the bucket lies in another region", thing, region="", found="a redirect")
    # 4. no answer at all
    if any(word in text for word in _UNREACHABLE_WORDS) and "Decode" not in text:
        return UnreachableError("no answer while reading", thing, found=_certificate_trouble(text) or _brief(text))
    # 5. an answer that broke off
    return BrokenTransferError("transfer broke off", thing, found=_brief(text))


def _certificate_trouble(text: str) -> str:
    """Return what TLS says against the server's certificate, which obstore tells in its innermost cause only."""
    match = _CERTIFICATE.search(text)
    return f"its certificate is refused: {match[1]}" if match else ""


def _brief(text: str) -> str:
    return " ".join(text.partition("Debug source")[0].split())[:200]

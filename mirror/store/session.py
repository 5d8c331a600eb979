"""What aiohttp and aioboto3 share of a connection: the authorities that are trusted, the proxy, the patience."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from mirror.errors import UsageError
from mirror.store.connection import USER_AGENT, Connection
from mirror.store.proxy import proxy_for
from mirror.store.words import words_of

if TYPE_CHECKING:
    import aiohttp


def tls_of(connection: Connection) -> ssl.SSLContext:
    """Return what certificates are judged by: the system's authorities and the connection's, and the host's name.

    Raises
    ------
    UsageError
        The file of authorities holds none.
    """
    context = ssl.create_default_context()
    if connection.ca_bundle:
        try:
            context.load_verify_locations(connection.ca_bundle)
        except OSError as error:  # An SSLError is one, too.
            raise UsageError(
                "cannot read the ca_bundle", connection.ca_bundle, expected="a PEM file", found=words_of(error)
            ) from error
    return context


def open_session(connection: Connection, *, max_connections: int) -> aiohttp.ClientSession:
    """Return a session for unsigned requests to the bucket; the caller closes it."""
    import aiohttp

    proxy = proxy_for(connection.bucket_endpoint)
    urls = (connection.endpoint, proxy or "")
    has_tls = bool(connection.ca_bundle) or any(url.startswith("https://") for url in urls)
    return aiohttp.ClientSession(
        # The system's authorities take 30 ms to read.
        connector=aiohttp.TCPConnector(limit=max_connections, ssl=tls_of(connection) if has_tls else True),
        timeout=aiohttp.ClientTimeout(
            total=None,
            sock_connect=connection.connect_timeout_seconds,
            sock_read=connection.read_timeout_seconds,
        ),
        headers={"User-Agent": USER_AGENT},
        proxy=proxy,
    )

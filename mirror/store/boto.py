"""An aioboto3 client for one bucket: signed or not, and of the user's environment nothing but what it must know."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from mirror.store.connection import USER_AGENT, Connection
from mirror.store.credentials import credential_errors
from mirror.store.proxy import proxy_for
from mirror.store.session import tls_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

_OURS: dict[str, Any] = {
    "ca_bundle": None,
    "use_fips_endpoint": False,
    "use_dualstack_endpoint": False,
    "ignore_configured_endpoint_urls": True,
}
"""What our configuration says, so that neither AWS_* variables nor a profile may say it."""
_NOBODY: dict[str, Any] = {
    **_OURS,
    "profile": None,
    "config_file": os.devnull,
    "credentials_file": os.devnull,
}
"""Without signing nothing of the user's AWS configuration counts, not even that it cannot be read."""


@asynccontextmanager
async def open_client(connection: Connection, *, max_connections: int) -> AsyncIterator[Any]:
    """Yield an S3 client that neither retries nor follows a bucket to its region.

    Raises
    ------
    UsageError
        The profile does not exist, or its credentials cannot be had.
    """
    from aiobotocore.config import AioConfig
    from botocore import UNSIGNED

    options: dict[str, Any] = {
        "retries": {"total_max_attempts": 1, "mode": "standard"},
        "connect_timeout": connection.connect_timeout_seconds,
        "read_timeout": connection.read_timeout_seconds,
        "max_pool_connections": max_connections,
        "user_agent_extra": USER_AGENT,
        "s3": {"addressing_style": "virtual" if connection.is_virtual_hosted else "path"},
        # We compare the checksums ourselves, and record how; botocore would only raise in the middle of a read.
        "response_checksum_validation": "when_required",
        "proxies": _proxies(connection),
        "http_session_cls": partial(_http_session(), tls_of(connection)),
    }
    if connection.anonymous:
        options["signature_version"] = UNSIGNED
    with credential_errors(connection):
        session = _session(connection)
        opening = session.client("s3", endpoint_url=connection.endpoint, config=AioConfig(**options))
        client = await opening.__aenter__()
    try:
        client.meta.events.register_last("before-parameter-build.s3", _stay_in_region)
        yield client
    finally:
        await opening.__aexit__(None, None, None)


def _session(connection: Connection) -> Any:
    import aioboto3
    from aiobotocore.session import get_session
    from botocore.configprovider import ConstantProvider

    core = get_session()
    # Not by `set_config_variable`: a client is made from a copy that forgets what was set so.
    settings = core.get_component("config_store")
    for name, value in (_NOBODY if connection.anonymous else _OURS).items():
        settings.set_config_provider(name, ConstantProvider(value))
    if connection.profile is not None:
        settings.set_config_provider("profile", ConstantProvider(connection.profile))
    return aioboto3.Session(botocore_session=core, profile_name=connection.profile, region_name=connection.region)


def _proxies(connection: Connection) -> dict[str, str]:
    proxy = proxy_for(connection.bucket_endpoint)
    return {connection.endpoint.partition("://")[0]: proxy} if proxy else {}


def _stay_in_region(context: dict[str, Any], **_: object) -> None:
    # botocore would go to the right region by itself, in silence; obstore and aiohttp would still ask the wrong one.
    context["s3_redirect"] = {**context.get("s3_redirect", {}), "redirected": True}


def _http_session() -> Callable[..., Any]:
    import aiohttp
    from aiobotocore.httpsession import AIOHTTPSession

    class Session(AIOHTTPSession):  # type: ignore[misc]
        """As the library's, which checks no host name over TLS, and behind a proxy no certificate at all."""

        def __init__(self, tls: ssl.SSLContext, **knobs: Any) -> None:
            super().__init__(**knobs)
            self._tls = tls

        def _create_connector(self, proxy_url: str | None) -> aiohttp.TCPConnector:  # noqa: ARG002  both alike
            return aiohttp.TCPConnector(limit=self._max_pool_connections, ssl=self._tls, **self._connector_args)

    return Session

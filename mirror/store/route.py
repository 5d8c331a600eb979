"""Which client does what for one bucket: chosen once, here, with the reason as a value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from mirror.store.connection import Connection, Transport
from mirror.store.proxy import proxy_for
from mirror.store.words import without_passwords


class Client(StrEnum):
    """What sends the requests."""

    AIOHTTP = "aiohttp"
    RING = "our ring"
    OBSTORE = "obstore"
    AIOBOTO3 = "aioboto3"


@dataclass(frozen=True, slots=True)
class Route:
    """How a bucket is reached."""

    lists: Client
    reads_many: Client
    """Small objects, many at a time."""
    reads_one: Client
    """Metadata, and large objects by ranges."""
    reason: str
    """Why these, as the end of a sentence."""

    def __str__(self) -> str:
        return f"listed by {self.lists}, objects by {self.reads_many}, large ones by {self.reads_one}: {self.reason}"


def choose_route(connection: Connection) -> Route:
    """Return how the bucket is reached, as far as can be told without asking it.

    Raises
    ------
    UsageError
        The environment asks for a proxy that nothing here can use.
    """
    proxy = proxy_for(connection.bucket_endpoint)
    # 1. as the user says
    if connection.transport is Transport.CAREFUL:
        return Route(Client.AIOBOTO3, Client.AIOBOTO3, Client.AIOBOTO3, "transport is careful")
    # 2. Only boto finds credentials in all places where AWS keeps them; obstore is given what it finds.
    if not connection.anonymous:
        return Route(Client.AIOBOTO3, Client.OBSTORE, Client.OBSTORE, "requests are signed")
    # 3. The ring is kept small: it knows no proxy.
    if proxy is not None:
        return Route(Client.AIOHTTP, Client.OBSTORE, Client.OBSTORE, f"the way leads over {without_passwords(proxy)}")
    return Route(Client.AIOHTTP, Client.RING, Client.OBSTORE, "a public bucket, reached directly")


def may_need_a_trial(connection: Connection, route: Route) -> bool:
    """Return whether obstore may fail where the others do not, so that it must be tried before it is relied on.

    Over TLS it refuses certificates that OpenSSL, and with it all the others, accepts: one that signed itself, as
    `openssl req -x509` makes it for a server in a lab. The authorities of AWS issue no such.
    """
    is_aws_itself = connection.endpoint_url is None and connection.ca_bundle is None
    return (
        connection.transport is Transport.AUTO
        and Client.OBSTORE in (route.reads_many, route.reads_one)
        and connection.endpoint.startswith("https://")
        and not is_aws_itself
    )


def without_obstore(route: Route, reason: str) -> Route:
    """Return the route with aioboto3 in obstore's place."""
    many = Client.AIOBOTO3 if route.reads_many is Client.OBSTORE else route.reads_many
    return replace(route, reads_many=many, reads_one=Client.AIOBOTO3, reason=f"{route.reason}; {reason}")

"""Which clients serve a bucket, as a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror.keys import S3Url
from mirror.store.connection import Connection, Transport
from mirror.store.route import Client, choose_route, may_need_a_trial, without_obstore

PUBLIC = Connection(S3Url.parse("s3://lab-bucket"))
SIGNED = replace(PUBLIC, anonymous=False)
OWN = replace(PUBLIC, endpoint_url="https://s3.lab")
RING, OBSTORE, AIOHTTP, AIOBOTO3 = Client.RING, Client.OBSTORE, Client.AIOHTTP, Client.AIOBOTO3

ROUTES: dict[str, tuple[Connection, str, tuple[Client, Client, Client], str]] = {
    "public": (PUBLIC, "", (AIOHTTP, RING, OBSTORE), "a public bucket"),
    "signed": (SIGNED, "", (AIOBOTO3, OBSTORE, OBSTORE), "signed"),
    "behind a proxy": (PUBLIC, "http://ada:secret@proxy:1", (AIOHTTP, OBSTORE, OBSTORE), "over http://proxy:1"),
    "signed behind a proxy": (SIGNED, "http://proxy:1", (AIOBOTO3, OBSTORE, OBSTORE), "signed"),
    "fast": (replace(PUBLIC, transport=Transport.FAST), "", (AIOHTTP, RING, OBSTORE), "a public bucket"),
    "careful": (replace(SIGNED, transport=Transport.CAREFUL), "", (AIOBOTO3,) * 3, "transport is careful"),
}


@pytest.mark.parametrize(("connection", "proxy", "clients", "reason"), ROUTES.values(), ids=ROUTES.keys())
def test_route(
    monkeypatch: pytest.MonkeyPatch,
    connection: Connection,
    proxy: str,
    clients: tuple[Client, Client, Client],
    reason: str,
) -> None:
    """The clients and the reason follow from the connection and the proxy; no password is in the reason."""
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    route = choose_route(connection)
    assert (route.lists, route.reads_many, route.reads_one) == clients
    assert reason in route.reason


TRIALS: dict[str, tuple[Connection, bool]] = {
    "AWS": (PUBLIC, False),
    "AWS with an authority of one's own": (replace(PUBLIC, ca_bundle="lab.pem"), True),
    "a server of one's own": (OWN, True),
    "a server without TLS": (replace(PUBLIC, endpoint_url="http://s3.lab"), False),
    "whatever becomes of it": (replace(OWN, transport=Transport.FAST), False),
    "obstore has nothing to do": (replace(OWN, transport=Transport.CAREFUL), False),
}


@pytest.mark.parametrize(("connection", "is_needed"), TRIALS.values(), ids=TRIALS.keys())
def test_trial(connection: Connection, is_needed: bool) -> None:
    """Only TLS that is not AWS's own can be what obstore refuses and the others take."""
    assert may_need_a_trial(connection, choose_route(connection)) is is_needed


def test_without_obstore() -> None:
    """aioboto3 does what obstore would have done; the ring goes on; the reason grows."""
    route = without_obstore(choose_route(OWN), "its TLS")
    assert (route.lists, route.reads_many, route.reads_one) == (AIOHTTP, RING, AIOBOTO3)
    assert route.reason == "a public bucket, reached directly; its TLS"
    signed = without_obstore(choose_route(SIGNED), "its TLS")
    assert (signed.reads_many, signed.reads_one) == (AIOBOTO3, AIOBOTO3)

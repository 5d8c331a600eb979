"""Fixtures of the contract suite: buckets open to all, the transports by name, nothing of the user's AWS."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trustme

from mirror.demo.server import SeaweedServer
from mirror.errors import MirrorError
from mirror.store.base import Lister
from mirror.store.connection import Connection
from tests.contracts.transports import (
    LISTERS,
    READERS,
    SIGNERS,
    OpenLister,
    OpenReader,
    Reader,
    lister_beside,
    open_lister_by,
    open_reader_by,
)
from tests.servers import Bucket, MotoServer, bucket_of
from tests.system.oddlab import open_to_all

BODY = hashlib.shake_128(b"body").digest(10_000)
KEYS = [
    *(f"d/{n}" for n in (0, 1, 10, 11, 2)),
    "d/sub/x",
    "d/größe/日本",
    "d/a b+c%20d&e=f;g#h?i*[j]|'\"~(1)!$,@:^`{}",
    "e/y",
]


@pytest.fixture(autouse=True)
def _nothing_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the user's shell says of AWS and of proxies."""
    for name in os.environ:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def _fill(server: SeaweedServer | MotoServer, name: str, objects: Mapping[str, bytes]) -> Bucket:
    bucket = bucket_of(server, name)
    if isinstance(server, SeaweedServer):
        server.put_many((name, key, body) for key, body in objects.items())
        return bucket
    open_to_all(bucket)
    for key, body in objects.items():
        bucket.put(key, body)
    return bucket


@pytest.fixture(scope="session")
def filled_buckets(s3: SeaweedServer, moto_server: MotoServer) -> Mapping[str, Bucket]:
    """A bucket with some objects on each server; read only, they are shared."""
    objects = {key: key.encode() for key in KEYS}
    return {"seaweedfs": _fill(s3, "filled", objects), "moto": _fill(moto_server, "filled", objects)}


@pytest.fixture(scope="session")
def sized_buckets(s3: SeaweedServer, moto_server: MotoServer) -> Mapping[str, Bucket]:
    """The same with an object of no bytes and one of ten thousand."""
    objects = {"empty": b"", "range": BODY}
    return {"seaweedfs": _fill(s3, "sized", objects), "moto": _fill(moto_server, "sized", objects)}


@pytest.fixture(params=["seaweedfs", "moto"])
def filled(request: pytest.FixtureRequest, filled_buckets: Mapping[str, Bucket]) -> Bucket:
    """A bucket with some objects, open to all; nothing is written to it."""
    return filled_buckets[request.param]


@pytest.fixture(params=["seaweedfs", "moto"])
def sized(request: pytest.FixtureRequest, sized_buckets: Mapping[str, Bucket]) -> Bucket:
    """A bucket with an empty object and one to read ranges of, open to all; nothing is written to it."""
    return sized_buckets[request.param]


@pytest.fixture(params=LISTERS)
async def open_lister(request: pytest.FixtureRequest) -> AsyncIterator[OpenLister]:
    """Open one of the listers on a connection."""
    async with AsyncExitStack() as stack:

        async def opened(connection: Connection) -> Lister:
            """Open a lister."""
            return await open_lister_by(request.param, connection, stack)

        yield opened


@pytest.fixture(params=READERS)
async def open_reader(request: pytest.FixtureRequest) -> AsyncIterator[OpenReader]:
    """Open one of the readers on a connection."""
    async with AsyncExitStack() as stack:

        async def opened(connection: Connection) -> Reader:
            """Open a reader."""
            return await open_reader_by(request.param, connection, stack)

        yield opened


class Way:
    """One reader, and the lister that goes with it."""

    def __init__(self, reader: str, stack: AsyncExitStack) -> None:
        self._name = reader
        self._stack = stack

    async def lister(self, connection: Connection) -> Lister:
        """Open the lister."""
        return await open_lister_by(lister_beside(self._name), connection, self._stack)

    async def reader(self, connection: Connection) -> Reader:
        """Open the reader."""
        return await open_reader_by(self._name, connection, self._stack)

    async def reads_and_lists(self, connection: Connection) -> None:
        """Check that a listing, a whole object and a range of it come."""
        page = await (await self.lister(connection)).list_page("e/")
        assert [one.key for one in page.objects] == ["e/y"]
        opened = await self.reader(connection)
        assert bytes((await opened.get("e/y")).data) == b"e/y"
        assert bytes((await opened.get_range("e/y", 1, 3, page.objects[0].etag)).data) == b"/y"

    async def fails(
        self, connection: Connection, kind: type[MirrorError], words: str | None = None
    ) -> list[MirrorError]:
        """Check that both fail in this way, and return their errors, the lister's first."""
        with pytest.raises(kind, match=words) as listing:
            await (await self.lister(connection)).list_page("")
        with pytest.raises(kind, match=words) as reading:
            await (await self.reader(connection)).get("e/y")
        return [listing.value, reading.value]


@pytest.fixture(params=READERS)
async def way(request: pytest.FixtureRequest) -> AsyncIterator[Way]:
    """Each reader with its lister."""
    async with AsyncExitStack() as stack:
        yield Way(request.param, stack)


@pytest.fixture(params=SIGNERS)
async def signing_way(request: pytest.FixtureRequest) -> AsyncIterator[Way]:
    """Each reader that can sign, or go by a proxy, with its lister for public buckets."""
    async with AsyncExitStack() as stack:
        yield Way(request.param, stack)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """An authority of our own, and the file that makes it known."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    made.cert_pem.write_to_path(path)
    return made, path

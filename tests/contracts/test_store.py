"""What every transport of a bucket keeps, on two real S3 servers; the buckets are filled past the transports."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
import trustme

from mirror.errors import (
    AccessDeniedError,
    BrokenTransferError,
    ObjectChangedError,
    ObjectNotFoundError,
    SlowDownError,
    StoreError,
    UnreachableError,
)
from mirror.keys import S3Url
from mirror.objects import RemoteObject
from mirror.store.anonymous import AnonymousLister
from mirror.store.base import Answer, Ask, Body, CarefulReader, Lister, ListPage
from mirror.store.bulk import BulkStore
from mirror.store.connection import Connection
from mirror.store.s3 import open_careful_store
from tests.faults import BUCKET, Cut, Fault, OddServer, Refuse, Stall, Stored, run_odd_server
from tests.servers import Bucket
from tests.system.oddlab import open_to_all

BODY = hashlib.shake_128(b"body").digest(10_000)
KEYS = [
    *(f"d/{n}" for n in (0, 1, 10, 11, 2)),
    "d/sub/x",
    "d/größe/日本",
    "d/a b+c%20d&e=f;g#h?i*[j]|'\"~(1)!$,@:^`{}",
    "e/y",
]


class Reader(Protocol):
    """One way to read: the whole object, or a range of it if it still has its ETag."""

    async def get(self, key: str) -> Body:
        """Return the object."""

    async def get_range(self, key: str, start: int, stop: int, etag: str) -> Body:
        """Return a range of it."""


def ask_many(store: BulkStore, keys: Iterable[str]) -> list[Answer]:
    """Return the answers to all keys, as they came."""
    asks = (Ask(key, 0) for key in keys)
    return list(filter(None, store.stream(asks, in_flight=lambda: 4, is_stopped=lambda: False)))


class ByBulk:
    """Reads by the fast transport."""

    def __init__(self, store: BulkStore) -> None:
        self.store = store

    async def get(self, key: str) -> Body:
        """Return the object."""
        return await asyncio.to_thread(self.store.get, key)

    async def get_range(self, key: str, start: int, stop: int, etag: str) -> Body:
        """Return what was handed over, put together by offsets."""
        pieces: dict[int, bytes] = {}

        def write(data: bytes | memoryview, offset: int) -> None:
            """Keep the bytes."""
            pieces[offset] = bytes(data)

        modified = await asyncio.to_thread(self.store.copy_range, key, start, stop, etag, write)
        assert list(pieces) == sorted(pieces)
        assert min(pieces) == start
        return Body(b"".join(pieces.values()), 0, etag, modified)


class ByRing(ByBulk):
    """Reads whole objects over the fast transport's ring of connections."""

    async def get(self, key: str) -> Body:
        """Return the object, or raise what the ring answers instead."""
        assert self.store.has_ring
        ((found, answer),) = await asyncio.to_thread(ask_many, self.store, [key])
        assert found == key
        if isinstance(answer, StoreError):
            raise answer
        return answer


class ByCare:
    """Reads by the careful transport."""

    def __init__(self, store: CarefulReader) -> None:
        self.store = store

    async def get(self, key: str) -> Body:
        """Return the object."""
        return await self.store.get(key)

    async def get_range(self, key: str, start: int, stop: int, etag: str) -> Body:
        """Return the range."""
        return await self.store.get(key, if_match=etag, byte_range=(start, stop))


OpenLister = Callable[[Connection], Awaitable[Lister]]
OpenReader = Callable[[Connection], Awaitable[Reader]]


@pytest.fixture(params=["seaweedfs", "moto"])
def filled(request: pytest.FixtureRequest) -> Bucket:
    """A bucket with some objects, open to all."""
    if request.param == "moto":
        bucket: Bucket = request.getfixturevalue("odd_bucket")
        open_to_all(bucket)
    else:
        bucket = request.getfixturevalue("bucket")
    for key in KEYS:
        bucket.put(key, key.encode())
    return bucket


@pytest.fixture(params=["aiohttp", "aioboto3"])
async def open_lister(request: pytest.FixtureRequest) -> AsyncIterator[OpenLister]:
    """Open one of the two listers on a connection."""
    async with AsyncExitStack() as stack:

        async def opened(connection: Connection) -> Lister:
            """Open a lister."""
            if request.param == "aiohttp":
                return await stack.enter_async_context(AnonymousLister(connection))
            return await stack.enter_async_context(open_careful_store(connection))

        yield opened


@pytest.fixture(params=["obstore", "ring", "aioboto3"])
async def open_reader(request: pytest.FixtureRequest) -> AsyncIterator[OpenReader]:
    """Open one of the three readers on a connection."""
    async with AsyncExitStack() as stack:

        async def opened(connection: Connection) -> Reader:
            """Open a reader."""
            if request.param == "obstore":
                return ByBulk(BulkStore(connection))
            if request.param == "ring":
                bulk = BulkStore(connection)
                stack.callback(bulk.close)
                return ByRing(bulk)
            return ByCare(await stack.enter_async_context(open_careful_store(connection)))

        yield opened


async def all_pages(lister: Lister, prefix: str, max_keys: int, delimiter: str = "") -> list[ListPage]:
    """Follow a listing to its end."""
    pages: list[ListPage] = []
    token: str | None = None
    while True:
        pages.append(await lister.list_page(prefix, delimiter=delimiter, token=token, max_keys=max_keys))
        if (token := pages[-1].next_token) is None:
            return pages


@pytest.mark.parametrize("max_keys", [2, 1000])
async def test_list_all(filled: Bucket, open_lister: OpenLister, max_keys: int) -> None:
    """Every key once, as it is spelled, in the order of its bytes, with size, ETag and time; pages as asked for."""
    pages = await all_pages(await open_lister(filled.connection()), "", max_keys)
    objects = [one for page in pages for one in page.objects]
    assert [one.key for one in objects] == sorted(KEYS, key=str.encode)
    assert [one.size for one in objects] == [len(one.key.encode()) for one in objects]
    assert [one.etag for one in objects] == [hashlib.md5(one.key.encode()).hexdigest() for one in objects]
    assert all(one.last_modified > 1_500_000_000 for one in objects)
    assert all(len(page.objects) <= max_keys for page in pages)
    assert all(isinstance(one, RemoteObject) for one in objects)


@pytest.mark.parametrize("max_keys", [2, 1000])
async def test_list_with_delimiter(filled: Bucket, open_lister: OpenLister, max_keys: int) -> None:
    """Folders are full prefixes with their slash, beside the objects that lie directly there."""
    pages = await all_pages(await open_lister(filled.connection()), "d/", max_keys, "/")
    folders = [folder for page in pages for folder in page.folders]
    assert sorted(folders) == ["d/größe/", "d/sub/"]
    direct = [one.key for page in pages for one in page.objects]
    assert sorted(direct) == sorted(key for key in KEYS if key.startswith("d/") and key.count("/") == 1)


async def test_list_nothing(filled: Bucket, open_lister: OpenLister) -> None:
    """A prefix that nothing has is an empty last page, not an error."""
    assert await (await open_lister(filled.connection())).list_page("nothing/") == ListPage((), (), None)


async def test_list_a_bucket_that_is_not_there(filled: Bucket, open_lister: OpenLister) -> None:
    """It is told as not there (or as refused, by a server that keeps that to itself), with its URL."""
    connection = Bucket("no-such-bucket", filled.endpoint_url, None).connection()
    with pytest.raises((ObjectNotFoundError, AccessDeniedError), match="s3://no-such-bucket"):
        await (await open_lister(connection)).list_page("")


async def test_get(filled: Bucket, open_reader: OpenReader) -> None:
    """Bytes, size, ETag and time of every key, however it is spelled."""
    reader = await open_reader(filled.connection())
    for key in KEYS:
        body = await reader.get(key)
        assert bytes(body.data) == key.encode()
        assert (body.size, body.etag) == (len(key.encode()), hashlib.md5(key.encode()).hexdigest())
        assert body.last_modified > 1_500_000_000


async def test_get_empty(filled: Bucket, open_reader: OpenReader) -> None:
    """An object without bytes is an object."""
    filled.put("empty", b"")
    body = await (await open_reader(filled.connection())).get("empty")
    assert (bytes(body.data), body.size, body.etag) == (b"", 0, hashlib.md5(b"").hexdigest())


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 10_000), (9_999, 10_000), (17, 4_242)])
async def test_get_range(filled: Bucket, open_reader: OpenReader, start: int, stop: int) -> None:
    """A half-open range, and nothing else."""
    filled.put("range", BODY)
    reader = await open_reader(filled.connection())
    body = await reader.get_range("range", start, stop, hashlib.md5(BODY).hexdigest())
    assert bytes(body.data) == BODY[start:stop]


async def test_not_there(filled: Bucket, open_reader: OpenReader) -> None:
    """A key that is not there is told so, with its URL."""
    reader = await open_reader(filled.connection())
    with pytest.raises(ObjectNotFoundError, match=f"s3://{filled.name}/nothing"):
        await reader.get("nothing")


ANSWERS: dict[str, tuple[Fault, type[StoreError]]] = {
    "slow-down": (Refuse(503, "SlowDown"), SlowDownError),
    "too-many": (Refuse(429, "TooManyRequests"), SlowDownError),
    "internal-error": (Refuse(500, "InternalError"), BrokenTransferError),
    "denied": (Refuse(403, "AccessDenied"), AccessDeniedError),
    "not-there": (Refuse(404, "NoSuchKey"), ObjectNotFoundError),
    "bad-request": (Refuse(400, "InvalidArgument"), StoreError),
    "breaks-off": (Cut(), BrokenTransferError),
    "stalls": (Stall(), BrokenTransferError),
}


@pytest.fixture
def server() -> Iterator[OddServer]:
    """A server that fails as it is told."""
    with run_odd_server() as running:
        running.put("key", BODY)
        yield running


@pytest.mark.parametrize(("fault", "kind"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_errors_of_reading(
    server: OddServer, open_reader: OpenReader, fault: Fault, kind: type[StoreError]
) -> None:
    """Each answer has its error, which names the object; a transport asks once and leaves tries to its caller."""
    server.fault = lambda _: fault
    reader = await open_reader(server.connection(read_timeout_seconds=0.3))
    with pytest.raises(kind, match=f"s3://{BUCKET}/key"):
        await reader.get("key")
    with pytest.raises(kind, match=f"s3://{BUCKET}/key"):
        await reader.get_range("key", 0, 9_000, hashlib.md5(BODY).hexdigest())
    assert len(server.asks) == 2


@pytest.mark.parametrize(("fault", "kind"), [pair for pair in ANSWERS.values() if isinstance(pair[0], Refuse)], ids=str)
async def test_errors_of_listing(
    server: OddServer, open_lister: OpenLister, fault: Fault, kind: type[StoreError]
) -> None:
    """As those of reading; Retry-After reaches the caller."""
    assert isinstance(fault, Refuse)
    server.fault = lambda _: Refuse(fault.status, fault.code, "7")
    with pytest.raises(kind) as told:
        await (await open_lister(server.connection())).list_page("d/")
    assert len(server.asks) == 1
    if isinstance(told.value, SlowDownError):
        assert told.value.retry_after_seconds == 7


async def test_object_changed(server: OddServer, open_reader: OpenReader) -> None:
    """A range of an object that has another ETag now is not given."""
    reader = await open_reader(server.connection())
    with pytest.raises(ObjectChangedError):
        await reader.get_range("key", 0, 5, "0" * 32)


async def test_nobody_listens(open_reader: OpenReader, open_lister: OpenLister) -> None:
    """An endpoint that refuses connections is unreachable to all."""
    connection = Bucket("bucket", "http://127.0.0.1:9", None).connection()
    with pytest.raises(UnreachableError):
        await (await open_reader(connection)).get("key")
    with pytest.raises(UnreachableError):
        await (await open_lister(connection)).list_page("")


async def test_head_tells_encryption_checksums_and_parts(server: OddServer) -> None:
    """What decides how an object is proven: only the careful transport asks for it."""
    from tests.faults import Stored

    server.objects["key"] = Stored.of_parts(
        BODY,
        [4_000, 4_000, 2_000],
        headers={"x-amz-server-side-encryption": "aws:kms"},
        checksums={"crc64nvme": "AAAAAAAAAAA=", "sha256": "AAAA-3"},
    )
    async with open_careful_store(server.connection()) as store:
        head = await store.head("key", first_part=True)
        plain = await store.head("key")
    assert (head.size, head.part_size, head.encryption, head.is_etag_md5) == (10_000, 4_000, "aws:kms", False)
    assert head.checksums == {"crc64nvme": "AAAAAAAAAAA=", "sha256": "AAAA-3"}
    assert plain.part_size is None


async def test_environment_does_not_leak_in(
    filled: Bucket, open_reader: OpenReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials and endpoints of the user's shell change nothing for a public bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "eu-nowhere-1")
    reader = await open_reader(filled.connection())
    assert bytes((await reader.get("e/y")).data) == b"e/y"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """An authority of our own, and the file that makes it known."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    made.cert_pem.write_to_path(path)
    return made, path


@pytest.fixture
def tls_server(authority: tuple[trustme.CA, Path]) -> Iterator[OddServer]:
    """A server over TLS whose certificate only our authority vouches for, with some objects."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    with run_odd_server(context) as server:
        for number in range(20):
            server.objects[f"d/{number}"] = Stored(BODY + bytes([number]))
        yield server


def over_tls(server: OddServer, ca_bundle: Path | None) -> Connection:
    """Return how the server is reached."""
    bundle = str(ca_bundle) if ca_bundle else None
    return Connection(S3Url.parse(f"s3://{BUCKET}"), endpoint_url=server.endpoint_url, ca_bundle=bundle)


async def test_tls_with_an_authority_of_its_own(
    tls_server: OddServer, authority: tuple[trustme.CA, Path], open_reader: OpenReader, open_lister: OpenLister
) -> None:
    """With `ca_bundle` every transport lists, and reads many objects over the same connections."""
    connection = over_tls(tls_server, authority[1])
    (page,) = await all_pages(await open_lister(connection), "", 1000)
    reader = await open_reader(connection)
    for one in page.objects:
        body = await reader.get(one.key)
        assert (bytes(body.data), body.etag) == (tls_server.objects[one.key].body, one.etag)
    first = page.objects[0]
    part = await reader.get_range(first.key, 10, 20, first.etag)
    assert bytes(part.data) == BODY[10:20]


async def test_tls_of_an_unknown_authority_is_refused(
    tls_server: OddServer, open_reader: OpenReader, open_lister: OpenLister
) -> None:
    """Without `ca_bundle` nobody believes the server: no byte is read, and the error says that it is no answer."""
    connection = over_tls(tls_server, None)
    with pytest.raises(UnreachableError):
        await (await open_lister(connection)).list_page("")
    with pytest.raises(UnreachableError):
        await (await open_reader(connection)).get("d/1")


def test_the_ring_reads_many_over_tls(tls_server: OddServer, authority: tuple[trustme.CA, Path]) -> None:
    """The ring's connections over TLS serve one object after the other, each with its own bytes."""
    store = BulkStore(over_tls(tls_server, authority[1]))
    try:
        answers = dict(ask_many(store, tls_server.objects))
    finally:
        store.close()
    found = {key: bytes(body.data) for key, body in answers.items() if isinstance(body, Body)}
    assert found == {key: stored.body for key, stored in tls_server.objects.items()}


def test_a_silent_server_over_tls_is_given_up(tls_server: OddServer, authority: tuple[trustme.CA, Path]) -> None:
    """Over TLS, too, an answer that does not come is an error after the read time-out, and no thread hangs on it."""
    tls_server.fault = lambda _: Stall()
    store = BulkStore(replace(over_tls(tls_server, authority[1]), read_timeout_seconds=0.5))
    started = time.monotonic()
    try:
        ((_, answer),) = ask_many(store, ["d/1"])
    finally:
        store.close()
    assert isinstance(answer, BrokenTransferError)
    assert time.monotonic() - started < 10

"""What every transport of a bucket keeps, on two real S3 servers; the buckets are filled past the transports."""

from __future__ import annotations

import errno
import gzip
import hashlib
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

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
from mirror.store.base import Ask, Body, Lister, ListPage, Lull
from mirror.store.connection import Connection
from mirror.store.s3 import open_careful_store
from tests.contracts.conftest import BODY, KEYS, Way
from tests.contracts.transports import READERS, OpenLister, OpenReader, ask_many, open_bulk_by
from tests.faults import BUCKET, Cut, Fault, OddServer, Refuse, Stall, Stored, run_odd_server
from tests.servers import Bucket
from tests.system.oddlab import open_to_all


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


async def test_get_empty(sized: Bucket, open_reader: OpenReader) -> None:
    """An object without bytes is an object."""
    body = await (await open_reader(sized.connection())).get("empty")
    assert (bytes(body.data), body.size, body.etag) == (b"", 0, hashlib.md5(b"").hexdigest())


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, 10_000), (9_999, 10_000), (17, 4_242)])
async def test_get_range(sized: Bucket, open_reader: OpenReader, start: int, stop: int) -> None:
    """A half-open range, and nothing else."""
    reader = await open_reader(sized.connection())
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


async def test_nobody_listens(way: Way) -> None:
    """An endpoint that refuses connections is unreachable to all."""
    await way.fails(Bucket("bucket", "http://127.0.0.1:9", None).connection(), UnreachableError)


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


async def test_environment_does_not_leak_in(filled: Bucket, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials, endpoints, profiles and authorities of the user's shell change nothing for a public bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_S3_EXPRESS", "true")
    monkeypatch.setenv("AWS_REGION", "eu-nowhere-1")
    monkeypatch.setenv("AWS_PROFILE", "nobody-has-this")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/etc/passwd")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    await way.reads_and_lists(filled.connection())


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
    tls_server: OddServer, authority: tuple[trustme.CA, Path], way: Way
) -> None:
    """With `ca_bundle` every transport lists, and reads many objects over the same connections."""
    connection = over_tls(tls_server, authority[1])
    (page,) = await all_pages(await way.lister(connection), "", 1000)
    reader = await way.reader(connection)
    for one in page.objects:
        body = await reader.get(one.key)
        assert (bytes(body.data), body.etag) == (tls_server.objects[one.key].body, one.etag)
    first = page.objects[0]
    part = await reader.get_range(first.key, 10, 20, first.etag)
    assert bytes(part.data) == BODY[10:20]


async def test_tls_of_an_unknown_authority_is_refused(tls_server: OddServer, way: Way) -> None:
    """Without `ca_bundle` nobody believes the server: no byte is read, and the error says that it is no answer."""
    await way.fails(over_tls(tls_server, None), UnreachableError)


@pytest.mark.parametrize("name", READERS[:4])
def test_many_over_tls(tls_server: OddServer, authority: tuple[trustme.CA, Path], name: str) -> None:
    """Connections over TLS serve one object after the other, each with its own bytes."""
    store = open_bulk_by(name, over_tls(tls_server, authority[1]))
    try:
        answers = dict(ask_many(store, tls_server.objects))
    finally:
        store.close()
    found = {key: bytes(body.data) for key, body in answers.items() if isinstance(body, Body)}
    assert found == {key: stored.body for key, stored in tls_server.objects.items()}


async def test_a_silent_server_over_tls_is_given_up(
    tls_server: OddServer, authority: tuple[trustme.CA, Path], open_reader: OpenReader
) -> None:
    """Over TLS, too, an answer that does not come is an error after the read time-out, and nothing is left of it."""
    tls_server.fault = lambda _: Stall()
    reader = await open_reader(replace(over_tls(tls_server, authority[1]), read_timeout_seconds=0.5))
    started = time.monotonic()
    with pytest.raises(BrokenTransferError, match=f"s3://{BUCKET}/d/1"):
        await reader.get("d/1")
    with pytest.raises(BrokenTransferError, match=f"s3://{BUCKET}/d/1"):
        await reader.get_range("d/1", 0, 9_000, tls_server.objects["d/1"].tag)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("name", READERS[:4])
def test_many_in_flight(server: OddServer, name: str) -> None:
    """Each key is answered once, with at most as many requests in flight as asked for, and more than one if it can."""
    keys = [f"many/{number}" for number in range(40)]
    for key in keys:
        server.put(key, key.encode())
    server.delay_seconds = 0.02
    store = open_bulk_by(name, server.connection())
    try:
        answers = ask_many(store, [*keys, "nothing"], in_flight=8)
    finally:
        store.close()
    assert sorted(key for key, _ in answers) == sorted([*keys, "nothing"])
    assert {key for key, body in answers if isinstance(body, Body) and bytes(body.data) == key.encode()} == set(keys)
    assert isinstance(dict(answers)["nothing"], ObjectNotFoundError)
    assert 2 * store.has_ring <= server.peak <= 8


@pytest.mark.parametrize("name", READERS[:4])
def test_many_can_be_stopped(server: OddServer, name: str) -> None:
    """A stop ends it early, and what was in flight leaves nothing behind."""
    for number in range(50):
        server.put(f"many/{number}", BODY)
    store = open_bulk_by(name, server.connection())
    seen: list[str] = []
    try:
        asks = (Ask(key, 0) for key in server.objects)
        for answer in store.stream(asks, in_flight=lambda: 4, is_stopped=lambda: len(seen) >= 5):
            if answer is not None:
                seen.append(answer[0])  # noqa: PERF401 - `is_stopped` looks at it meanwhile
    finally:
        store.close()
    assert len(seen) == 5


@pytest.mark.parametrize("name", READERS[:4])
def test_asks_may_pause(server: OddServer, name: str) -> None:
    """A reader goes on with what it has while there is nothing to ask for, and says that it waits."""
    store = open_bulk_by(name, server.connection())

    def asks() -> Iterator[Ask | Lull]:
        """Ask, pause for long, pause for an instant, ask again."""
        yield Ask("key", len(BODY))
        yield from [Lull.DRY] * 3
        yield from [Lull.BUSY] * 3
        yield Ask("key", len(BODY))

    try:
        answers = list(store.stream(asks(), in_flight=lambda: 2, is_stopped=lambda: False))
    finally:
        store.close()
    assert [answer[0] for answer in answers if answer is not None] == ["key", "key"]
    assert None in answers


@pytest.mark.parametrize("name", ["aioboto3-many"])
def test_closing_ends_a_thread_that_waits(server: OddServer, name: str) -> None:
    """A thread that waits for a silent server gets an error when the transport is closed, and so do later calls."""
    server.fault = lambda _: Stall()
    store = open_bulk_by(name, server.connection())
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(store.get, "key")
        while not server.asks:
            time.sleep(0.01)
        store.close()
        with pytest.raises(BrokenTransferError, match="the run ended"):
            waiting.result(5)
    with pytest.raises(BrokenTransferError, match="the run ended"):
        store.get("key")


@pytest.mark.parametrize("name", ["obstore", "aioboto3-many"])
def test_a_range_comes_in_pieces(server: OddServer, name: str) -> None:
    """A large range is handed over piece by piece, in order; an error of whoever writes ends it."""
    body = BODY * 300
    server.put("large", body)
    store = open_bulk_by(name, server.connection())
    pieces: list[tuple[int, bytes]] = []

    def full(data: bytes | memoryview, offset: int) -> None:
        """Be a share that is full after the first piece."""
        if pieces:
            raise OSError(errno.ENOSPC, "no room")
        pieces.append((offset, bytes(data)))

    try:
        etag = server.objects["large"].tag
        store.copy_range("large", 7, len(body), etag, lambda data, offset: pieces.append((offset, bytes(data))))
        assert len(pieces) > 2
        assert b"".join(data for _, data in pieces) == body[7:]
        assert [offset for offset, _ in pieces] == list(accumulate((len(data) for _, data in pieces[:-1]), initial=7))
        pieces.clear()
        with pytest.raises(OSError, match="no room"):
            store.copy_range("large", 0, len(body), etag, full)
        assert bytes(store.get("key").data) == BODY
    finally:
        store.close()


async def test_what_is_stored_compressed_comes_as_it_is_stored(odd_bucket: Bucket, open_reader: OpenReader) -> None:
    """`Content-Encoding` is a property of the object, no order to unpack it: its ETag is that of what is stored."""
    packed = gzip.compress(BODY)
    open_to_all(odd_bucket)
    odd_bucket.client.put_object(Bucket=odd_bucket.name, Key="packed", Body=packed, ContentEncoding="gzip")
    body = await (await open_reader(odd_bucket.connection())).get("packed")
    assert (bytes(body.data), body.etag) == (packed, hashlib.md5(packed).hexdigest())

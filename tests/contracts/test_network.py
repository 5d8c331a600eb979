"""What every transport keeps on its way to the server: proxies, certificates, and buckets that lie elsewhere."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from mirror.errors import AccessDeniedError, StoreError, UnreachableError, UsageError, WrongRegionError
from mirror.keys import S3Url
from mirror.store.bucket import Bucket as OpenedBucket
from mirror.store.bucket import Moved, News, Routed
from mirror.store.connection import Connection, Transport
from mirror.store.proxy import proxy_for
from mirror.store.route import Client
from tests.contracts.conftest import KEYS, Way
from tests.contracts.gate import Gate, Passage, Reply, run_gate
from tests.contracts.transports import ask_many
from tests.servers import Bucket

PASSWORD = "ada:gr@n:ite"
WRITTEN = "ada:gr%40n%3Aite"
"""As a URL has it."""


def tls_for(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Return what a server shows that the authority vouches for under these names."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A proxy with a password, which the environment names for both schemes."""
    with run_gate() as running:
        running.password = PASSWORD
        for scheme in ("http", "https"):
            monkeypatch.setenv(f"{scheme}_proxy", f"http://{WRITTEN}@{running.address}")
        yield running


# Proxies


async def test_by_a_proxy_with_a_password(filled: Bucket, proxy: Gate, signing_way: Way) -> None:
    """All requests go by the proxy, with user and password, however these are spelled."""
    await signing_way.reads_and_lists(filled.connection())
    assert [passage.kind for passage in proxy.passages] == ["list", "get", "get"]


async def test_a_tunnel_through_a_proxy(
    bucket: Bucket,
    proxy: Gate,
    authority: tuple[trustme.CA, Path],
    signing_way: Way,
) -> None:
    """To a server over TLS the proxy opens a tunnel; behind it the certificate is judged as anywhere."""
    bucket.put("e/y", b"e/y")
    with run_gate(bucket.endpoint_url, tls_for(authority[0], "127.0.0.1")) as server:
        connection = replace(bucket.connection(), endpoint_url=server.url, ca_bundle=str(authority[1]))
        await signing_way.reads_and_lists(connection)
        assert {passage.method for passage in proxy.passages} == {"CONNECT"}
        for stranger in (tls_for(trustme.CA(), "127.0.0.1"), tls_for(authority[0], "other.example")):
            with run_gate(bucket.endpoint_url, stranger) as false:
                connection = replace(connection, endpoint_url=false.url)
                await signing_way.fails(connection, UnreachableError)
                assert false.passages == []


async def test_a_proxy_that_speaks_tls(
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    authority: tuple[trustme.CA, Path],
    signing_way: Way,
) -> None:
    """A proxy at https:// is used, too, for servers with TLS and without, and judged by the same authorities."""
    bucket.put("e/y", b"e/y")
    tls = tls_for(authority[0], "127.0.0.1")
    with run_gate(tls=tls) as proxy, run_gate(bucket.endpoint_url, tls) as server:
        monkeypatch.setenv("all_proxy", proxy.url)
        for endpoint_url in (bucket.endpoint_url, server.url):
            connection = replace(bucket.connection(), endpoint_url=endpoint_url, ca_bundle=str(authority[1]))
            await signing_way.reads_and_lists(connection)
        assert [passage.kind for passage in proxy.passages if passage.kind != "connect"] == ["list", "get", "get"]
        assert "connect" in {passage.kind for passage in proxy.passages}


async def test_a_proxy_that_refuses(bucket: Bucket, proxy: Gate, signing_way: Way) -> None:
    """A wrong password is said to be the proxy's affair, and never shown."""
    proxy.password = "ada:another"
    plain = await signing_way.fails(bucket.connection(), UnreachableError, "proxy")
    tunnel = replace(bucket.connection(), endpoint_url="https://127.0.0.1:9")
    for told in plain + await signing_way.fails(tunnel, UnreachableError):
        assert "ite" not in str(told).replace("write", "")


async def test_what_needs_no_proxy(filled: Bucket, proxy: Gate, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
    """Hosts of `no_proxy` are reached directly, by the ring as well; no library reads the variables by itself."""
    monkeypatch.setenv("no_proxy", "example.org,127.0.0.1")
    await way.reads_and_lists(filled.connection())
    assert proxy.passages == []
    async with OpenedBucket(filled.connection()) as opened:
        assert opened.route.reads_many is Client.RING


PROXIES: dict[str, tuple[dict[str, str], str, str | None]] = {
    "none": ({}, "http://s3.lab", None),
    "of the scheme": ({"http_proxy": "http://p:1", "https_proxy": "http://q:1"}, "https://s3.lab", "http://q:1"),
    "of another scheme": ({"http_proxy": "http://p:1"}, "https://s3.lab", None),
    "of all": ({"all_proxy": "http://p:1"}, "https://s3.lab", "http://p:1"),
    "in capitals": ({"HTTPS_PROXY": "http://p:1"}, "https://s3.lab", "http://p:1"),
    "without a scheme": ({"https_proxy": "p:1"}, "https://s3.lab", "http://p:1"),
    "with exceptions": ({"https_proxy": "p:1", "no_proxy": ".lab"}, "https://s3.lab", None),
    "with no exception here": ({"https_proxy": "p:1", "no_proxy": "lab.org"}, "https://s3.lab", "http://p:1"),
    "with all excepted": ({"https_proxy": "p:1", "no_proxy": "*"}, "https://s3.lab", None),
}


@pytest.mark.parametrize(("variables", "url", "proxy_url"), PROXIES.values(), ids=PROXIES.keys())
def test_which_proxy(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy_url: str | None
) -> None:
    """The variables are read as curl reads them."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy_url


def test_a_proxy_of_another_kind(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """SOCKS is refused in a sentence, before anything is asked, rather than passed by."""
    monkeypatch.setenv("all_proxy", "socks5://ada:secret@127.0.0.1:1080")
    with pytest.raises(UsageError, match=r"cannot use the proxy: socks5://127\.0\.0\.1:1080; expected http") as told:
        OpenedBucket(bucket.connection())
    assert "secret" not in str(told.value)


# Certificates


async def test_a_certificate_for_another_host(bucket: Bucket, authority: tuple[trustme.CA, Path], way: Way) -> None:
    """An authority that is trusted, and a name that is not the server's: nobody reads a byte."""
    with run_gate(bucket.endpoint_url, tls_for(authority[0], "other.example")) as server:
        connection = replace(bucket.connection(), endpoint_url=server.url, ca_bundle=str(authority[1]))
        await way.fails(connection, UnreachableError)
        assert server.passages == []


@pytest.mark.parametrize("transport", list(Transport))
async def test_a_bundle_that_holds_no_authority(bucket: Bucket, tmp_path: Path, transport: Transport) -> None:
    """The file is named before anything is asked."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("to be pasted here")
    connection = replace(bucket.connection(), ca_bundle=str(bundle), transport=transport)
    async with OpenedBucket(connection) as opened:
        with pytest.raises(UsageError, match=r"cannot read the ca_bundle: .*ca\.pem; expected a PEM file"):
            await (await opened.lister()).list_page("")


@pytest.fixture(scope="module")
def own_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a lab's server has that made its own certificate, as every guide says: it is its own authority."""
    folder = tmp_path_factory.mktemp("own")
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab"]
    name = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        ["openssl", *request, *name, "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.mark.parametrize("transport", list(Transport))
async def test_a_server_that_signed_its_own_certificate(
    bucket: Bucket, own_certificate: Path, transport: Transport
) -> None:
    """The TLS of obstore takes no such certificate, all others do: `auto` finds out once, and says so."""
    for key in KEYS[:5]:
        bucket.put(key, key.encode())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(own_certificate / "certificate.pem", own_certificate / "key.pem")
    news: list[News] = []
    with run_gate(bucket.endpoint_url, context) as server:
        bundle = str(own_certificate / "certificate.pem")
        connection = replace(bucket.connection(), endpoint_url=server.url, ca_bundle=bundle, transport=transport)
        async with OpenedBucket(connection, tell=news.append) as opened:
            page = await (await opened.lister()).list_page("")
            await (await opened.lister()).list_page("")
            bulk = opened.bulk()
            answers = dict(ask_many(bulk, KEYS[:5]))
            assert len(page.objects) == 5
            assert not any(isinstance(answer, StoreError) for answer in answers.values())
            body = bulk.get(KEYS[0])
            assert bytes(body.data) == KEYS[0].encode()
            got: list[bytes] = []

            def write(piece: bytes | memoryview, _: int) -> None:
                """Keep a piece of a range."""
                got.append(bytes(piece))

            if transport is Transport.FAST:
                with pytest.raises(UnreachableError, match="certificate is refused: CaUsedAsEndEntity"):
                    bulk.copy_range(KEYS[0], 0, 3, body.etag, write)
            else:
                bulk.copy_range(KEYS[0], 0, 3, body.etag, write)
                assert b"".join(got) == KEYS[0].encode()[:3]
    (told,) = news
    assert isinstance(told, Routed)
    assert (told.route.reads_one is Client.AIOBOTO3) == (transport is not Transport.FAST)
    assert ("obstore does not get through" in told.route.reason) == (transport is Transport.AUTO)


# Regions


REDIRECTS = {
    "permanent": Reply(301, "PermanentRedirect", (("x-amz-bucket-region", "eu-west-1"),)),
    "for a while": Reply(307, "TemporaryRedirect", (("x-amz-bucket-region", "eu-west-1"),)),
    "malformed": Reply(400, "AuthorizationHeaderMalformed", more="<Region>eu-west-1</Region>"),
}


@pytest.mark.parametrize("reply", REDIRECTS.values(), ids=REDIRECTS.keys())
async def test_a_bucket_in_another_region(bucket: Bucket, way: Way, reply: Reply) -> None:
    """Every transport says so, and goes nowhere by itself."""
    with run_gate(bucket.endpoint_url) as server:
        server.rule = lambda _: reply
        connection = replace(bucket.connection(), endpoint_url=server.url)
        told, _ = await way.fails(connection, WrongRegionError, "another region")
        assert isinstance(told, WrongRegionError)
        assert told.region == "eu-west-1"
        assert len(server.passages) == 2


@pytest.fixture
def cloud(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, authority: tuple[trustme.CA, Path]
) -> Iterator[tuple[Gate, Connection]]:
    """AWS, as far as hosts and regions go, at the end of a proxy's tunnel: `bucket` lies in eu-west-1."""
    hosts = [f"{bucket.name}.s3.{region}.amazonaws.com" for region in ("us-east-1", "eu-west-1")]
    for key in KEYS[:5]:
        bucket.put(key, key.encode())

    def rule(passage: Passage) -> Reply | None:
        """Send those who ask elsewhere to the right region; only HEAD of the bucket tells which it is."""
        if passage.headers["host"] == hosts[1]:
            return None
        told = (("x-amz-bucket-region", "eu-west-1"),) if passage.target == "/" else ()
        return Reply(301, "PermanentRedirect", told)

    with run_gate(bucket.endpoint_url, tls_for(authority[0], *hosts)) as aws, run_gate() as proxy:
        aws.rule = rule
        aws.rewrite = lambda passage: f"/{bucket.name}{passage.target}"
        proxy.tunnels = aws.address
        monkeypatch.setenv("https_proxy", proxy.url)
        yield aws, Connection(S3Url.parse(f"s3://{bucket.name}"), ca_bundle=str(authority[1]))


@pytest.mark.parametrize("transport", [Transport.AUTO, Transport.CAREFUL])
async def test_the_region_is_found(cloud: tuple[Gate, Connection], transport: Transport) -> None:
    """The bucket is asked once where it lies; then all transports go there, and the user is told what to configure."""
    aws, connection = cloud
    news: list[News] = []
    async with OpenedBucket(replace(connection, transport=transport), tell=news.append) as opened:
        lister = await opened.lister()
        pages = [await lister.list_page(""), await lister.list_page("d/")]
        assert [len(page.objects) for page in pages] == [5, 5]
        assert bytes(opened.bulk().get(KEYS[0]).data) == KEYS[0].encode()
        answers = dict(ask_many(opened.bulk(), KEYS[:5]))
        assert not any(isinstance(answer, StoreError) for answer in answers.values())
        assert (await (await opened.careful()).head(KEYS[0])).size == len(KEYS[0])
    wrong = [passage for passage in aws.passages if "us-east-1" in passage.headers["host"]]
    assert [passage.kind for passage in wrong] == ["list", "head"]
    assert [type(one) for one in news] == [Moved, Routed]
    assert news[0] == Moved(str(connection.url), "us-east-1", "eu-west-1")


async def test_a_region_that_nobody_tells(bucket: Bucket) -> None:
    """Where the bucket does not say it either, the error says what to set, and nothing is asked for ever."""
    with run_gate(bucket.endpoint_url) as server:
        server.rule = lambda _: Reply(301, "PermanentRedirect")
        async with OpenedBucket(replace(bucket.connection(), endpoint_url=server.url)) as opened:
            with pytest.raises(WrongRegionError, match="Set region, or endpoint_url"):
                await (await opened.lister()).list_page("")
        assert len(server.passages) == 2


async def test_a_bucket_that_is_nowhere(bucket: Bucket) -> None:
    """A server that sends from one region to the next is asked again once."""
    with run_gate(bucket.endpoint_url) as server:
        server.rule = lambda _: Reply(301, "PermanentRedirect", (("x-amz-bucket-region", f"r-{len(server.passages)}"),))
        async with OpenedBucket(replace(bucket.connection(), endpoint_url=server.url)) as opened:
            with pytest.raises(WrongRegionError):
                await (await opened.lister()).list_page("")
        assert len(server.passages) == 2


async def test_a_refusal_settles_nothing(bucket: Bucket) -> None:
    """A first page that is denied is that error; the way is settled by the first that comes."""
    news: list[News] = []
    with run_gate(bucket.endpoint_url) as server:
        server.rule = lambda _: Reply(403, "AccessDenied")
        connection = replace(bucket.connection(), endpoint_url=server.url)
        async with OpenedBucket(connection, tell=news.append) as opened:
            lister = await opened.lister()
            with pytest.raises(AccessDeniedError):
                await lister.list_page("")
            assert news == []
            server.rule = lambda _: None
            await lister.list_page("")
        assert [type(one) for one in news] == [Routed]

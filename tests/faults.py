"""A small S3 server over real HTTP that serves odd objects and fails as it is told; what it was asked is kept."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

from aiohttp import web

from mirror.keys import S3Url
from mirror.store.connection import Connection

BUCKET = "odd-bucket"
MODIFIED = 1_600_000_000
_OTHER_BYTES = bytes(255 - byte for byte in range(256))
_XML = "<?xml version='1.0' encoding='UTF-8'?>"


@dataclass(frozen=True)
class Stored:
    """One object: its bytes and what the server says of them."""

    body: bytes
    etag: str = ""
    """Without quotes; empty is the MD5 of the body."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of HEAD and GET, as `x-amz-server-side-encryption`."""
    checksums: Mapping[str, str] = field(default_factory=dict)
    """Algorithm to base64, told where a request asks for them."""
    part_bytes: tuple[int, ...] = ()
    """Of each part, for HEAD with a part number."""

    @property
    def tag(self) -> str:
        """The ETag, without quotes."""
        return self.etag or hashlib.md5(self.body).hexdigest()

    @classmethod
    def of_parts(cls, body: bytes, part_bytes: Iterable[int], **knobs: Any) -> Stored:
        """Return an object that was uploaded in parts of these sizes."""
        sizes = tuple(part_bytes)
        starts = [sum(sizes[:n]) for n in range(len(sizes))]
        digests = [hashlib.md5(body[a : a + n]).digest() for a, n in zip(starts, sizes, strict=True)]
        etag = f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(sizes)}"
        return cls(body, etag, part_bytes=sizes, **knobs)


@dataclass(frozen=True)
class Ask:
    """One request that the server got."""

    method: str
    key: str
    """Empty for a listing."""
    number: int
    """From 1: how many requests of this method for this key came so far, this one among them."""
    seconds: float
    """When, by the monotonic clock."""
    range: str = ""


@dataclass(frozen=True)
class Refuse:
    """Answer with a status instead of the object."""

    status: int = 503
    code: str = "SlowDown"
    retry_after: str = ""


@dataclass(frozen=True)
class Cut:
    """Promise the whole body and close the connection half way."""


@dataclass(frozen=True)
class Stall:
    """Send half of the body, then nothing more."""


@dataclass(frozen=True)
class Garble:
    """Send other bytes of the right length, with the right ETag."""


Fault = Refuse | Cut | Stall | Garble


def no_fault(ask: Ask) -> Fault | None:
    """Let every request through."""


class OddServer:
    """Serves `objects`; `fault` is asked before each answer, `on_ask` is told of each request."""

    def __init__(self) -> None:
        self.objects: dict[str, Stored] = {}
        self.fault: Callable[[Ask], Fault | None] = no_fault
        self.on_ask: Callable[[Ask], object] = lambda _: None
        self.asks: list[Ask] = []
        self.endpoint_url = ""
        self.delay_seconds = 0.0
        self.peak = 0
        """The most requests that were in flight at one time."""
        self._in_flight = 0
        self._numbers: Counter[tuple[str, str]] = Counter()

    def put(self, key: str, body: bytes = b"", **knobs: Any) -> None:
        """Keep an object; `knobs` are fields of `Stored`."""
        self.objects[key] = Stored(body, **knobs)

    def connection(self, **knobs: Any) -> Connection:
        """Return how the mirror reaches it; `knobs` are fields of `Connection`."""
        return Connection(S3Url.parse(f"s3://{BUCKET}"), endpoint_url=self.endpoint_url, **knobs)

    def asked(self, method: str, key: str | None = None) -> list[Ask]:
        """Return the requests of a method for objects, or for one."""
        return [ask for ask in self.asks if ask.method == method and (ask.key == key if key else ask.key)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, after the delay."""
        self._in_flight += 1
        self.peak = max(self.peak, self._in_flight)
        try:
            await asyncio.sleep(self.delay_seconds)
            return await self._answer(request)
        finally:
            self._in_flight -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        _, _, key = request.match_info["path"].partition("/")
        self._numbers[request.method, key] += 1
        number = self._numbers[request.method, key]
        ask = Ask(request.method, key, number, time.monotonic(), request.headers.get("Range", ""))
        self.asks.append(ask)
        self.on_ask(ask)
        fault = self.fault(ask)
        if isinstance(fault, Refuse):
            return _refusal(fault)
        if not key:
            return self._list(request)
        if (stored := self.objects.get(key)) is None:
            return _refusal(Refuse(404, "NoSuchKey"))
        return await _serve(request, stored, fault)

    def _list(self, request: web.Request) -> web.Response:
        query = request.query
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        start, limit = query.get("continuation-token", ""), int(query.get("max-keys", "1000"))
        entries: dict[str, str] = {}
        for key in sorted(self.objects, key=lambda one: one.encode()):
            rest = key[len(prefix) :]
            if not key.startswith(prefix) or key <= start:
                continue
            if delimiter and delimiter in rest:
                folder = prefix + rest.partition(delimiter)[0] + delimiter
                entries.setdefault(folder, f"<CommonPrefixes><Prefix>{quote(folder)}</Prefix></CommonPrefixes>")
            else:
                entries[key] = _contents(key, self.objects[key])
        page = list(entries)[:limit]
        more = len(entries) > limit
        last = page[-1] + ("\U0010ffff" if page and page[-1].endswith("/") else "") if page else ""
        token = f"<NextContinuationToken>{_escape(last)}</NextContinuationToken>" if more else ""
        body = "".join(entries[name] for name in page)
        text = (
            f'{_XML}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{BUCKET}</Name>'
            f"<EncodingType>url</EncodingType><KeyCount>{len(page)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{body}</ListBucketResult>"
        )
        return web.Response(body=text.encode(), content_type="application/xml")


def _contents(key: str, stored: Stored) -> str:
    return (
        f"<Contents><Key>{quote(key)}</Key><LastModified>2020-09-13T12:26:40.000Z</LastModified>"
        f"<ETag>&quot;{stored.tag}&quot;</ETag><Size>{len(stored.body)}</Size></Contents>"
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _refusal(fault: Refuse) -> web.Response:
    headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    text = f"{_XML}<Error><Code>{fault.code}</Code></Error>"
    return web.Response(status=fault.status, body=text.encode(), headers=headers, content_type="application/xml")


async def _serve(request: web.Request, stored: Stored, fault: Fault | None) -> web.StreamResponse:
    headers = {
        "ETag": f'"{stored.tag}"',
        "Last-Modified": formatdate(MODIFIED, usegmt=True),
        "Accept-Ranges": "bytes",
        **stored.headers,
    }
    if request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        headers |= {f"x-amz-checksum-{name}": value for name, value in stored.checksums.items()}
    if (wanted := request.headers.get("If-Match")) and wanted.strip('"') != stored.tag:
        return _refusal(Refuse(412, "PreconditionFailed"))
    status, body = 200, stored.body
    if stored.part_bytes and (part := request.query.get("partNumber")):
        number = int(part)
        start = sum(stored.part_bytes[: number - 1])
        status, body = 206, body[start : start + stored.part_bytes[number - 1]]
        headers["x-amz-mp-parts-count"] = str(len(stored.part_bytes))
    elif spec := request.headers.get("Range", ""):
        first, last = (int(one) for one in spec.removeprefix("bytes=").split("-"))
        status, body = 206, body[first : last + 1]
        headers["Content-Range"] = f"bytes {first}-{first + len(body) - 1}/{len(stored.body)}"
    headers["Content-Length"] = str(len(body))
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    return await _send(request, response, body, fault)


async def _send(
    request: web.Request, response: web.StreamResponse, body: bytes, fault: Fault | None
) -> web.StreamResponse:
    match fault:
        case Cut() | Stall():
            await response.write(body[: len(body) // 2])
            if isinstance(fault, Stall):
                await asyncio.sleep(20)
            if request.transport is not None:
                request.transport.abort()
        case Garble():
            await response.write(body.translate(_OTHER_BYTES))
        case _:
            await response.write(body)
    return response


@contextmanager
def run_odd_server(tls: ssl.SSLContext | None = None) -> Iterator[OddServer]:
    """Run the server in a thread, on a free port of loopback; over TLS where a context is given."""
    server = OddServer()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="odd-server")
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(_start(server, tls), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_stop(runner), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(server: OddServer, tls: ssl.SSLContext | None) -> web.AppRunner:
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    server.endpoint_url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    return runner


async def _stop(runner: web.AppRunner) -> None:
    await runner.cleanup()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.wait(others, timeout=2) if others else None
    await asyncio.sleep(0.1)  # Connections over TLS that were broken off close a turn of the loop later.

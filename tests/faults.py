"""A small S3 server over real HTTP that serves odd objects and fails as it is told; what it was asked is kept."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, quote

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
    query: str = ""
    """As it was sent: of a listing its prefix, delimiter and token."""
    again: int = 1
    """From 1: how often exactly this request came so far, range and query included."""
    beside: int = 1
    """How many requests waited for their answers when it came, itself among them."""

    @property
    def prefix(self) -> str:
        """Of a listing, what it lists; else empty."""
        return parse_qs(self.query).get("prefix", [""])[0]


@dataclass(frozen=True)
class Refuse:
    """Answer with a status instead of the object, or of the listing."""

    status: int = 503
    code: str = "SlowDown"
    retry_after: str = ""


@dataclass(frozen=True)
class Cut:
    """Promise the whole body and close the connection half way."""


@dataclass(frozen=True)
class Reset:
    """Promise the whole body and reset the connection (RST) half way."""


@dataclass(frozen=True)
class Stall:
    """Send half of the body, then nothing more."""


@dataclass(frozen=True)
class Drip:
    """Send the body in pieces with waits between them: slow, and alive."""

    seconds: float = 0.5
    """For the whole body."""
    n_pieces: int = 5


@dataclass(frozen=True)
class Short:
    """Send half of the body as if that were the object: right ETag, a length that agrees with what is sent."""


@dataclass(frozen=True)
class Garble:
    """Send other bytes of the right length, with the right ETag."""


@dataclass(frozen=True)
class WrongEtag:
    """Send the right bytes with the ETag of others."""


@dataclass(frozen=True)
class Replace:
    """Keep other bytes from now on, at this very moment, and send those."""

    n_more: int = 0
    """How much longer they are."""

    def of(self, stored: Stored) -> Stored:
        """Return what the object becomes."""
        return Stored(stored.body.translate(_OTHER_BYTES) + b"+" * self.n_more)


@dataclass(frozen=True)
class SwapWith:
    """Answer with another key's object, headers and all, as a server does that counted its bytes wrong before."""

    key: str


@dataclass(frozen=True)
class WrongRange:
    """Send another range than was asked for, and say so (206): shifted, and longer."""

    n_shift: int = 1
    n_more: int = 0


@dataclass(frozen=True)
class Whole:
    """Send the whole object (200) where a range was asked for."""


@dataclass(frozen=True)
class ListCut:
    """End a listing's XML half way, in an answer that is whole by its length."""


@dataclass(frozen=True)
class ListRepeat:
    """Begin a page with keys of the page before, and tell its own last key twice."""

    n_keys: int = 3


@dataclass(frozen=True)
class ListLoop:
    """Give the token again that was asked with, so that the next page is this one; of a last page, too."""


@dataclass(frozen=True)
class ListUnsorted:
    """Tell the keys of a page the last one first."""


@dataclass(frozen=True)
class ListStray:
    """Tell a key among the others that does not lie under the prefix."""

    key: str = "another/dataset/key"


@dataclass(frozen=True)
class ListShort:
    """Tell only the first keys of a page, and that there are no more: nothing in the answer is wrong but that."""

    n_keys: int = 0


OfAnswer = Refuse | Cut | Reset | Stall | Drip
"""Faults of objects and listings."""
OfObject = Short | Garble | WrongEtag | Replace | SwapWith
OfRange = WrongRange | Whole
OfListing = ListCut | ListRepeat | ListLoop | ListUnsorted | ListStray | ListShort
Fault = OfAnswer | OfObject | OfRange | OfListing


def no_fault(ask: Ask) -> Fault | None:
    """Let every request through."""


def applies(fault: Fault, ask: Ask) -> bool:
    """Return whether a fault can befall the answer to a request; one that cannot is passed over."""
    if ask.method != "GET":
        return isinstance(fault, Refuse)
    if not ask.key:
        return isinstance(fault, OfAnswer | OfListing) and not (isinstance(fault, Refuse) and fault.status == 404)
    if isinstance(fault, Replace):
        return not ask.key.endswith(".json")  # Other bytes would be no document.
    return isinstance(fault, OfAnswer | OfObject) or (bool(ask.range) and isinstance(fault, OfRange))


IN_A_ROW = 2
"""Faults that one request meets one after the other, at most: three tries at the start of a run are all it has."""


def at_times(
    *faults: Fault, seed: int = 0, per_cent: int = 25, to: Callable[[Ask], bool] = lambda _: True
) -> Callable[[Ask], Fault | None]:
    """Return what gives some of all answers one of these faults, never more than `IN_A_ROW` to one request.

    Which answers is told by the seed and the request alone, in whatever order the requests come.

    Parameters
    ----------
    to
        Whether a request may meet one.
    """

    def drawn(ask: Ask, again: int) -> Fault | None:
        able = [fault for fault in faults if applies(fault, ask)]
        if again < 1 or not able or not to(ask):
            return None
        request = f"{seed} {ask.method} {ask.key} {ask.range} {ask.query} {again}"
        number = int.from_bytes(hashlib.blake2b(request.encode("utf-8", "replace"), digest_size=8).digest())
        return able[number // 100 % len(able)] if number % 100 < per_cent else None

    def fault(ask: Ask) -> Fault | None:
        before = [drawn(ask, ask.again - n) for n in range(1, IN_A_ROW + 1)]
        return None if all(before) else drawn(ask, ask.again)

    return fault


class OddServer:
    """Serves `objects`; `fault` is asked before each answer, `on_ask` is told of each request."""

    def __init__(self) -> None:
        self.objects: dict[str, Stored] = {}
        """Of each bucket that is none of `others`."""
        self.others: dict[str, dict[str, Stored]] = {}
        """Buckets of their own, by name."""
        self.fault: Callable[[Ask], Fault | None] = no_fault
        self.on_ask: Callable[[Ask], object] = lambda _: None
        self.asks: list[Ask] = []
        self.met: list[tuple[Ask, Fault]] = []
        """The requests that met a fault, with it."""
        self.endpoint_url = ""
        self.delay_seconds = 0.0
        self.page_keys = 1000
        """The most keys and folders of one page of a listing, whatever is asked for."""
        self.peak = 0
        """The most requests that were in flight at one time."""
        self._n_waiting = 0
        """Requests that are not answered yet."""
        self._numbers: Counter[tuple[str, ...]] = Counter()
        self._loop: asyncio.AbstractEventLoop
        self._runner: web.AppRunner
        self._site: web.TCPSite
        self._tls: ssl.SSLContext | None = None
        self._returns: set[asyncio.Task[None]] = set()

    def put(self, key: str, body: bytes = b"", **knobs: Any) -> None:
        """Keep an object; `knobs` are fields of `Stored`."""
        self.objects[key] = Stored(body, **knobs)

    def connection(self, **knobs: Any) -> Connection:
        """Return how the mirror reaches it; `knobs` are fields of `Connection`."""
        return Connection(S3Url.parse(f"s3://{BUCKET}"), endpoint_url=self.endpoint_url, **knobs)

    def asked(self, method: str, key: str | None = None) -> list[Ask]:
        """Return the requests of a method for objects, or for one."""
        return [ask for ask in self.asks if ask.method == method and (ask.key == key if key else ask.key)]

    def listings(self) -> list[Ask]:
        """Return the requests for listings."""
        return [ask for ask in self.asks if not ask.key]

    def forget(self) -> None:
        """Begin to count anew."""
        self.asks.clear()
        self.met.clear()
        self._numbers.clear()

    def go_away(self, seconds: float) -> None:
        """Break off all connections and refuse new ones for a time; nothing more while it is away.

        Returns at once; may be called by `on_ask`.
        """

        def leave() -> None:
            if self._returns:
                return
            task = self._loop.create_task(self._go_away(seconds))
            self._returns.add(task)
            task.add_done_callback(self._returns.discard)

        self._loop.call_soon_threadsafe(leave)

    async def _go_away(self, seconds: float) -> None:
        port = self._runner.addresses[0][1]
        await self._accept_no_more()
        await self._site.stop()
        for handler in self._runner.server.connections if self._runner.server else ():
            if handler.transport is not None:
                handler.transport.abort()
        await asyncio.sleep(seconds)
        while True:
            try:
                await self._listen(port)
                return
            except OSError:  # A connection of somebody else has our port for its own end.
                await asyncio.sleep(0.05)

    async def _accept_no_more(self) -> None:
        """Leave new connections in the kernel's queue, so that none is half accepted when the port is closed.

        asyncio drops such a connection without closing its socket.
        """
        listening = self._site._server
        for sock in listening.sockets if isinstance(listening, asyncio.Server) else ():
            self._loop.remove_reader(sock.fileno())
        await asyncio.sleep(0.01)

    async def start(self, tls: ssl.SSLContext | None) -> None:
        """Begin to listen, in the running loop."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self.answer)
        self._loop, self._tls = asyncio.get_running_loop(), tls
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await self._listen(0)
        port = self._runner.addresses[0][1]
        self.endpoint_url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"

    async def _listen(self, port: int) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=self._tls)
        await self._site.start()

    async def stop(self) -> None:
        """Close the port and all connections."""
        for task in self._returns:
            task.cancel()  # Nothing listens again once all is closed.
        await self._accept_no_more()
        await self._runner.cleanup()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.wait(others, timeout=2) if others else None
        if self._tls is not None:
            await asyncio.sleep(0.1)  # Connections over TLS that were broken off close a turn of the loop later.

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, after the delay."""
        self._n_waiting += 1
        beside = self._n_waiting
        self.peak = max(self.peak, beside)
        try:
            await asyncio.sleep(self.delay_seconds)
        finally:
            # Before it is answered: a client that has its answer may ask again before this coroutine ends.
            self._n_waiting -= 1
        return await self._answer(request, beside)

    async def _answer(self, request: web.Request, beside: int) -> web.StreamResponse:
        ask = self._note(request, beside)
        self.asks.append(ask)
        self.on_ask(ask)
        if (fault := self.fault(ask)) is not None:
            self.met.append((ask, fault))
        if isinstance(fault, Refuse):
            return _refusal(fault)
        if not ask.key:
            return await _send(request, *self._list(request, fault), fault)
        objects = self._objects_of(request)
        if isinstance(fault, Replace) and ask.key in objects:
            objects[ask.key] = fault.of(objects[ask.key])
        key = fault.key if isinstance(fault, SwapWith) else ask.key
        if (stored := objects.get(key)) is None:
            return _refusal(Refuse(404, "NoSuchKey"))
        return await _serve(request, stored, fault)

    def _objects_of(self, request: web.Request) -> dict[str, Stored]:
        return self.others.get(request.match_info["path"].partition("/")[0], self.objects)

    def _note(self, request: web.Request, beside: int) -> Ask:
        _, _, key = request.match_info["path"].partition("/")
        range_ = request.headers.get("Range", "")
        names = (request.method, key), (request.method, key, range_, request.query_string)
        for name in names:
            self._numbers[name] += 1
        number, again = (self._numbers[name] for name in names)
        return Ask(request.method, key, number, time.monotonic(), range_, request.query_string, again, beside)

    def _list(self, request: web.Request, fault: Fault | None) -> tuple[web.StreamResponse, bytes]:
        query = request.query
        start, limit = query.get("continuation-token", ""), int(query.get("max-keys", "1000"))
        entries = _entries(self._objects_of(request), query.get("prefix", ""), query.get("delimiter", ""))
        wanted = [name for name in entries if _mark(name) > start]
        page = wanted[: min(limit, self.page_keys)]
        token = _mark(page[-1]) if len(wanted) > len(page) else ""
        told = list(page)
        match fault:
            case ListRepeat(n_keys):
                told = [*[name for name in entries if _mark(name) <= start][-n_keys:], *page, *page[-1:]]
            case ListUnsorted():
                told.reverse()
            case ListShort(n_keys):
                told, token = page[:n_keys], ""
            case ListLoop():
                token = start or (_mark(page[-1]) if page else "again")
            case ListStray(key):
                entries[key] = _contents(key, Stored(b"stray"))
                told.insert(len(told) // 2, key)
        more = f"<NextContinuationToken>{_escape(token)}</NextContinuationToken>" if token else ""
        text = (
            f'{_XML}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{BUCKET}</Name>'
            f"<EncodingType>url</EncodingType><KeyCount>{len(told)}</KeyCount>"
            f"<IsTruncated>{str(bool(token)).lower()}</IsTruncated>{more}"
            f"{''.join(entries[name] for name in told)}</ListBucketResult>"
        )
        body = text.encode()
        if isinstance(fault, ListCut):
            body = body[: len(body) // 2]
        return web.StreamResponse(headers={"Content-Length": str(len(body)), "Content-Type": "application/xml"}), body


def _entries(objects: Mapping[str, Stored], prefix: str, delimiter: str) -> dict[str, str]:
    """Return the XML of each key and folder under a prefix, in the order of their bytes."""
    entries: dict[str, str] = {}
    for key in sorted(objects, key=lambda one: one.encode()):
        rest = key[len(prefix) :]
        if not key.startswith(prefix):
            continue
        if delimiter and delimiter in rest:
            folder = prefix + rest.partition(delimiter)[0] + delimiter
            entries.setdefault(folder, f"<CommonPrefixes><Prefix>{quote(folder)}</Prefix></CommonPrefixes>")
        else:
            entries[key] = _contents(key, objects[key])
    return entries


def _mark(name: str) -> str:
    """Return a token that stands for all up to a key, or up to the end of a folder."""
    return f"{name}\U0010ffff" if name.endswith("/") else name


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
    tag = hashlib.md5(b"others").hexdigest() if isinstance(fault, WrongEtag) else stored.tag
    headers = {
        "ETag": f'"{tag}"',
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
    elif (spec := request.headers.get("Range", "")) and not isinstance(fault, Whole):
        first, last = _range_of(spec, fault)
        status, body = 206, body[first : last + 1]
        headers["Content-Range"] = f"bytes {first}-{first + len(body) - 1}/{len(stored.body)}"
    if isinstance(fault, Short):
        body = body[: len(body) // 2]
    headers["Content-Length"] = str(len(body))
    return await _send(request, web.StreamResponse(status=status, headers=headers), body, fault)


def _range_of(spec: str, fault: Fault | None) -> tuple[int, int]:
    """Return the first and the last byte of what is sent."""
    first, last = (int(one) for one in spec.removeprefix("bytes=").split("-"))
    if isinstance(fault, WrongRange):
        return first + fault.n_shift, last + fault.n_shift + fault.n_more
    return first, last


async def _send(
    request: web.Request, response: web.StreamResponse, body: bytes, fault: Fault | None
) -> web.StreamResponse:
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    match fault:
        case Cut() | Reset() | Stall():
            await response.write(body[: len(body) // 2])
            if isinstance(fault, Stall):
                await asyncio.sleep(20)
            _break_off(request, is_reset=isinstance(fault, Reset))
        case Drip(seconds, n_pieces):
            for piece in _pieces(body, n_pieces):
                await asyncio.sleep(seconds / n_pieces)
                await response.write(piece)
        case Garble():
            await response.write(body.translate(_OTHER_BYTES))
        case _:
            await response.write(body)
    return response


def _break_off(request: web.Request, *, is_reset: bool) -> None:
    if (transport := request.transport) is None:
        return
    if is_reset:
        with suppress(OSError):
            at_once = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    transport.abort()


def _pieces(body: bytes, n_pieces: int) -> Sequence[bytes]:
    n_bytes = max(1, -(-len(body) // n_pieces))
    return [body[start : start + n_bytes] for start in range(0, len(body), n_bytes)]


@contextmanager
def run_odd_server(tls: ssl.SSLContext | None = None) -> Iterator[OddServer]:
    """Run the server in a thread, on a free port of loopback; over TLS where a context is given."""
    server = OddServer()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="odd-server")
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(tls), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

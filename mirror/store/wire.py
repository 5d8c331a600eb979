"""Many small objects by one thread: HTTP/1.1 over a ring of connections, each with one request in flight.

A thread for each request spends most of its CPU on handing Python's lock around (docs/performance.md). What this does
not serve (signing, proxies) is served by obstore; what it finds odd is an error, and goes to the careful transport.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from mirror.errors import BrokenTransferError, StoreError, UnreachableError
from mirror.store.base import Answer, Body
from mirror.store.connection import USER_AGENT, Connection
from mirror.store.status import error_of_status

_DIALLERS = 8
"""Connections that are opened at a time: over TLS each takes three times the way to the server and back."""
_RECEIVE_BYTES = 1 << 18
_MAX_HEAD_BYTES = 1 << 16


class Wire:
    """Connections to one bucket that stay open between calls. Thread-safe; makes no retries."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        url = urlsplit(connection.bucket_endpoint)
        self._address = (url.hostname or "", url.port or (443 if url.scheme == "https" else 80))
        self._path = url.path
        self._tail = f" HTTP/1.1\r\nHost: {url.netloc}\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\n\r\n"
        self._context = _context(connection) if url.scheme == "https" else None
        self._idle: deque[_Line] = deque()
        self._is_closed = False
        self._diallers = ThreadPoolExecutor(_DIALLERS, thread_name_prefix="oomirror-dial")

    def get_many(self, keys: Sequence[str], *, in_flight: int, is_stopped: Callable[[], bool]) -> Iterator[Answer]:
        """Yield each key with its body or why there is none; see `mirror.store.base.BulkReader`."""
        waiting = deque(keys)
        ring: deque[_Line] = deque()
        dialling: deque[Future[_Line]] = deque()
        try:
            while (waiting or ring) and not (is_stopped() or self._is_closed):
                yield from self._ask(waiting, ring, dialling, in_flight)
                if not ring:
                    continue
                line = ring.popleft()
                answer = line.key, self._read(line)
                # Asked for the next before this one is looked at: the server works while we write.
                if waiting and line.is_open:
                    line.ask(waiting[0], self._request(waiting.popleft()))
                    ring.append(line)
                elif line.is_open:
                    self._keep(line)
                yield answer
        finally:
            for line in ring:
                line.close()
            for future in dialling:
                future.add_done_callback(self._keep_dialled)

    def close(self) -> None:
        """Close the idle connections, and open no more; a thread that still reads ends after its answer."""
        self._is_closed = True
        self._diallers.shutdown(wait=True, cancel_futures=True)
        self._close_idle()

    def _ask(
        self, waiting: deque[str], ring: deque[_Line], dialling: deque[Future[_Line]], in_flight: int
    ) -> Iterator[Answer]:
        """Fill the ring with what is idle or has been dialled; yield keys for which no connection could be had."""
        while waiting and len(ring) < in_flight:
            try:
                line = self._idle.pop()
            except IndexError:
                n_wanted = min(in_flight - len(ring), len(waiting)) - len(dialling)
                with suppress(RuntimeError):  # Closed by another thread a moment ago: `get_many` ends by that.
                    dialling.extend(self._diallers.submit(self._dial) for _ in range(n_wanted))
                if not dialling or (ring and not dialling[0].done()):
                    return
                try:
                    line = dialling.popleft().result()
                except OSError as error:
                    key = waiting.popleft()
                    yield key, UnreachableError("cannot connect to read", self._thing(key), found=str(error))
                    continue
            line.ask(waiting[0], self._request(waiting.popleft()))
            ring.append(line)

    def _read(self, line: _Line) -> Body | StoreError:
        thing = self._thing(line.key)
        try:
            try:
                reply = line.read()
            except _ClosedWhileIdleError:
                line.renew(self._dial(), self._request(line.key))
                reply = line.read()
            return _body(reply, thing)
        except (OSError, ValueError, KeyError) as error:
            line.close()
            return BrokenTransferError("transfer broke off", thing, found=str(error) or type(error).__name__)

    def _dial(self) -> _Line:
        connection = self._connection
        sock = socket.create_connection(self._address, timeout=connection.connect_timeout_seconds)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_hostname=self._address[0])
            # The kernel's own time-outs: with Python's, each call waits by a poll of its own before it begins.
            patience = struct.pack("ll", *_seconds_and_microseconds(connection.read_timeout_seconds))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
            # Not over TLS: Python's ssl takes the kernel's time-out for a wish to be called again, and never ends.
            sock.settimeout(None if self._context is None else connection.read_timeout_seconds)
        except OSError:
            sock.close()
            raise
        return _Line(sock)

    def _keep_dialled(self, future: Future[_Line]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._keep(future.result())

    def _keep(self, line: _Line) -> None:
        self._idle.append(line)
        if self._is_closed:  # Asked after the append: whoever comes last, `close` or a thread that still reads, closes.
            self._close_idle()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _request(self, key: str) -> bytes:
        return f"GET {self._path}/{quote(key)}{self._tail}".encode()

    def _thing(self, key: str) -> str:
        return self._connection.url.url_of(key)


class _ClosedWhileIdleError(OSError):
    """The server had closed the connection before it was asked again: no answer is lost."""


class _Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    data: bytes


class _Line:
    """One connection, with at most one request in flight."""

    __slots__ = ("_is_used", "_sock", "is_open", "key")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._is_used = False
        self.is_open = True
        self.key = ""

    def ask(self, key: str, request: bytes) -> None:
        """Ask for a key."""
        self.key = key
        try:
            self._sock.sendall(request)
        except OSError:
            return  # The read that follows says what is wrong, and knows what to do.

    def renew(self, other: _Line, request: bytes) -> None:
        """Ask for the same key over another connection's socket, instead of the own one."""
        self._sock.close()
        self._sock, self._is_used = other._sock, False
        self.ask(self.key, request)

    def read(self) -> _Reply:
        """Return the whole answer. Raises OSError where it breaks off, ValueError and KeyError where it is not HTTP."""
        head, data = self._read_head()
        status, headers = _parse_head(head)
        n_bytes = 0 if status in (204, 304) else int(headers["content-length"])
        if len(data) < n_bytes:
            data = self._read_rest(data, n_bytes)
        if len(data) > n_bytes:
            raise ValueError(f"{len(data) - n_bytes} B more than the answer's own length")
        self._is_used = True
        if headers.get("connection", "").lower() == "close" or not head.startswith(b"HTTP/1.1"):
            self.close()
        return _Reply(status, headers, data)

    def close(self) -> None:
        """Close the connection."""
        self.is_open = False
        self._sock.close()

    def _read_head(self) -> tuple[bytes, bytes]:
        received = b""
        while True:
            try:
                piece = self._sock.recv(_RECEIVE_BYTES)
            except (ConnectionError, ssl.SSLEOFError) as error:
                if self._is_used and not received:
                    raise _ClosedWhileIdleError(str(error)) from error
                raise
            if not piece:
                raise (_ClosedWhileIdleError if self._is_used and not received else OSError)("closed by the server")
            received = received + piece if received else piece
            head, end, rest = received.partition(b"\r\n\r\n")
            if end:
                return head, rest
            if len(received) > _MAX_HEAD_BYTES:
                raise ValueError("no end of the headers")

    def _read_rest(self, data: bytes, n_bytes: int) -> bytes:
        whole = bytearray(n_bytes)
        whole[: len(data)] = data
        view, n_read = memoryview(whole), len(data)
        while n_read < n_bytes:
            n_more = self._sock.recv_into(view[n_read:])
            if not n_more:
                raise OSError(f"closed by the server after {n_read} of {n_bytes} B")
            n_read += n_more
        return whole  # type: ignore[return-value]  # read only from here on


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    if not first.startswith("HTTP/1."):
        raise ValueError(f"not an HTTP answer: {first[:40]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(first[9:12]), headers


def _body(reply: _Reply, thing: str) -> Body | StoreError:
    if reply.status != 200:
        return error_of_status(reply.status, reply.headers, reply.data.decode("utf-8", "replace"), "read", thing)
    headers = reply.headers
    etag = headers["etag"].strip('"')
    return Body(memoryview(reply.data), len(reply.data), etag, _seconds(headers["last-modified"]))


def _seconds_and_microseconds(seconds: float) -> tuple[int, int]:
    """Return a time as `struct timeval` has it; never zero, which would mean for ever."""
    return divmod(max(1, round(seconds * 1e6)), 1_000_000)


@lru_cache(1024)
def _seconds(text: str) -> int:
    from email.utils import parsedate_to_datetime

    return int(parsedate_to_datetime(text).timestamp())


def _context(connection: Connection) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if connection.ca_bundle:
        context.load_verify_locations(connection.ca_bundle)
    return context

"""A real HTTP hop in front of an S3 server: counts what is asked for, and fails as networks and servers do."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

_HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


ALWAYS = 10**9
"""As often as it is asked for."""


class Request(NamedTuple):
    """One request that came through."""

    kind: str
    """list, get, head, or the method in small letters."""
    key: str
    """Full key; of a listing its prefix."""


class Proxy:
    """What came through, and what is to go wrong. All keys are full keys, whatever their bucket."""

    def __init__(self, upstream: str) -> None:
        self.direct_url = upstream
        """The server itself, without this hop."""
        self.upstream = urlsplit(upstream).netloc
        self.endpoint_url = ""
        self.delay_seconds = 0.0
        """Before each answer."""
        self.denied: dict[str, int] = {}
        """How many more GETs of a key are answered by 403."""
        self.damaged: dict[str, int] = {}
        """How many more GETs of a key are answered with one bit turned."""
        self.cut: dict[str, int] = {}
        """How many more GETs of a key break off half way."""
        self.stalls_from: int | None = None
        """From the n-th request on (from 1) nothing is answered any more."""
        self.closing = threading.Event()
        self._seen: list[Request] = []
        self._news = threading.Condition()

    @property
    def seen(self) -> list[Request]:
        """Every request since the start or the last `forget`."""
        with self._news:
            return list(self._seen)

    def keys(self, kind: str) -> list[str]:
        """Return the keys that were asked for in one way, in the order of their requests."""
        return [request.key for request in self.seen if request.kind == kind]

    def forget(self) -> None:
        """Begin to count anew."""
        with self._news:
            self._seen.clear()

    def wait_for(self, n_requests: int, *, seconds: float = 30.0) -> None:
        """Wait until that many requests came. Raises TimeoutError."""
        with self._news:
            if not self._news.wait_for(lambda: len(self._seen) >= n_requests, seconds):
                raise TimeoutError(f"{len(self._seen)} of {n_requests} requests came in {seconds} s")

    def note(self, request: Request) -> bool:
        """Count a request; return whether it is to be answered."""
        with self._news:
            self._seen.append(request)
            number = len(self._seen)
            self._news.notify_all()
        return self.stalls_from is None or number < self.stalls_from

    def takes(self, faults: dict[str, int], key: str) -> bool:
        """Return whether a fault is due for this key, and use it up."""
        with self._news:
            if not faults.get(key):
                return False
            faults[key] -= 1
            return True


@contextmanager
def run_proxy(upstream: str) -> Iterator[Proxy]:
    """Run a proxy in threads, on a free port of loopback."""
    proxy = Proxy(upstream)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy}))
    proxy.endpoint_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="s3-proxy")
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that are killed in the middle of an answer are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, and its own to the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: Proxy

    def setup(self) -> None:
        super().setup()
        self._server = http.client.HTTPConnection(self.proxy.upstream, timeout=60)

    def finish(self) -> None:
        self._server.close()
        super().finish()

    def do_GET(self) -> None:
        self._pass_on()

    def do_HEAD(self) -> None:
        self._pass_on()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class calls it
        """Say nothing."""

    def _pass_on(self) -> None:
        proxy, request = self.proxy, _request(self.command, self.path)
        if not proxy.note(request):
            proxy.closing.wait()
            self.close_connection = True
            return
        time.sleep(proxy.delay_seconds)
        if request.kind == "get" and proxy.takes(proxy.denied, request.key):
            self._answer(403, [("Content-Type", "application/xml")], _DENIED)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_HEADERS}
        self._server.request(self.command, self.path, headers=headers)
        answer = self._server.getresponse()
        body = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_HEADERS]
        if self.command == "HEAD":
            kept.append(("Content-Length", answer.getheader("Content-Length", "0")))
        if request.kind == "get" and proxy.takes(proxy.damaged, request.key):
            body = bytes([body[0] ^ 1]) + body[1:]
        is_cut = request.kind == "get" and proxy.takes(proxy.cut, request.key)
        self._answer(answer.status, kept, body, n_sent=len(body) // 2 if is_cut else None)

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, n_sent: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:n_sent])
        self.close_connection = self.close_connection or n_sent is not None


def _request(method: str, path: str) -> Request:
    """Return the request of a path-style URL `/bucket/key?query`."""
    url = urlsplit(path)
    query = parse_qs(url.query, keep_blank_values=True)
    key = unquote(url.path.lstrip("/").partition("/")[2])
    if "list-type" in query:
        return Request("list", query.get("prefix", [""])[0])
    return Request(method.lower(), key)

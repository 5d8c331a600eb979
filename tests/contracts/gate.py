"""A hop in front of a real S3 server that looks at headers: a forward proxy with a password, a strict doorman, AWS."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_HEADERS = {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "transfer-encoding"}


@dataclass(frozen=True)
class Passage:
    """One request that came."""

    method: str
    target: str
    """As the request line has it: a path, a whole URL where the hop is a proxy, or `HOST:PORT` of a CONNECT."""
    headers: Mapping[str, str]
    """By their names in small letters."""

    @property
    def kind(self) -> str:
        """list, get, head, or the method in small letters."""
        return "list" if "list-type=2" in self.target else self.method.lower()

    @property
    def signed_region(self) -> str:
        """The region that the signature is for, empty if there is none."""
        scope = self.headers.get("authorization", "").partition("Credential=")[2].split("/")
        return scope[2] if len(scope) > 2 else ""


@dataclass(frozen=True)
class Reply:
    """What the hop answers by itself."""

    status: int
    code: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    more: str = ""
    """Elements beside the code, as `<Region>eu-west-1</Region>`."""

    @property
    def body(self) -> bytes:
        """An error as S3 words it."""
        return f"<Error><Code>{self.code}</Code>{self.more}</Error>".encode() if self.code else b""


class Gate:
    """What came, and the rule by which it is answered here instead of there."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc if upstream else ""
        self.url = ""
        self.rule: Callable[[Passage], Reply | None] = lambda _: None
        self.rewrite: Callable[[Passage], str] = lambda passage: passage.target
        """The path that is asked for upstream."""
        self.tunnels: str = ""
        """`HOST:PORT` that every CONNECT leads to; empty takes the one that is asked for."""
        self.drops: tuple[str, ...] = ()
        """Headers, in small letters, that do not go upstream."""
        self.password = ""
        """`USER:PASSWORD` that a proxy asks for."""
        self._passages: list[Passage] = []
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """`HOST:PORT` of the hop."""
        return urlsplit(self.url).netloc

    @property
    def passages(self) -> list[Passage]:
        """All that came."""
        with self._lock:
            return list(self._passages)

    def of_kind(self, kind: str) -> list[Passage]:
        """Return the requests of one kind."""
        return [passage for passage in self.passages if passage.kind == kind]

    def judge(self, passage: Passage) -> Reply | None:
        """Keep a request, and return the answer if it is given here."""
        with self._lock:
            self._passages.append(passage)
        if self.password:
            expected = f"Basic {base64.b64encode(self.password.encode()).decode()}"
            if passage.headers.get("proxy-authorization") != expected:
                return Reply(407, headers=(("Proxy-Authenticate", "Basic"),))
        return self.rule(passage)


@contextmanager
def run_gate(upstream: str = "", tls: ssl.SSLContext | None = None) -> Iterator[Gate]:
    """Run a hop in threads, on a free port of loopback; over TLS where a context is given."""
    gate = Gate(upstream)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"gate": gate}))
    server.tls = tls
    gate.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="gate")
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    tls: ssl.SSLContext | None = None
    request_queue_size = 256

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        if self.tls is not None:
            try:  # In the connection's own thread: a client that does not trust us must keep nobody waiting.
                request.settimeout(5)
                request = self.tls.wrap_socket(request, server_side=True)
                request.settimeout(None)
            except OSError:
                self.shutdown_request(request)
                return
        super().process_request_thread(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients break off when they have seen enough."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    gate: Gate

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class calls it
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_CONNECT(self) -> None:
        if (reply := self.gate.judge(self._passage())) is not None:
            self._send(reply.status, reply.headers, reply.body)
            return
        host, _, port = (self.gate.tunnels or self.path).rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            self.send_response_only(200)
            self.end_headers()
            _join(self.connection, there)
        self.close_connection = True

    def _passage(self) -> Passage:
        return Passage(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})

    def _answer(self) -> None:
        passage = self._passage()
        if (reply := self.gate.judge(passage)) is not None:
            self._send(reply.status, reply.headers, reply.body)
            return
        url = urlsplit(self.gate.rewrite(passage))
        upstream = http.client.HTTPConnection(url.netloc or self.gate.upstream, timeout=30)
        path = url.path + (f"?{url.query}" if url.query else "")
        dropped = {*_HOP_HEADERS, *self.gate.drops}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
        upstream.request(self.command, path, headers=kept)
        answer = upstream.getresponse()
        body = answer.read()
        headers = tuple(
            (name, value)
            for name, value in answer.getheaders()
            if name.lower() not in {*_HOP_HEADERS, "content-length"}
        )
        self._send(answer.status, headers, body, length=answer.getheader("Content-Length"))
        upstream.close()

    def _send(
        self, status: int, headers: tuple[tuple[str, str], ...], body: bytes, *, length: str | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", (length or "0") if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until both sides have ended."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=pump, args=(one, other), name="gate-tunnel")
    thread.start()
    pump(other, one)
    thread.join()

"""One HTTP/1.1 connection of the ring, with at most one request in flight; it does what its socket allows, no more."""

from __future__ import annotations

import errno
import os
import re
import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from mirror.store.base import Ask

if TYPE_CHECKING:
    import ssl

Address = tuple[int, Any]
"""Family, and the address as the socket library has it."""
_RECEIVE_BYTES = 1 << 18
_HEAD_BYTES = 1 << 10
"""Of an S3 server's answer before the body, about: room for it beside a body of known length."""
_MAX_HEAD_BYTES = 1 << 16
_MAX_BODY_BYTES = 16 << 20
"""Unless it was listed as larger: what has grown beyond that is nothing to be held in memory."""
_NAMES = rb"content-length|etag|last-modified|connection|retry-after|x-amz-bucket-region"
_HEADERS = re.compile(rb"\r\n(" + _NAMES + rb")[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)


class NotConnectedError(OSError):
    """No connection came about."""


class ClosedWhileIdleError(OSError):
    """The server had closed the connection before it was asked again: no answer is lost."""


class Reply(NamedTuple):
    """An answer that is whole."""

    status: int
    headers: dict[str, str]
    data: bytes | bytearray


class Line:
    """One connection, with at most one request in flight; nothing of it blocks.

    Parameters
    ----------
    addresses
        Of the server, tried in turn until a connection is begun; not empty.
    context
        None is plain HTTP.

    Raises
    ------
    OSError
        No address of them can be tried.
    """

    def __init__(self, addresses: Sequence[Address], host: str, context: ssl.SSLContext | None) -> None:
        self._host = host
        self._context = context
        self.sock, self.other_addresses = _begin_to_connect(addresses)
        self._request = b""
        self._is_used = False
        self._received = b""
        self._reply: Reply | None = None
        self._n_read = 0
        self.interest = selectors.EVENT_WRITE
        self.is_connected = False
        self.is_open = True
        self.asked = Ask("", 0)
        self.last_seen = 0.0
        """When something came, or was asked; seconds of the monotonic clock."""

    def ask(self, ask: Ask, request: bytes) -> None:
        """Ask for a key, now or as soon as there is a connection."""
        self.asked, self._request = ask, request
        self.last_seen = time.monotonic()
        if self.is_connected:
            self._send()

    def step(self) -> Reply | None:
        """Go on as far as the socket allows; return the answer once it is whole.

        Raises
        ------
        NotConnectedError
            The server, or its certificate, cannot be had.
        ClosedWhileIdleError
            It had closed the connection before it was asked.
        OSError, ValueError, KeyError
            The answer breaks off, or is not HTTP.
        """
        if not self.is_connected:
            self._connect()
            return None
        return self._receive()

    def close(self) -> None:
        """Close the connection."""
        self.is_open = False
        self.sock.close()

    def _connect(self) -> None:
        number = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise NotConnectedError(os.strerror(number))
        if self._context is not None and not self._shake_hands():
            return
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_connected = True
        self.interest = selectors.EVENT_READ
        self.last_seen = time.monotonic()
        self._send()

    def _shake_hands(self) -> bool:
        import ssl

        try:
            if not isinstance(self.sock, ssl.SSLSocket):
                assert self._context is not None
                self.sock = self._context.wrap_socket(
                    self.sock, server_hostname=self._host, do_handshake_on_connect=False
                )
            self.sock.do_handshake()
        except ssl.SSLWantReadError:
            self.interest = selectors.EVENT_READ
            return False
        except ssl.SSLWantWriteError:
            self.interest = selectors.EVENT_WRITE
            return False
        except OSError as error:
            raise NotConnectedError(str(error)) from error
        return True

    def _send(self) -> None:
        try:
            if self.sock.send(self._request) == len(self._request):
                return
        except OSError:
            pass  # The read that follows says what is wrong, and knows what to do.
        # A request that does not fit into an empty buffer: not seen yet, and the read that follows would wait for ever.
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> Reply | None:
        while True:
            try:
                is_whole = self._receive_head() if self._reply is None else self._receive_body(self._reply)
            except BlockingIOError:
                return None
            except OSError as error:
                if self._context is None or not _wants_more(error):
                    raise
                return None
            if is_whole:
                reply, self._reply = self._reply, None
                self._is_used = True
                return reply
            if self._context is None and self._reply is None:
                return None

    def _receive_head(self) -> bool:
        piece = self._read_piece()
        self.last_seen = time.monotonic()
        received = self._received + piece if self._received else piece
        end = received.find(b"\r\n\r\n")
        if end < 0:
            if len(received) > _MAX_HEAD_BYTES:
                raise ValueError("no end of the headers")
            self._received = received
            return False
        self._received = b""
        return self._begin_body(received[:end], received[end + 4 :])

    def _read_piece(self) -> bytes:
        try:
            piece = self.sock.recv(min(self.asked.n_bytes + _HEAD_BYTES, _RECEIVE_BYTES))
        except ConnectionError as error:
            if self._is_used and not self._received:
                raise ClosedWhileIdleError(str(error)) from error
            raise
        if not piece:
            raise (ClosedWhileIdleError if self._is_used and not self._received else OSError)("closed by the server")
        return piece

    def _begin_body(self, head: bytes, data: bytes) -> bool:
        status, headers = _parse_head(head)
        length = headers.get("content-length")
        if status != 200 and (length is None or status in (204, 304)):
            # An error without a length: what has come of its words is enough, and the rest is not waited for.
            self.is_open = False
            self._reply = Reply(status, headers, data)
            return True
        n_bytes = int(headers["content-length"])
        if n_bytes > max(self.asked.n_bytes, _MAX_BODY_BYTES):
            raise ValueError(f"{n_bytes} B, far more than was listed")
        if len(data) > n_bytes:
            raise ValueError(f"{len(data) - n_bytes} B more than the answer's own length")
        if not head.startswith(b"HTTP/1.1") or headers.get("connection", "").lower() == "close":
            self.is_open = False
        if len(data) == n_bytes:
            self._reply = Reply(status, headers, data)
            return True
        whole = bytearray(n_bytes)
        whole[: len(data)] = data
        self._reply, self._n_read = Reply(status, headers, whole), len(data)
        return False

    def _receive_body(self, reply: Reply) -> bool:
        n_bytes = len(reply.data)
        with memoryview(reply.data) as view:
            n_more = self.sock.recv_into(view[self._n_read :])
        if not n_more:
            raise OSError(f"closed by the server after {self._n_read} of {n_bytes} B")
        self.last_seen = time.monotonic()
        self._n_read += n_more
        return self._n_read == n_bytes


def _begin_to_connect(addresses: Sequence[Address]) -> tuple[socket.socket, Sequence[Address]]:
    """Return a socket on its way to the first address that can be tried, and the addresses behind that one."""
    number = errno.EADDRNOTAVAIL
    for position, (family, address) in enumerate(addresses):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)  # noqa: FBT003 - the socket library's own
        number = sock.connect_ex(address)
        if number in (0, errno.EINPROGRESS):
            return sock, addresses[position + 1 :]
        sock.close()
    raise OSError(number, os.strerror(number))


def _wants_more(error: OSError) -> bool:
    import ssl

    return isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError)


def _parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    if not head.startswith(b"HTTP/1."):
        raise ValueError(f"not an HTTP answer: {head[:40]!r}")
    return int(head[9:12]), {
        name.decode("latin-1").lower(): value.decode("latin-1").strip() for name, value in _HEADERS.findall(head)
    }

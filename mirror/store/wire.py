"""Many small objects by one thread: HTTP/1.1 over a ring of connections, each with one request in flight.

A thread for each request spends most of its CPU on handing Python's lock around (docs/performance.md). What this does
not serve (signing, proxies) is served by obstore; what it finds odd is an error, and goes to the careful transport.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from mirror.errors import BrokenTransferError, StoreError, UnreachableError
from mirror.store.base import Answer, Ask, Body, Lull
from mirror.store.connection import USER_AGENT, Connection
from mirror.store.line import Address, ClosedWhileIdleError, Line, NotConnectedError, Reply
from mirror.store.status import error_of_status

if TYPE_CHECKING:
    import ssl

MAX_BYTES_IN_FLIGHT = 64 << 20
"""Of all rings, beyond the first request of each: what has come of a body is in memory until the rest is there."""
_DRY_POLL_SECONDS = 0.01
"""How soon it is seen that there is more to ask."""
_POLL_SECONDS = 0.1
_MAX_FAILED = 64
"""Of what fails before it is asked, at a time: where nobody listens, all of it would be."""
_DOWN_SECONDS = 1.0
"""For so long after a failed connection nobody tries another one."""
_ADDRESS_SECONDS = 60.0


class Wire:
    """Connections to one bucket that stay open between calls. Thread-safe; makes no retries."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        url = urlsplit(connection.bucket_endpoint)
        self._host, self._port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        self._path = url.path
        self._tail = f" HTTP/1.1\r\nHost: {url.netloc}\r\nUser-Agent: {USER_AGENT}\r\nAccept: */*\r\n\r\n"
        self._is_tls = url.scheme == "https"
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._addresses: list[Address] = []
        self._addresses_until = 0.0
        self._n_dialled = 0
        self._idle: deque[Line] = deque()
        self.is_closed = False
        self.n_rings = 0
        """Threads that read now; they share what may be in memory."""
        self.waited_seconds = 0.0
        """Time that threads spent waiting for answers; of several threads about, for nothing is locked."""

    def stream(
        self, asks: Iterator[Ask | Lull], *, in_flight: Callable[[], int], is_stopped: Callable[[], bool]
    ) -> Generator[Answer | None, None, None]:
        """Yield each object that is asked for, or why there is none; see `mirror.store.base.BulkReader`."""
        ring = _Ring(self, asks, in_flight)
        self.n_rings += 1
        try:
            while not (ring.is_done or is_stopped() or self.is_closed):
                for answer in ring.turn():
                    yield answer
                    if is_stopped():
                        return
        finally:
            self.n_rings -= 1
            ring.close()

    def close(self) -> None:
        """Close the idle connections; a thread that still reads ends after its answer, and closes its own."""
        self.is_closed = True
        self._close_idle()

    def line(self) -> Line:
        """Return a connection that is idle, or a new one on its way to the server.

        Raises
        ------
        OSError
            The server's name is unknown, or no address of it can be tried.
        """
        try:
            return self._idle.pop()
        except IndexError:
            return self.dial()

    def dial(self, addresses: Sequence[Address] = ()) -> Line:
        """Return a new connection on its way to one of the addresses, or of all of the server. Raises OSError."""
        if not addresses:
            known = self._resolved()
            # In turn, so that each address of the host has its share.
            self._n_dialled += 1
            start = self._n_dialled % len(known)
            addresses = [*known[start:], *known[:start]]
        return Line(addresses, self._host, self._context())

    def keep(self, line: Line) -> None:
        """Take back a connection that has nothing in flight."""
        self._idle.append(line)
        if self.is_closed:  # Asked after the append: whoever comes last, `close` or a thread that still reads, closes.
            self._close_idle()

    def request(self, key: str) -> bytes:
        """Return the bytes that ask for a key."""
        return f"GET {self._path}/{quote(key)}{self._tail}".encode()

    def thing(self, key: str) -> str:
        """Return the URL of a key, for errors."""
        return self.connection.url.url_of(key)

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _resolved(self) -> list[Address]:
        now = time.monotonic()
        with self._lock:
            if now >= self._addresses_until:
                found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                self._addresses = [(family, address) for family, _, _, _, address in found]
                self._addresses_until = now + _ADDRESS_SECONDS
            return self._addresses

    def _context(self) -> ssl.SSLContext | None:
        if not self._is_tls:
            return None
        with self._lock:
            if self._tls is None:
                from mirror.store.session import tls_of  # 15 ms that plain HTTP has no use for

                self._tls = tls_of(self.connection)
            return self._tls


class _Ring:
    """One thread's connections, and what it has in flight over them."""

    def __init__(self, wire: Wire, asks: Iterator[Ask | Lull], limit: Callable[[], int]) -> None:
        self._wire = wire
        self._asks = asks
        self._limit = limit
        self._selector = selectors.DefaultSelector()
        self._lines: set[Line] = set()
        """With a request in flight."""
        self._free: list[Line] = []
        self._n_bytes = 0
        """In flight, as far as the asks know."""
        self._failed: list[Answer] = []
        self._down: tuple[float, str] | None = None
        self._lull: Lull | None = None
        self._is_at_end = False
        timeouts = wire.connection.connect_timeout_seconds, wire.connection.read_timeout_seconds
        self._poll_seconds = min(_POLL_SECONDS, min(timeouts) / 4)
        self._look_at = 0.0

    @property
    def is_done(self) -> bool:
        return self._is_at_end and not self._lines and not self._failed

    def turn(self) -> Iterator[Answer | None]:
        """Ask for what there is room for, wait, and yield what came; None if nothing did."""
        self._fill()
        failed, self._failed = self._failed, []
        yield from failed
        ready = self._wait() if self._lines or self._lull else ()
        has_come = bool(failed)
        for line in ready:
            if line not in self._lines:
                self._drop_free(line)
            elif (answer := self._step(line)) is not None:
                has_come = True
                yield answer
        self._give_up_silent()
        if not has_come:
            yield None

    def close(self) -> None:
        """Close what is in flight, and give back the rest."""
        for line in self._lines:
            line.close()
        for line in self._free:
            self._selector.unregister(line.sock)
            self._wire.keep(line)
        self._selector.close()

    def _fill(self) -> None:
        self._lull = None
        while self._has_room() and (ask := self._next()) is not None:
            try:
                line = self._free.pop() if self._free else self._new_line()
            except OSError as error:
                self._failed.append(self._unreachable(ask.key, str(error)))
                continue
            self._start(line, ask)

    def _has_room(self) -> bool:
        if len(self._failed) >= _MAX_FAILED or (self._lines and self._n_bytes >= self._room()):
            return False
        return not self._is_at_end and len(self._lines) < self._limit()

    def _room(self) -> int:
        return MAX_BYTES_IN_FLIGHT // max(1, self._wire.n_rings)

    def _next(self) -> Ask | None:
        try:
            ask = next(self._asks)
        except StopIteration:
            self._is_at_end = True
            return None
        if isinstance(ask, Lull):
            self._lull = ask
            return None
        return ask

    def _new_line(self) -> Line:
        if self._down is not None:
            until, why = self._down
            if time.monotonic() < until:
                raise OSError(why)
            self._down = None
        line = self._wire.line()
        self._selector.register(line.sock, line.interest, line)
        return line

    def _start(self, line: Line, ask: Ask) -> None:
        self._lines.add(line)
        self._n_bytes += ask.n_bytes
        line.ask(ask, self._wire.request(ask.key))

    def _wait(self) -> list[Line]:
        patience = {None: self._poll_seconds, Lull.BUSY: 0.0, Lull.DRY: min(_DRY_POLL_SECONDS, self._poll_seconds)}
        started = time.monotonic()
        events = self._selector.select(patience[self._lull])
        self._wire.waited_seconds += time.monotonic() - started
        return [key.data for key, _ in events]

    def _step(self, line: Line) -> Answer | None:
        """Go on with a line that is ready; return the answer if it is whole, or failed."""
        key = line.asked.key
        try:
            interest = line.interest
            reply = line.step()
            if line.interest != interest:
                self._selector.modify(line.sock, line.interest, line)
        except NotConnectedError as error:
            if line.other_addresses:
                return self._renew(line, line.other_addresses)
            self._forget(line)
            self._down = time.monotonic() + _DOWN_SECONDS, str(error)
            return self._unreachable(key, str(error))
        except ClosedWhileIdleError:
            return self._renew(line)
        except (OSError, ValueError, KeyError) as error:
            return self._break_off(line, str(error) or type(error).__name__)
        if reply is None:
            return None
        self._finish(line)
        return key, _body(reply, self._wire.thing(key))

    def _finish(self, line: Line) -> None:
        """Ask the next over a line whose answer is whole, before that is looked at: the server works while we write."""
        self._n_bytes -= line.asked.n_bytes
        self._lines.discard(line)
        if not line.is_open:
            self._selector.unregister(line.sock)
            line.close()
        elif self._has_room() and (ask := self._next()) is not None:
            self._start(line, ask)
        else:
            self._free.append(line)

    def _renew(self, line: Line, addresses: Sequence[Address] = ()) -> Answer | None:
        """Ask over a new connection what another one, closed while it was idle or never there, has no answer to."""
        self._forget(line)
        try:
            new = self._wire.dial(addresses)
        except OSError as error:
            return self._unreachable(line.asked.key, str(error))
        self._selector.register(new.sock, new.interest, new)
        self._start(new, line.asked)
        return None

    def _unreachable(self, key: str, why: str) -> Answer:
        return key, UnreachableError("cannot connect to read", self._wire.thing(key), found=why)

    def _break_off(self, line: Line, why: str) -> Answer:
        self._forget(line)
        key = line.asked.key
        return key, BrokenTransferError("transfer broke off", self._wire.thing(key), found=why)

    def _forget(self, line: Line) -> None:
        self._n_bytes -= line.asked.n_bytes
        self._lines.discard(line)
        with suppress(KeyError, ValueError):  # A socket that could not even be made ready for TLS is closed already.
            self._selector.unregister(line.sock)
        line.close()

    def _drop_free(self, line: Line) -> None:
        """Close a line that the server closed while it was idle."""
        if line in self._free:
            self._free.remove(line)
            self._selector.unregister(line.sock)
            line.close()

    def _give_up_silent(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + self._poll_seconds
        connection = self._wire.connection
        # Whose answer lies in its socket is not silent: we were elsewhere, where a share took long for a file.
        ready = {key.data for key, _ in self._selector.select(0)}
        for line in self._lines - ready:
            if line.is_connected:
                if now - line.last_seen > connection.read_timeout_seconds:
                    self._failed.append(self._break_off(line, f"silent for {connection.read_timeout_seconds:g} s"))
            elif now - line.last_seen > connection.connect_timeout_seconds and line.other_addresses:
                if (answer := self._renew(line, line.other_addresses)) is not None:
                    self._failed.append(answer)
            elif now - line.last_seen > connection.connect_timeout_seconds:
                self._forget(line)
                self._down = now + _DOWN_SECONDS, "no answer"
                why = f"no answer within {connection.connect_timeout_seconds:g} s"
                self._failed.append(self._unreachable(line.asked.key, why))


def _body(reply: Reply, thing: str) -> Body | StoreError:
    if reply.status != 200:
        return error_of_status(reply.status, reply.headers, reply.data.decode("utf-8", "replace"), "read", thing)
    headers = reply.headers
    try:
        etag, last_modified = headers["etag"].strip('"'), _seconds(headers["last-modified"])
    except (KeyError, ValueError) as error:
        return BrokenTransferError("cannot read the answer's headers", thing, found=str(error))
    return Body(memoryview(reply.data), len(reply.data), etag, last_modified)


@lru_cache(1024)
def _seconds(text: str) -> int:
    """Return an HTTP date as seconds since 1970, UTC. Raises ValueError."""
    from email.utils import parsedate_to_datetime

    return int(parsedate_to_datetime(text).timestamp())

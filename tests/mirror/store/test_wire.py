"""The ring of connections against a server that follows a script."""

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil

from mirror.errors import BrokenTransferError, ObjectNotFoundError, SlowDownError, StoreError, UnreachableError
from mirror.keys import S3Url
from mirror.store.base import Answer, Ask, Body
from mirror.store.connection import Connection
from mirror.store.wire import Wire

Script = Callable[[str, int], tuple[bytes, bool]]
"""Path and number of the request over its connection to the answer's bytes, and whether the connection stays open."""


def answer(body: bytes, *, status: str = "200 OK", n_bytes: int | None = None, more: str = "") -> bytes:
    """Return an HTTP answer, with the length of another body if `n_bytes` is given."""
    length = len(body) if n_bytes is None else n_bytes
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    head = f'HTTP/1.1 {status}\r\nContent-Length: {length}\r\nETag: "{etag}"\r\n{more}'
    return f"{head}Last-Modified: Thu, 01 Jan 1970 00:01:40 GMT\r\n\r\n".encode() + body


@contextmanager
def serving(script: Script) -> Iterator[tuple[Wire, list[int]]]:
    """Yield a wire to a server, and the list that grows with each connection it takes."""
    taken: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk(peer: socket.socket) -> None:
            # A client that gives up resets the connection.
            with suppress(ConnectionError), peer, peer.makefile("rb") as lines:
                number, stays = 0, True
                while stays and (first := lines.readline()):
                    while lines.readline().strip():
                        pass
                    data, stays = script(first.decode().split()[1], number)
                    peer.sendall(data)
                    number += 1

        def listen() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                taken.append(1)
                threading.Thread(target=talk, args=(peer,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        wire = Wire(connection_to(listener.getsockname()[1]))
        try:
            yield wire, taken
        finally:
            wire.close()
            listener.shutdown(socket.SHUT_RDWR)


def connection_to(port: int) -> Connection:
    """Return a connection to a bucket on loopback."""
    return Connection(S3Url.parse("s3://bucket"), endpoint_url=f"http://127.0.0.1:{port}", read_timeout_seconds=0.5)


def stream(
    wire: Wire, keys: Iterable[str], in_flight: int = 4, is_stopped: Callable[[], bool] = lambda: False
) -> Iterator[Answer]:
    """Yield the answers as they come."""
    asks = (Ask(key, 0) for key in keys)
    for answered in wire.stream(asks, in_flight=lambda: in_flight, is_stopped=is_stopped):
        if answered is not None:
            yield answered


def fetch(wire: Wire, keys: list[str], in_flight: int = 4) -> dict[str, Body | StoreError]:
    """Return all answers; each key has exactly one."""
    answers = list(stream(wire, keys, in_flight))
    assert sorted(key for key, _ in answers) == sorted(keys)
    return dict(answers)


def open_connections_to(wire: Wire) -> int:
    """Return how many sockets of this process are connected to the wire's server."""
    connections = psutil.Process().net_connections("tcp")
    return sum(bool(one.raddr) and one.raddr.port == wire._port and one.status == "ESTABLISHED" for one in connections)


def test_each_key_gets_its_own_body_and_connections_are_kept() -> None:
    """A hundred objects come over as many connections as requests are in flight, also in a second call."""
    keys = [f"a b/{number}" for number in range(100)]
    with serving(lambda path, _: (answer(path.encode()), True)) as (wire, taken):
        for _ in range(2):
            found = fetch(wire, keys)
            bodies = {key: bytes(one.data) for key, one in found.items() if isinstance(one, Body)}
            assert bodies == {key: f"/bucket/{key.replace(' ', '%20')}".encode() for key in keys}
        assert 1 <= len(taken) <= 4


def test_headers_become_size_etag_and_time() -> None:
    """ETag and Last-Modified are those of the answer."""
    with serving(lambda _, __: (answer(b"hello"), True)) as (wire, _):
        assert fetch(wire, ["k"])["k"] == Body(b"hello", 5, "5d41402abc4b2a76b9719d911017c592", 100)


def test_a_body_larger_than_one_receive_is_whole() -> None:
    """A megabyte that comes in many pieces is put together."""
    body = bytes(range(256)) * 4096
    with serving(lambda _, __: (answer(body), True)) as (wire, _):
        found = fetch(wire, ["k"])["k"]
        assert isinstance(found, Body)
        assert bytes(found.data) == body


def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    """A server that ends each connection after one answer, without saying so, costs no object."""
    with serving(lambda path, _: (answer(path.encode()), False)) as (wire, _):
        assert all(isinstance(one, Body) for one in fetch(wire, [str(number) for number in range(20)]).values())


def test_one_bad_answer_spoils_no_other() -> None:
    """Each kind of failure is told apart, and the other objects arrive."""
    bad = {
        "/bucket/short": (answer(b"half", n_bytes=8), False),
        "/bucket/stalled": (answer(b"half", n_bytes=8), True),
        "/bucket/slow": (answer(b"<Code>SlowDown</Code>", status="503 Slow", more="Retry-After: 7\r\n"), True),
        "/bucket/absent": (answer(b"", status="404 Not Found"), True),
        "/bucket/long": (answer(b"too long", n_bytes=3), True),
        "/bucket/babble": (b"SSH-2.0-OpenSSH\r\n\r\n", True),
    }
    names = [name.rpartition("/")[2] for name in bad]
    with serving(lambda path, _: bad.get(path, (answer(b"good"), True))) as (wire, _):
        found = fetch(wire, [*names, *(f"good{number}" for number in range(20))])
    kinds = {name: type(found[name]) for name in names}
    broken = dict.fromkeys(("short", "stalled", "long", "babble"), BrokenTransferError)
    assert kinds == {**broken, "slow": SlowDownError, "absent": ObjectNotFoundError}
    assert all(isinstance(one, Body) for key, one in found.items() if key.startswith("good"))
    slow = found["slow"]
    assert isinstance(slow, SlowDownError)
    assert slow.retry_after_seconds == 7


def test_no_server_is_an_error_for_each_key() -> None:
    """Where nobody listens, every key says so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    wire = Wire(connection_to(port))
    found = fetch(wire, ["a", "b", "c"])
    wire.close()
    assert all(isinstance(one, UnreachableError) for one in found.values())


def test_a_wish_to_stop_ends_it_between_answers() -> None:
    """No more is asked for once it is to stop."""
    got: list[str] = []
    with serving(lambda _, __: (answer(b"x"), True)) as (wire, _):
        keys = [str(number) for number in range(100)]
        for key, _ in stream(wire, keys, 2, lambda: len(got) >= 5):
            got.append(key)
    assert len(got) == 5


def test_close_leaves_no_connection_open_though_a_thread_still_reads() -> None:
    """A run that is stopped closes the wire under its threads: what they had in flight or dialled is closed, too."""
    with serving(lambda _, __: (answer(b"x"), True)) as (wire, _):
        answers = stream(wire, (str(number) for number in range(100)))
        next(answers)
        assert open_connections_to(wire) > 0
        wire.close()
        assert len(list(answers)) < 99
        assert open_connections_to(wire) == 0


def test_close_between_a_request_and_its_answer_closes_that_connection() -> None:
    """A connection that would be kept for the next call is closed where there will be none."""
    wires: list[Wire] = []

    def close_and_answer(path: str, _: int) -> tuple[bytes, bool]:
        if path.endswith("/last"):
            wires[0].close()
        return answer(b"x"), True

    with serving(close_and_answer) as (wire, _):
        wires.append(wire)
        assert len(list(stream(wire, ["last"]))) <= 1
        assert open_connections_to(wire) == 0


def test_a_body_that_is_far_longer_than_listed_is_not_held_in_memory() -> None:
    """What claims 40 GB where a few bytes were listed is an error of that object."""
    with serving(lambda _, __: (answer(b"x", n_bytes=40 << 30), True)) as (wire, _):
        found = fetch(wire, ["k"])["k"]
    assert isinstance(found, BrokenTransferError)
    assert "more than was listed" in found.found


def test_a_consumer_that_is_elsewhere_for_long_loses_no_answer() -> None:
    """Answers that came while files were written do not count as silence, however long that took."""
    with serving(lambda path, _: (answer(path.encode()), True)) as (wire, _):
        found = {}
        for key, one in stream(wire, [str(number) for number in range(8)], in_flight=4):
            found[key] = one
            time.sleep(0.6)  # The read time-out of these connections is 0.5 s.
    assert all(isinstance(one, Body) for one in found.values())
    assert len(found) == 8

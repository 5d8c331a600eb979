"""A real server of MongoDB's protocol for tests, a process of its own; and a hop in front of it that cuts."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient

REAL_SERVER = "OOMIRROR_TEST_MONGO_URI"
"""Address of a real mongod, whose user may do all: the tests that share one server use it instead of ours."""
_READY = re.compile(rb"listening on (\S+):(\d+)")


@dataclass(slots=True)
class MongoServer:
    """A server that keeps its data in `folder`; started again, it listens on the port that it had."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """The address without a user, as a user of oomirror writes it."""
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true&serverSelectionTimeoutMS=1000"

    def uri_of(self, user: str, password: str, options: str = "") -> str:
        """Return the address with a login, which is to be escaped already."""
        return self.uri.replace("mongodb://", f"mongodb://{user}:{password}@") + options

    def start(self, *options: str) -> None:
        """Start it and wait until it says where it listens; `options` come to those that it has."""
        (self.folder / "empty.toml").touch()
        # The program itself: its script needs an interpreter, which takes longer to start than the server.
        program = Path(sysconfig.get_path("platlib"), "secantusdb.scripts", "secantusd-rs")
        words: list[str | Path] = [
            "--config",
            self.folder / "empty.toml",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        words += ["--storage-path", self.folder / "data", "--cache-size", "128M", "--log-file-max", "16MB"]
        log = self.folder / "log"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [program, *words, "--sync-on-commit", *self.options, *options], stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 30
        while not (ready := _READY.search(log.read_bytes())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text())
            time.sleep(0.01)
        self.port = int(ready.group(2))

    def kill(self) -> None:
        """End it as a power cut does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(30)
            self.process = None

    def make_user(self, name: str, password: str, *databases: str) -> None:
        """Make a user who may read those databases alone."""
        roles = [{"role": "read", "db": database} for database in databases]
        with MongoClient[Any](self.uri) as client:
            client.admin.command("createUser", name, pwd=password, roles=roles)


@contextmanager
def run_mongo(*options: str) -> Iterator[MongoServer]:
    """Run a server in a folder of its own."""
    # On memory where there is some: the server syncs each of its commits.
    place = next((one for one in ("/dev/shm",) if os.access(one, os.W_OK)), None)
    folder = Path(tempfile.mkdtemp(prefix="oomirror-mongo-", dir=place))
    server = MongoServer(folder, options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def shared_mongo() -> Iterator[str]:
    """Give the address of a server that tests share: a real mongod where the environment names one."""
    real = os.environ.get(REAL_SERVER)
    if real:
        yield real
    else:
        with run_mongo() as server:
            yield server.uri


@dataclass(slots=True)
class CuttingHop:
    """A hop in front of a server, which can reset the connections that go through it."""

    target: tuple[str, int]
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    open: list[socket.socket] = field(default_factory=list)
    n_connections: int = 0
    n_reads_to_cut: int = 0
    """How many of the next reads are answered by a reset; that a server is there can be asked all the time."""

    def in_front_of(self, uri: str) -> str:
        """Return the address of the server by way of the hop."""
        return uri.replace(urlsplit(uri).netloc.rpartition("@")[2], f"127.0.0.1:{self.listener.getsockname()[1]}")

    def close(self) -> None:
        """Take no more connections, and end those that are open."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in self.open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def serve(self) -> None:
        """Take connections until it is closed."""
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
                self.n_connections += 1
                self.open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if self.n_reads_to_cut and any(command in data for command in (b"find\0", b"getMore\0")):
                    self.n_reads_to_cut -= 1
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.close()
                    break
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


@contextmanager
def run_hop(uri: str) -> Iterator[CuttingHop]:
    """Run a hop in front of the server at that address, which names one host."""
    parts = urlsplit(uri)
    hop = CuttingHop((parts.hostname or "", parts.port or 27017))
    thread = threading.Thread(target=hop.serve, daemon=True)
    thread.start()
    try:
        yield hop
    finally:
        hop.close()
        thread.join(5)

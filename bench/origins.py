"""Servers on loopback that have the objects: SeaweedFS alone, or nginx with the bodies as files in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, assert_never

from bench.blocks import BUCKET, BlockArray, block_array
from bench.made_up import MadeUp, run_listing_server
from bench.nginx import ListLog, run_nginx
from mirror.demo.server import SeaweedServer
from mirror.errors import UsageError


class Server(StrEnum):
    """Who answers the tools."""

    NGINX = "nginx"
    SEAWEEDFS = "seaweedfs"
    MADE_UP = "made-up"


@dataclass(frozen=True, slots=True)
class Setting:
    """What kind of server the tools meet."""

    server: Server = Server.NGINX
    delay_ms: int = 0
    """Waited before each answer, LIST too."""
    tls: bool = False
    keeps_lists: bool = True
    """Whether nginx keeps SeaweedFS's LIST answers, so that the tools are measured and not SeaweedFS."""

    def __str__(self) -> str:
        delay = f", {self.delay_ms} ms added to each answer" if self.delay_ms else ""
        match self.server:
            case Server.SEAWEEDFS:
                return "SeaweedFS"
            case Server.MADE_UP:
                return f"a server that makes them up{delay}"
            case Server.NGINX:
                kept = "LIST answers of SeaweedFS, kept by nginx" if self.keeps_lists else "LIST passed on to SeaweedFS"
                return f"nginx ({kept}{', TLS' if self.tls else ''}{delay})"
        assert_never(self.server)

    def objects(self, n_blocks: int, block_bytes: int) -> BlockArray | MadeUp:
        """Return what it serves; made-up blocks have lengths of their own."""
        return MadeUp(n_blocks) if self.server is Server.MADE_UP else block_array(n_blocks, block_bytes)


@dataclass(frozen=True, slots=True)
class Origin:
    """A server that runs and has the objects."""

    endpoint_url: str
    ca_file: Path | None = None
    """Whom to trust; None without TLS."""
    lists: ListLog | None = None
    """Tells of LIST answers that were not kept; None where none are kept."""


class Depot:
    """A SeaweedFS that has the objects which were last asked for; used as `with Depot() as depot`.

    Storing takes longer than a run, so two origins in a row with the same objects share it.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._blocks: BlockArray | None = None
        self._url = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def url_of(self, blocks: BlockArray) -> str:
        """Return the URL of a SeaweedFS that has these objects; one with others ends."""
        if blocks != self._blocks:
            self._stack.close()
            self._blocks = None
            server = self._stack.enter_context(SeaweedServer())
            server.create_bucket(BUCKET)
            server.put_many((BUCKET, key, body) for key, body in blocks.objects())
            self._blocks, self._url = blocks, server.endpoint_url
        return self._url


@contextmanager
def serve(setting: Setting, objects: BlockArray | MadeUp, depot: Depot) -> Iterator[Origin]:
    """Yield a server of that kind with these objects, which are of `setting.objects`.

    Raises
    ------
    UsageError
        A program is not installed, or a server is asked for what only nginx can do.
    """
    if setting.server is not Server.NGINX and (setting.tls or (setting.delay_ms and isinstance(objects, BlockArray))):
        raise UsageError(f"{setting} has neither delay nor TLS", hint="Take --origin nginx.")
    if isinstance(objects, MadeUp):
        with run_listing_server(objects, setting.delay_ms) as url:
            yield Origin(url)
    elif setting.server is Server.SEAWEEDFS:
        yield Origin(depot.url_of(objects))
    else:
        listing_url, keeps_lists = depot.url_of(objects), setting.keeps_lists
        with run_nginx(
            objects, listing_url, delay_ms=setting.delay_ms, tls=setting.tls, keeps_lists=keeps_lists
        ) as front:
            yield Origin(front.endpoint_url, front.ca_file, front.lists if keeps_lists else None)

"""A process that fetches small objects for a run on a machine with cores to spare: `python -m mirror.engine.worker`.

It is told what to do by frames on its standard input and tells what became of it by frames on its standard output; the
end of its input is the end of it, so that it outlives no run, however that ends. It knows no catalog: a file that got
its name here counts as mirrored when the run's own process has recorded it.
"""

from __future__ import annotations

import marshal
import os
import pickle
import queue
import struct
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from mirror.diff import Kind
from mirror.engine.fetch import ChecksumMode, Done, Fetcher, Item, Problem
from mirror.engine.hand import Inbox, Told, fetch_from, hand_out
from mirror.errors import MirrorError, UnsafeError
from mirror.objects import Verification
from mirror.store.bulk import open_ring
from mirror.store.connection import Connection
from mirror.store.share import Share
from mirror.store.staging import FilePolicy, Staging

HEAD = struct.Struct("!I")
"""Before each frame: its length in bytes."""
_KINDS = {int(kind): kind for kind in Kind}
_VERIFICATIONS = {int(one): one for one in Verification}

Row = tuple[int, int, str, int, str, int]
"""An item on its way to a worker: (ticket, kind, key, bytes, ETag, seconds since 1970)."""
DoneRow = tuple[int, int, str, bytes, int, bool, bool]
"""A success on its way back: (ticket, bytes, ETag if it is another one, xxh3, verification, is adopted, replaced)."""
ProblemRow = tuple[int, bytes, bool]
"""A failure on its way back: (ticket, pickled error, is final)."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker needs to know, once."""

    connection: Connection
    share_root: Path
    bucket_name: str
    """First folder below the share's root."""
    room: str
    """Name of the run's folder for unfinished files."""
    policy: FilePolicy
    mode: ChecksumMode
    aliases: tuple[str, ...]
    n_threads: int = 1
    in_flight: int = 1
    """Requests at a time, of all threads."""


def pack(value: Any) -> bytes:
    """Return a frame that holds a value of plain types."""
    # marshal, as in the spool: both ends are one interpreter, and it is ten times as fast as pickle.
    data = marshal.dumps(value)
    return HEAD.pack(len(data)) + data


def unpack(data: bytes) -> Any:
    """Return the value of a frame, given without its head."""
    return marshal.loads(data)  # noqa: S302 - from a process of our own


def row_of(ticket: int, item: Item) -> Row:
    """Return what a worker is told of an item."""
    return ticket, int(item.kind), item.key, item.size, item.etag, item.last_modified


def done_of(row: DoneRow, item: Item) -> Done:
    """Return the success that a worker tells of an item."""
    _, size, etag, xxh3, how, is_adopted, replaced = row
    return Done(item, size, etag or item.etag, xxh3, _VERIFICATIONS[how], is_adopted, replaced)


def problem_of(row: ProblemRow, item: Item) -> Problem:
    """Return the failure that a worker tells of an item."""
    return Problem(item, pickle.loads(row[1]), row[2])  # noqa: S301 - from a process of our own


def share_of(n_requests: int, number: int, n_sharers: int) -> int:
    """Return how many of the requests are those of one sharer; the first have one more where it does not come out.

    >>> [share_of(5, number, 3) for number in range(3)], [share_of(1, number, 3) for number in range(3)]
    ([2, 2, 1], [1, 0, 0])
    """
    return n_requests // n_sharers + (number < n_requests % n_sharers)


class _Worker:
    """The threads of the process, and the one way in and out."""

    def __init__(self, setup: Setup, output: BinaryIO) -> None:
        self._setup = setup
        self._output = output
        self._lock = threading.Lock()
        self._inbox: Inbox = queue.SimpleQueue()
        bulk = open_ring(setup.connection)
        staging = Staging(Share(setup.share_root), setup.room, setup.policy, owner=f"{os.getpid():x}-")
        self._fetcher = Fetcher(
            lambda: bulk,
            staging,
            str(setup.share_root),
            setup.connection.url.url_of,
            mode=setup.mode,
            aliases=setup.aliases,
        )
        self.in_flight = setup.in_flight

    def start(self) -> None:
        """Start the threads."""
        for number in range(self._setup.n_threads):
            name = f"oomirror-fetch-{number}"
            threading.Thread(target=self._fetch, args=(number,), name=name, daemon=True).start()

    def take(self, rows: Sequence[Row]) -> None:
        """Let the next thread that has room fetch these."""
        prefix = self._setup.bucket_name
        items = [
            (ticket, Item(_KINDS[kind], key, f"{prefix}/{key}", size, etag, last_modified, None, None))
            for ticket, kind, key, size, etag, last_modified in rows
        ]
        hand_out(self._inbox, items, self._setup.n_threads)

    def ask_no_more(self) -> None:
        """Give back what is not asked for yet."""
        self._fetcher.ask_no_more()

    def _fetch(self, number: int) -> None:
        def in_flight() -> int:
            return share_of(self.in_flight, number, self._setup.n_threads)

        try:
            fetch_from(self._inbox, self._fetcher, in_flight=in_flight, tell=self._tell)
        except UnsafeError as error:
            self._write(("unsafe", _pickled(error)))
        except BaseException:  # noqa: BLE001 - told to the run, which ends with it
            import traceback

            self._write(("fault", traceback.format_exc()))

    def _tell(self, told: Sequence[Told]) -> None:
        done = [_done_row(ticket, one) for ticket, one in told if isinstance(one, Done)]
        problems = [(ticket, _pickled(one.error), one.is_final) for ticket, one in told if isinstance(one, Problem)]
        self._write(("came", done, problems, *self._fetcher.load))

    def _write(self, message: tuple[Any, ...]) -> None:
        data = pack(message)
        with self._lock:
            self._output.write(data)
            self._output.flush()


def _done_row(ticket: int, one: Done) -> DoneRow:
    etag = "" if one.etag == one.item.etag else one.etag
    return ticket, one.size, etag, one.xxh3, int(one.verification), one.is_adopted, one.replaced


def _pickled(error: MirrorError) -> bytes:
    # Without the errors that caused it: others' errors are not all made to travel.
    error.__cause__ = error.__context__ = None
    return pickle.dumps(error)


def _read(stream: BinaryIO) -> Any:
    """Return the value of the next frame; None at the end of the stream, or where it breaks off."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    data = stream.read(length)
    return unpack(data) if len(data) == length else None


def main() -> NoReturn:
    """Do what the frames on the standard input say, until there are no more."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # Whatever prints, prints no frame.
    stream = sys.stdin.buffer
    worker = _Worker(pickle.loads(_read(stream)), output)  # noqa: S301 - from the run that started us
    worker.start()
    while (message := _read(stream)) is not None:
        match message:
            case ("fetch", rows):
                worker.take(rows)
            case ("in_flight", n_requests):
                worker.in_flight = n_requests
            case ("ask_no_more",):
                worker.ask_no_more()
    # At once, in the middle of whatever the threads do: what is unfinished lies in the run's room, and goes with it.
    os._exit(0)


if __name__ == "__main__":
    main()

"""Threads that look at batches: as many as cores, and more where they only wait for the share.

Threads and not processes: reading, hashing and inflating leave Python's lock free, and what is left of a small file is
less than what it costs to hand it to another process (docs/performance.md).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from mirror.engine.scrub.look import Batch, Looker, Seen

T = TypeVar("T")
MAX_THREADS = 32
AHEAD = 2
"""Batches a thread that wait for it."""
_PACE_SECONDS = 0.5
_IDLE = 0.5
"""More threads come where those that there are spend more than this of their time waiting."""


def looked_at(
    batches: Iterable[tuple[T, Batch]],
    *,
    n_threads: int,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[T, Batch, Seen]]:
    """Yield each batch with what came of it, as they are done; a few more than there are threads are under way.

    Parameters
    ----------
    batches
        Taken in the caller's thread, each with whatever the caller wants to have back with it.
    is_stopped
        Asked while nothing comes; what is under way is then left behind.

    Raises
    ------
    Exception
        What looking at a batch ended with.
    """
    pool: _Pool[T] = _Pool(n_threads)
    try:
        for one in batches:
            pool.put(one)
            while pool.is_full() and not is_stopped():
                yield from pool.done()
        while pool.n_open and not is_stopped():
            yield from pool.done()
    finally:
        pool.close()


class _Pool(Generic[T]):
    def __init__(self, n_threads: int) -> None:
        self._inbox: queue.SimpleQueue[tuple[T, Batch] | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[tuple[T, Batch, Seen] | BaseException] = queue.SimpleQueue()
        self._busy_seconds: dict[int, float] = {}
        self._n_threads = 0
        self._measured = (time.monotonic(), 0.0)
        self.n_open = 0
        for _ in range(n_threads):
            self._start()

    def put(self, one: tuple[T, Batch]) -> None:
        self.n_open += 1
        self._inbox.put(one)

    def is_full(self) -> bool:
        return self.n_open >= self._n_threads * (1 + AHEAD)

    def done(self) -> Iterator[tuple[T, Batch, Seen]]:
        """Yield what is done; waits a moment for the first."""
        self._pace()
        try:
            found = self._outbox.get(timeout=0.1)
            while True:
                if isinstance(found, BaseException):
                    raise found
                self.n_open -= 1
                yield found
                found = self._outbox.get_nowait()
        except queue.Empty:
            return

    def close(self) -> None:
        """Let each thread end after its batch; nobody waits for one that hangs on a share that went away."""
        for _ in range(self._n_threads):
            self._inbox.put(None)

    def _start(self) -> None:
        number = self._n_threads
        self._n_threads += 1
        threading.Thread(target=self._work, args=(number,), name=f"oomirror-look-{number}", daemon=True).start()

    def _pace(self) -> None:
        """Start more threads where those that there are wait for the share most of the time."""
        now, (before, busy_before) = time.monotonic(), self._measured
        if now - before < _PACE_SECONDS or self._n_threads >= MAX_THREADS:
            return
        busy = sum(self._busy_seconds.values())
        self._measured = (now, busy)
        if self.is_full() and busy - busy_before < _IDLE * min(self._n_threads, _n_cores()) * (now - before):
            for _ in range(min(self._n_threads, MAX_THREADS - self._n_threads)):
                self._start()

    def _work(self, number: int) -> None:
        looker = Looker()
        while (one := self._inbox.get()) is not None:
            wanted, batch = one
            try:
                seen = looker.look(batch)
            except BaseException as error:  # noqa: BLE001 - raised by `done`
                self._outbox.put(error)
                return
            self._busy_seconds[number] = time.thread_time()
            self._outbox.put((wanted, batch, seen))


def _n_cores() -> int:
    from mirror.engine.crew import n_cores

    return n_cores()

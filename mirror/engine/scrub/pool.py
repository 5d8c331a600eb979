"""Threads that look at batches: one where files are small, as many as cores where not, more where the share is slow.

A small file takes the time of Python and of the system's calls. Those give Python's lock away and want it back: several
threads, and whoever reads rows beside them, wait for each other more than they gain. Large files leave the lock free
while they are read and hashed. Threads and not processes: what is left of a small file is less than what it costs to
hand it to another process (docs/performance.md).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from mirror.engine.scrub.damage import Depth
from mirror.engine.scrub.look import Batch, Looker, Seen

T = TypeVar("T")
MAX_THREADS = 32
AHEAD = 2
"""Batches a thread that wait for it, where there are several threads."""
SMALL_BYTES = 1 << 14
"""Files that are shorter on the average are looked at by one thread, while nothing has to be waited for."""
_PACE_SECONDS = 0.5
_IDLE, _BUSY = 0.5, 0.9


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
    n_threads
        For large files: about as many as cores.
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


def next_width(width: int, n_busy: float, *, n_useful: int) -> int:
    """Return how many threads shall be at work, who wait for the share, for the processor, or for each other.

    Parameters
    ----------
    width
        How many there are.
    n_busy
        Seconds of processor time that the process has a second.
    n_useful
        Cores that all threads together can use: 1 where files are small.

    Examples
    --------
    >>> [next_width(2, n_busy, n_useful=1) for n_busy in (0.1, 0.7, 1.2)]
    [4, 2, 1]
    """
    if n_busy < _IDLE * n_useful:
        return min(2 * width, MAX_THREADS)
    if n_useful == 1 and n_busy > _BUSY:
        return max(1, width // 2)
    return width


class _Pool(Generic[T]):
    def __init__(self, n_cores: int) -> None:
        self._inbox: queue.SimpleQueue[tuple[T, Batch] | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[tuple[T, Batch, Seen] | BaseException] = queue.SimpleQueue()
        self._n_cores = n_cores
        self._n_threads = 0
        self._width = 1
        """Threads that shall be at work."""
        self._has_small = True
        self._measured = (time.monotonic(), time.process_time())
        self.n_open = 0

    def put(self, one: tuple[T, Batch]) -> None:
        self._has_small = _is_small(one[1])
        if not self._has_small:
            self._width = max(self._width, self._n_cores)
        while self._n_threads < self._width:
            self._start()
        self.n_open += 1
        self._inbox.put(one)

    def is_full(self) -> bool:
        # One thread works while its feeder waits, and the other way round.
        return self.n_open >= (1 if self._width == 1 else self._width * (1 + AHEAD))

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
        threading.Thread(target=self._work, name=f"oomirror-look-{number}", daemon=True).start()

    def _pace(self) -> None:
        """Let more threads work where the process waits for the share most of the time, fewer where for its lock."""
        now, (before, busy_before) = time.monotonic(), self._measured
        if now - before < _PACE_SECONDS:
            return
        busy = time.process_time()
        self._measured = (now, busy)
        if self.is_full():
            n_busy = (busy - busy_before) / (now - before)
            self._width = next_width(self._width, n_busy, n_useful=1 if self._has_small else self._n_cores)

    def _work(self) -> None:
        looker = Looker()
        while (one := self._inbox.get()) is not None:
            wanted, batch = one
            try:
                seen = looker.look(batch)
            except BaseException as error:  # noqa: BLE001 - raised by `done`
                self._outbox.put(error)
                return
            self._outbox.put((wanted, batch, seen))


def _is_small(batch: Batch) -> bool:
    """Return whether little of each file is read."""
    return batch.depth is not Depth.FULL or batch.n_bytes < SMALL_BYTES * len(batch.files)

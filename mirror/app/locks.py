"""The locks of a run's datasets: taken without holding up what else the process does, left-overs removed under them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

from mirror.app.workplace import Workplace, close_dead_runs
from mirror.engine.events import EventSink, Note
from mirror.errors import LockedError
from mirror.lock import DatasetLock, Holder, live_tokens, sweep_locks
from mirror.store.staging import sweep

_BETWEEN_TRIES_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, and how, another run is waited for: by work that is short, and that somebody waits for."""

    seconds: float = 60.0
    sleep: Callable[[float], None] | None = None
    """None: by the clock, and no longer than somebody wants the lock."""
    clock: Callable[[], float] = time.monotonic


NO_PATIENCE = Patience(0.0)


@asynccontextmanager
async def dataset_locks(
    place: Workplace, bucket: str, datasets: Sequence[str], sink: EventSink, patience: Patience = NO_PATIENCE
) -> AsyncIterator[Holder]:
    """Hold the locks of some datasets, and remove what killed runs left; of none, as a dry run, nothing is touched.

    Parameters
    ----------
    bucket
        As S3 calls it.
    patience
        How long another run that holds one is waited for.

    Raises
    ------
    LockedError
        Another run holds one, and did not end in time.
    UnsafeError
        The share cannot be written.
    """
    holder = Holder.of_this_process()
    if not datasets:
        yield holder
        return
    turn = _Turn(sink, patience)
    locks = {
        dataset: DatasetLock(place.share, bucket, dataset, holder, on_takeover=turn.say_taken_over, sleep=turn.sleep)
        for dataset in sorted(set(datasets))
    }
    with ExitStack() as stack:
        try:
            # In a thread: whether a holder lives may take a minute to see, and other runs of this process go on.
            await asyncio.to_thread(turn.take, stack, locks)
        except asyncio.CancelledError:
            turn.given_up.set()
            raise
        sweep(place.share, live_tokens(place.share))
        sweep_locks(place.share)
        close_dead_runs(place.open_catalog)
        yield holder


class _Turn:
    """Takes locks in a thread, and tells the loop that it was made in what holds it up."""

    def __init__(self, sink: EventSink, patience: Patience) -> None:
        self.given_up = threading.Event()
        self._sink = sink
        self._patience = patience
        self._loop = asyncio.get_running_loop()

    def take(self, stack: ExitStack, locks: Mapping[str, DatasetLock]) -> None:
        """Take one after the other, each waited for until the time is over; none where nobody wants them any more."""
        deadline = self._patience.clock() + self._patience.seconds
        for dataset, lock in locks.items():
            while not _has_taken(stack, lock, is_last_try=self._patience.clock() >= deadline):
                self._say(f"Another run works on {dataset}; it is waited for.")
                self.sleep(_BETWEEN_TRIES_SECONDS)
            if self.given_up.is_set():
                stack.close()
                return

    def sleep(self, seconds: float) -> None:
        """Wait, for no longer than somebody wants the locks."""
        if self._patience.sleep is not None:
            self._patience.sleep(seconds)
        elif self.given_up.wait(seconds):
            raise LockedError("nobody waits for the lock any more")

    def say_taken_over(self, stale: Holder) -> None:
        """Tell of a lock that was taken over."""
        self._say(f"Took over the lock of a run that ended without a word ({stale}).")

    def _say(self, words: str) -> None:
        self._loop.call_soon_threadsafe(self._sink, Note(words))


def _has_taken(stack: ExitStack, lock: DatasetLock, *, is_last_try: bool) -> bool:
    """Return whether the lock is ours now. Raises LockedError where another has it at the last try."""
    try:
        stack.enter_context(lock)
    except LockedError:
        if is_last_try:
            raise
        return False
    return True

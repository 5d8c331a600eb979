"""The locks of a run's datasets: taken without holding up what else the process does, left-overs removed under them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager

from mirror.app.workplace import Workplace, close_dead_runs
from mirror.engine.events import EventSink, Note
from mirror.errors import LockedError
from mirror.lock import DatasetLock, Holder, live_tokens
from mirror.store.staging import sweep


@asynccontextmanager
async def dataset_locks(
    place: Workplace, bucket: str, datasets: Sequence[str], sink: EventSink
) -> AsyncIterator[Holder]:
    """Hold the locks of some datasets, and remove what killed runs left; of none, as a dry run, nothing is touched.

    Parameters
    ----------
    bucket
        As S3 calls it.

    Raises
    ------
    LockedError
        Another run holds one.
    UnsafeError
        The share cannot be written.
    """
    holder = Holder.of_this_process()
    if not datasets:
        yield holder
        return
    loop, given_up = asyncio.get_running_loop(), threading.Event()

    def say(stale: Holder) -> None:
        """Tell of a lock that was taken over; in the thread that waits."""
        note = Note(f"Took over the lock of a run that ended without a word ({stale}).")
        loop.call_soon_threadsafe(sink, note)

    def sleep(seconds: float) -> None:
        """Wait in the thread, for no longer than somebody wants the lock."""
        if given_up.wait(seconds):
            raise LockedError("nobody waits for the lock any more")

    locks = [
        DatasetLock(place.share, bucket, dataset, holder, on_takeover=say, sleep=sleep)
        for dataset in sorted(set(datasets))
    ]
    with ExitStack() as stack:
        try:
            # In a thread: whether a holder lives may take a minute to see, and other runs of this process go on.
            await asyncio.to_thread(_take, stack, locks, given_up)
        except asyncio.CancelledError:
            given_up.set()
            raise
        sweep(place.share, live_tokens(place.share))
        close_dead_runs(place.open_catalog)
        yield holder


def _take(stack: ExitStack, locks: Sequence[DatasetLock], given_up: threading.Event) -> None:
    for lock in locks:
        stack.enter_context(lock)
        if given_up.is_set():
            stack.close()
            return

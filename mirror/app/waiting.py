"""The lock of one dataset, waited for a bounded time: for work that is short, and that somebody waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mirror.app.workplace import Workplace, close_dead_runs
from mirror.engine.events import EventSink, Note, ignore
from mirror.errors import LockedError
from mirror.lock import DatasetLock, Holder, live_tokens
from mirror.store.staging import sweep

_BETWEEN_TRIES_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, and how, another run is waited for."""

    seconds: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


@contextmanager
def locked_in_time(
    place: Workplace, bucket: str, dataset: str, patience: Patience, sink: EventSink = ignore
) -> Iterator[Holder]:
    """Hold the lock of a dataset, and remove what killed runs left.

    Parameters
    ----------
    bucket
        As S3 calls it.

    Raises
    ------
    LockedError
        Another run did not end in time.
    """
    holder = Holder.of_this_process()

    def say(stale: Holder) -> None:
        sink(Note(f"Took over the lock of a run that ended without a word ({stale})."))

    with ExitStack() as stack:
        deadline = patience.clock() + patience.seconds
        while True:
            try:
                lock = DatasetLock(place.share, bucket, dataset, holder, on_takeover=say, sleep=patience.sleep)
                stack.enter_context(lock)
                break
            except LockedError:
                if patience.clock() >= deadline:
                    raise
            sink(Note(f"Another run works on {dataset}; it is waited for."))
            patience.sleep(_BETWEEN_TRIES_SECONDS)
        sweep(place.share, live_tokens(place.share))
        close_dead_runs(place.open_catalog)
        yield holder

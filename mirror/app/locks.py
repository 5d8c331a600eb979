"""The locks of a run that writes on the share, and the sweep of what killed runs left, under them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from mirror.app.workplace import Workplace, close_dead_runs
from mirror.engine.events import EventSink, Note
from mirror.lock import DatasetLock, Holder, live_tokens
from mirror.store.staging import sweep


@contextmanager
def dataset_locks(place: Workplace, datasets: Iterable[tuple[str, str]], sink: EventSink) -> Iterator[Holder]:
    """Hold the locks of datasets, and remove what killed runs left.

    Parameters
    ----------
    datasets
        Bucket, as S3 calls it, and name.

    Raises
    ------
    LockedError
        Another run works on one of them.
    UnsafeError
        The share cannot be written.
    """
    holder = Holder.of_this_process()

    def say(stale: Holder) -> None:
        sink(Note(f"Took over the lock of a run that ended without a word (process {stale.pid} on {stale.host})."))

    with ExitStack() as stack:
        for bucket, dataset in sorted(set(datasets)):
            stack.enter_context(DatasetLock(place.share, bucket, dataset, holder, on_takeover=say))
        sweep(place.share, live_tokens(place.share))
        close_dead_runs(place.open_catalog)
        yield holder

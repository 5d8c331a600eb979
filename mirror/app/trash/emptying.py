"""The trash of runs, removed for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from mirror.app.reading import readable_share
from mirror.app.trash.runs import LOCKED, run_named, sum_of
from mirror.config import Settings
from mirror.errors import LockedError
from mirror.lock import DatasetLock, Holder, live_tokens
from mirror.objects import Tally
from mirror.report.model import Amount
from mirror.report.trash import EmptyReport
from mirror.store.probe import clock_ahead_seconds
from mirror.store.share import Share
from mirror.store.trash import TrashedRun, remove_run, trashed_runs

Confirm = Callable[[Tally, int], bool]
"""Told what would be removed for good, of how many runs; returns whether it shall be."""


def empty(
    settings: Settings,
    name: str | None = None,
    *,
    older_than_seconds: float | None = None,
    confirm: Confirm = lambda _tally, _n_runs: True,
) -> EmptyReport:
    """Remove the trash of one run, or of all, for good; that of runs that go on, or are being restored, is left.

    Parameters
    ----------
    older_than_seconds
        Only of runs that began before so long.

    Raises
    ------
    UnknownNameError
        There is no such run.
    UnsafeError
        The share is not there, unmarked, not the one that the catalog knows, or cannot be written.
    CatalogError
        There is a catalog, and it cannot be read.
    """
    share = readable_share(settings, writes=True)
    runs = trashed_runs(share) if name is None else (run_named(share, name),)
    if older_than_seconds is not None:
        runs = _older(share, runs, older_than_seconds)
    alive = live_tokens(share)
    in_use = [run.name for run in runs if run.name in alive]
    unused = [(run, sum_of(run)) for run in runs if run.name not in alive]
    total = sum((tally for _, tally in unused), Tally())
    if not unused or not confirm(total, len(unused)):
        return EmptyReport(runs=(), removed=Amount(), in_use=tuple(in_use))
    holder = Holder.of_this_process()
    removed: dict[str, Tally] = {}
    for run, tally in unused:
        try:
            with DatasetLock(share, LOCKED, run.name, holder):
                remove_run(share, run)
        except LockedError:
            in_use.append(run.name)
        else:
            removed[run.name] = tally
    return EmptyReport(
        runs=tuple(removed), removed=Amount.of(sum(removed.values(), Tally())), in_use=tuple(sorted(in_use))
    )


def _older(share: Share, runs: tuple[TrashedRun, ...], seconds: float) -> tuple[TrashedRun, ...]:
    """Return the runs that are so old by their notes, and by the share's clock, too: one of both may be wrong."""
    now = datetime.now(UTC)
    ahead = clock_ahead_seconds(share) if runs else 0.0

    def age_seconds(run: TrashedRun) -> float:
        """Return the least age that a clock gives a run; without a note the share's is the only one."""
        by_share = (now - run.changed_at).total_seconds() + ahead
        return by_share if run.note is None else min(by_share, (now - run.begun_at).total_seconds())

    return tuple(run for run in runs if age_seconds(run) > seconds)

"""Files of the trash, back to their places."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from catalog import queries
from mirror.app.locks import dataset_locks
from mirror.app.publish import Publisher
from mirror.app.state import BucketState
from mirror.app.threads import in_thread_to_its_end
from mirror.app.trash.meant import dataset_of, home_of, homeless, wanted
from mirror.app.trash.restorer import Restorer
from mirror.app.trash.runs import LOCKED, run_named
from mirror.app.workplace import Workplace, workplace
from mirror.config import BucketSettings, Settings
from mirror.engine.events import EventSink, Note, ignore
from mirror.lock import check_held
from mirror.objects import Tally
from mirror.report.model import Amount, FailedObject
from mirror.report.trash import RestoreReport
from mirror.store.staging import Staging
from mirror.store.trash import TrashedRun, journaled, remove_if_settled


async def restore(
    settings: Settings,
    name: str,
    patterns: Sequence[str] = (),
    *,
    overwrite: bool = False,
    sink: EventSink = ignore,
    force_catalog: bool = False,
) -> RestoreReport:
    """Give files of a run's trash their names again, byte for byte, and record them as adopted.

    Files that a killed run left on the share without a row, be it one that deleted or one that restored, are recorded.

    Parameters
    ----------
    patterns
        Keys, prefixes of keys or globs, with or without the bucket; none: all.
    overwrite
        Whether a file that differs and stands in the place of one goes to the trash itself; else it stays.

    Raises
    ------
    UnknownNameError
        There is no such run, or its trash has nothing of such a name.
    LockedError
        Another run works on one of the datasets, or restores or empties this trash.
    UnsafeError, CatalogError
        As `sync`.

    Cancelling ends it between two files; may be called again, and does the rest.
    """
    with workplace(settings, dry_run=False, force_catalog=force_catalog) as place:
        run_named(place.share, name)  # Before its name becomes that of a lock.
        async with dataset_locks(place, LOCKED, (name,), sink) as holder:
            run = run_named(place.share, name)
            paths = await asyncio.to_thread(wanted, place.share, run, patterns)
            report = RestoreReport(trash=run.name, run=None, restored=Amount())
            homes: dict[str, list[str]] = {}
            for path in paths:
                homes.setdefault(home_of(settings, run, path), []).append(path)
            report = _with_failed(report, homeless(homes.pop("", [])))
            for bucket, its_paths in homes.items():
                one = _Bucket(settings, place, run, settings.bucket(bucket), overwrite, sink)
                report = await one.restore(its_paths, report)
            remove_if_settled(run)
            if report.run is not None:
                publisher = Publisher.of(settings, place.open_catalog, place.share, room=holder.token)
                for problem in await asyncio.to_thread(publisher.publish):
                    sink(Note(problem))
            return report


@dataclass(frozen=True, slots=True)
class _Bucket:
    """What is restored of one bucket, under the locks of its datasets."""

    settings: Settings
    place: Workplace
    run: TrashedRun
    bucket: BucketSettings
    overwrite: bool
    sink: EventSink

    async def restore(self, paths: Sequence[str], report: RestoreReport) -> RestoreReport:
        """Return the report with what became of these files."""
        datasets = tuple(sorted({dataset_of(self.bucket, path) for path in paths}))
        async with dataset_locks(self.place, self.bucket.url.bucket, datasets, self.sink) as holder:
            share, policy = self.place.share, self.settings.transfer.file_policy()
            held = partial(check_held, share, holder.token)
            staging = Staging(share, holder.token, policy, check_held=held)
            staging.open()
            try:
                restorer = self._restorer(staging)
                run_id = await in_thread_to_its_end(partial(restorer.restore, paths, datasets), restorer.is_stopped.set)
            finally:
                staging.close()
        return _with_failed(report, restorer.failed).model_copy(
            update={
                "run": run_id,
                "restored": _sum(report.restored, restorer.restored),
                "set_aside": _sum(report.set_aside, restorer.set_aside),
            }
        )

    def _restorer(self, staging: Staging) -> Restorer:
        catalog, url = self.place.open_catalog, self.bucket.url
        with catalog.begin() as connection:
            bucket_id = queries.bucket_id(connection, str(url))
        state = BucketState.of(catalog, str(url), url.prefix, aliases=self.bucket.aliases)
        return Restorer(
            state,
            bucket_id,
            self.run,
            staging,
            url.bucket,
            {one.relative: one.etag for one in journaled(self.run)},
            overwrite=self.overwrite,
            is_case_blind=self.place.marker.rules.is_case_blind,
        )


def _with_failed(report: RestoreReport, failed: Iterable[FailedObject]) -> RestoreReport:
    return report.model_copy(update={"failed": (*report.failed, *failed)})


def _sum(before: Amount, more: Tally) -> Amount:
    return Amount.of(Tally(before.objects, before.bytes) + more)

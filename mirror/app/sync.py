"""`oomirror sync`: list both sides, compare, plan, show or run, record, report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from operator import itemgetter

from catalog.records import RunKind, SnapshotScope
from mirror.app.comparison import Comparer, Comparison, outdated_metadata, works
from mirror.app.contact import Contact
from mirror.app.content import COUNTER
from mirror.app.crops.choose import CropChooser
from mirror.app.datasets import plain_errors
from mirror.app.deleting import Deleted, Deleter
from mirror.app.expectation import expected_seconds
from mirror.app.locks import dataset_locks
from mirror.app.publish import Publisher
from mirror.app.request import SyncRequest
from mirror.app.run import Run, recorded_run
from mirror.app.short_look import look_in_short
from mirror.app.site import Site
from mirror.app.snapshot import write_snapshots
from mirror.app.state import BucketState
from mirror.app.survey import Survey, Surveyor
from mirror.app.vanishing import Gone, Vanishing, left_by_killed_runs
from mirror.app.workplace import Workplace, catalog_on_network, utc_now, workplace
from mirror.config import Settings
from mirror.deletion import check_deletion
from mirror.diff import FETCHES, Kind
from mirror.engine.events import EventSink, Note, TransferStarted, ignore
from mirror.engine.fetch import ChecksumMode, Item
from mirror.engine.recorder import Recorder
from mirror.engine.retry import PATIENT, Outage, Retrier, RetryPolicy
from mirror.engine.spool import Spool
from mirror.engine.transfer import LevelWork, Results, Transfer
from mirror.errors import ExitCode, UnsafeError
from mirror.lock import Holder
from mirror.objects import Tally, Verification
from mirror.plan import Plan, check_room
from mirror.report.chosen_crops import crop_lines
from mirror.report.model import Amount, FailedObject, SkippedObject, SyncReport, Verified
from mirror.report.numbers import plural
from mirror.store.bucket import Bucket
from mirror.store.share import FileError
from mirror.store.staging import Staging
from mirror.store.trash import Note as TrashNote
from mirror.store.trash import write_note

__all__ = ["NOT_WHOLE", "Confirm", "SyncRequest", "exit_code_of", "sync"]

Confirm = Callable[[Plan], bool]


async def sync(
    settings: Settings,
    request: SyncRequest,
    *,
    sink: EventSink = ignore,
    confirm: Confirm = lambda _: True,
    force_catalog: bool = False,
    kind: RunKind = RunKind.SYNC,
    policy: RetryPolicy = PATIENT,
    contact: Contact | None = None,
    publishes: bool = True,
) -> SyncReport:
    """Mirror what the request chooses, and return what was done.

    Parameters
    ----------
    confirm
        Called with the plan before anything is written, also by a dry run; False ends it there.
    kind
        As what the catalog records the run.
    policy
        How often, and with which waits, a request is made again once the bucket was seen to answer.
    contact
        To the bucket of the request, asked for its datasets, if it is made already. Its maker closes it.
    publishes
        Whether the catalog is published on the share at the end; False where the caller does so after several runs.

    Raises
    ------
    MirrorError
        As its class says: unknown names, an endpoint that does not answer, a share that is not safe to write, a lock.
    CatalogError
        The catalog is locked, damaged, newer, or full.

    Cancelling saves the state of all finished objects; the next run goes on from there.
    """
    started = time.monotonic()
    request = replace(request, datasets=tuple(dict.fromkeys(request.datasets)))
    named = () if request.dry_run else request.datasets
    bucket_settings = settings.bucket(request.bucket)
    async with plain_errors():
        with workplace(settings, dry_run=request.dry_run, force_catalog=force_catalog) as place, Spool() as spool:
            if (warning := catalog_on_network(settings)) is not None:
                sink(Note(warning))
            made = nullcontext(contact) if contact else Contact(settings, request.bucket, request.datasets, sink)
            async with made as asked:
                bucket = await asked.checked()
                async with dataset_locks(place, bucket_settings.url.bucket, named, sink) as holder:
                    aliases = bucket_settings.aliases
                    state = BucketState.of(place.catalog, str(bucket.url), bucket.url.prefix, aliases=aliases)
                    outage = Outage(settings.transfer.max_outage, sink)
                    retrier = Retrier(asyncio.sleep, policy, sink, outage=outage)
                    one = _Sync(settings, request, place, bucket, spool, sink, holder, started, kind, state, retrier)
                    report = await one.run(confirm)
                    if publishes and report.run is not None:
                        await one.publish()
                    return report


@dataclass(frozen=True, slots=True)
class _Sync:
    """One sync, with what all of its steps need."""

    settings: Settings
    request: SyncRequest
    place: Workplace
    bucket: Bucket
    spool: Spool
    sink: EventSink
    holder: Holder
    started: float
    kind: RunKind
    state: BucketState
    retrier: Retrier

    @property
    def _site(self) -> Site:
        return Site(self.settings, self.place, self.bucket, self.state, self.holder, self.retrier, self.sink)

    @property
    def _mode(self) -> ChecksumMode:
        return self.request.checksum or ChecksumMode(self.settings.transfer.checksum)

    @property
    def _may_fetch(self) -> bool:
        return self.request.may_fetch

    async def run(self, confirm: Confirm) -> SyncReport:
        request = self.request
        if not request.dry_run:
            await asyncio.to_thread(look_in_short, self._site.staging(), self.place.marker.rules, self.sink)
        surveyor = Surveyor(self.bucket, self.state, self.spool, self.retrier, self.sink)
        survey = await surveyor.survey(
            request.datasets,
            request.spec,
            with_bucket_files=request.bucket_files,
            max_age_seconds=request.max_age_seconds,
            choose_crops=self._crop_chooser(),
        )
        comparison = await asyncio.to_thread(self._compare, survey)
        expected = expected_seconds(self.state, comparison.plan.to_fetch)
        comparison = replace(comparison, plan=replace(comparison.plan, expected_seconds=expected))
        if request.delete:
            left = left_by_killed_runs(self.state, self.place.share, self.bucket.url.bucket)
            vanishing = Vanishing(self.bucket, self.state, self.spool, surveyor, left=left)
            vanished = await vanishing.find(survey, request.max_delete)
            plan = replace(comparison.plan, deletion=vanished.deletion)
            comparison = replace(comparison, plan=plan, gone=vanished.gone)
        plan = comparison.plan
        if request.dry_run:
            # Shown also where it does not fit: the way to a plan that does.
            confirm(plan)
            self._check(plan)
            return self._report(plan, Results(), None)
        self._check(plan)
        if not confirm(plan):
            return self._report(plan, Results(is_complete=False), None)
        return await self._write(survey, comparison)

    def _check(self, plan: Plan) -> None:
        share = self.place.share
        if plan.deletion is not None:
            check_deletion(plan.deletion)
        if self._may_fetch:
            check_room(plan, str(share.root), *share.free())

    def _crop_chooser(self) -> CropChooser | None:
        request = self.request
        if request.crops is None:
            return None
        name = request.bucket or self.settings.default_bucket
        return CropChooser(self.state.catalog, name, str(self.bucket.url), request.crops, request.datasets)

    def _compare(self, survey: Survey) -> Comparison:
        comparer = Comparer(
            self.state,
            self.place.share,
            self.bucket.url.bucket,
            self.place.marker.rules,
            self.spool,
            kinds=FETCHES | {Kind.ADOPT} if self._may_fetch else frozenset({Kind.ADOPT, Kind.REPLACE}),
            looks_at_share=self.request.verify_share,
            aliases=self.state.aliases,
            exclude=self.request.exclude,
        )
        name = self.request.bucket or self.settings.default_bucket
        return comparer.compare(survey, name=name, datasets=self.request.datasets)

    async def _write(self, survey: Survey, comparison: Comparison) -> SyncReport:
        catalog, state = self.place.open_catalog, self.state
        bucket_id = state.put_metadata(str(self.bucket.url), survey.by_name, survey.documents)
        excluded = {"exclude": sorted(self.request.exclude.texts)} if self.request.exclude else {}
        selection = {one.name: one.selection.describe() | excluded for one in survey.datasets}
        with recorded_run(catalog, bucket_id, self.kind, self.request.datasets, selection) as run:
            results, deleted = await self._transfer_and_delete(survey, comparison, run)
            await asyncio.to_thread(state.count_sums, self.request.datasets)
            report = self._report(comparison.plan, results, run.id, deleted)
            counted = report.model_dump(mode="json", include=_COUNTERS)
            run.counters = {**counted, COUNTER: state.contents.as_counters()}
            run.exit_code, run.is_complete = exit_code_of(report), report.complete
        return report

    async def publish(self) -> None:
        """Publish the catalog on the share, and say what could not be."""
        publisher = Publisher.of(self.settings, self.place.open_catalog, self.place.share, room=self.holder.token)
        for problem in await asyncio.to_thread(publisher.publish):
            self.sink(Note(problem))

    async def _transfer_and_delete(self, survey: Survey, comparison: Comparison, run: Run) -> tuple[Results, Deleted]:
        """Fetch first: what moved inside the bucket is then on the share under one name or the other, at any time."""
        begun_at = utc_now().isoformat()
        with self._site.staging() as staging:
            try:
                async with plain_errors():
                    results = await self._transfer(survey, comparison, run, staging)
                    return results, await self._delete(survey, comparison.gone, staging)
            finally:
                # What ended the run is to be told; the files are in the trash without it, too.
                with suppress(UnsafeError):
                    note = TrashNote(begun_at, self.bucket.url.bucket, self.request.datasets, run.id)
                    write_note(staging.trash, note)

    async def _delete(self, survey: Survey, gone: Sequence[Gone], staging: Staging) -> Deleted:
        if not self.request.delete:
            return Deleted()
        tops = [one.dataset.prefix for one in survey.datasets]
        deleter = Deleter(
            self.state,
            staging,
            self.spool,
            bucket_name=self.bucket.url.bucket,
            tops=tops,
            is_case_blind=self.place.marker.rules.is_case_blind,
        )
        deleted = await deleter.delete(gone, has_time=self._has_time)
        if deleted.n_forgotten:
            words = "that is damaged or lost here and gone in the bucket, too, is forgotten"
            self.sink(Note(f"{plural(deleted.n_forgotten, 'object')} {words}."))
        return deleted

    async def _transfer(self, survey: Survey, comparison: Comparison, run: Run, staging: Staging) -> Results:
        snapshots = write_snapshots(self.state, survey, self.spool, run.id, SnapshotScope.SELECTION)
        plan = comparison.plan
        planned = plan.to_fetch + plan.to_adopt if self._may_fetch else plan.to_compare
        self.sink(TransferStarted(planned))
        recorder = Recorder(staging.sync, lambda done: self.state.commit(run.id, done), snapshots)
        async with recorder:
            if not planned.objects:
                return Results()
            transfer = self._make_transfer(staging, recorder)
            work = works(comparison, self.state, self.spool, self.bucket.url.bucket, may_fetch=self._may_fetch)
            for kind, say in ((Kind.LOST, self.state.forget), (Kind.CHANGED, self.state.doubt)):
                if kind in comparison.plan.by_kind:
                    await asyncio.to_thread(say, _items_of(work, kind))
            if self._may_fetch and self._has_time():
                await asyncio.to_thread(self._close_levels, work, staging)
            return await transfer.run(work, n_objects=planned.objects, n_bytes=planned.bytes)

    def _close_levels(self, work: Sequence[LevelWork], staging: Staging) -> None:
        """Take away the metadata of levels that were stored anew, before blocks of another shape lie beside them."""
        outdated = list(outdated_metadata(work))
        self.state.forget(outdated)
        for item in outdated:
            with suppress(FileError):  # Not there: closed by a run that did not come to its end.
                staging.to_trash(item.relative)

    def _make_transfer(self, staging: Staging, recorder: Recorder) -> Transfer:
        return self._site.transfer(
            staging,
            recorder,
            mode=self._mode,
            may_fetch=self._may_fetch,
            max_bandwidth=self.request.max_bandwidth,
            concurrency=self.request.concurrency,
            may_go_on=self._has_time,
        )

    def _has_time(self) -> bool:
        limit = self.request.max_duration_seconds
        return limit is None or time.monotonic() - self.started < limit

    def _report(self, plan: Plan, results: Results, run_id: int | None, deleted: Deleted | None = None) -> SyncReport:
        skips = [*plan.skipped, *plan.refused, *plan.unplaced]
        # Of a dry run, what would go.
        deleted = deleted or Deleted(plan.to_delete if self.request.dry_run else Tally())
        failed = [*((one.item.key, one.error) for one in results.failed), *deleted.failed]
        return SyncReport(
            run=run_id,
            dry_run=self.request.dry_run,
            complete=results.is_complete and deleted.is_complete,
            bucket=plan.bucket,
            datasets=plan.datasets,
            planned=Amount.of(plan.to_fetch if self._may_fetch else Tally()),
            transferred=Amount.of(results.transferred),
            adopted=Amount.of(plan.to_adopt if self.request.dry_run else results.adopted),
            up_to_date=Amount.of(plan.up_to_date),
            replaced=Amount.of(results.replaced),
            deleted=Amount.of(deleted.moved),
            failed=tuple(
                FailedObject(key=key, path=f"{self.bucket.url.bucket}/{key}", reason=str(error))
                for key, error in sorted(failed, key=itemgetter(0))
            ),
            skipped=(
                *(SkippedObject(key=skip.key, reason=skip.reason) for skip in skips),
                *(SkippedObject(key=key, reason=NOT_WHOLE) for key in sorted(results.unpublished)),
            ),
            refused=len(plan.refused) + plan.n_unplaced_as_asked,
            crops=tuple(crop_lines(plan)),
            verified=_verified(results),
            seconds=round(time.monotonic() - self.started, 3),
        )


def _items_of(work: Sequence[LevelWork], kind: Kind) -> Iterator[Item]:
    return (item for level in work for item in level.items() if item.kind is kind)


NOT_WHOLE = "its level is not whole on the share, and must not open as black data"
_COUNTERS = {
    "planned",
    "transferred",
    "adopted",
    "up_to_date",
    "replaced",
    "deleted",
    "verified",
    "seconds",
    "complete",
}


def exit_code_of(report: SyncReport) -> ExitCode:
    """Return the exit code that a report stands for."""
    return ExitCode.INCOMPLETE if report.failed or report.refused else ExitCode.DONE


def _verified(results: Results) -> Verified:
    amounts = {
        one.word: Amount(objects=results.verified[one], bytes=results.verified_bytes[one]) for one in Verification
    }
    return Verified(**amounts)

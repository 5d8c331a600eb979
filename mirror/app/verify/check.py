"""One check: what is known to be damaged, then part after part, then strays; mended if that is asked; reported."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from catalog import queries
from catalog.records import RunKind, RunState
from mirror.app.locks import dataset_locks
from mirror.app.run import Run, recorded_run
from mirror.app.state import BucketState
from mirror.app.verify.again import KnownDamage
from mirror.app.verify.choice import Chosen
from mirror.app.verify.feed import Clock, Feed, Meter
from mirror.app.verify.keeper import Keeper
from mirror.app.verify.outcome import Outcome
from mirror.app.verify.parts import Part
from mirror.app.verify.request import VerifyRequest
from mirror.app.verify.strays import Strays
from mirror.app.verify.told import exit_code_of, report_of
from mirror.app.workplace import Workplace, utc_now
from mirror.config import Settings
from mirror.diff import Kind
from mirror.engine.crew import n_cores
from mirror.engine.events import Event, EventSink, Note, ObjectsDone, TransferStarted
from mirror.engine.retry import RetryPolicy
from mirror.engine.scrub import looked_at
from mirror.errors import UnsafeError
from mirror.lock import Holder, is_held
from mirror.objects import Tally
from mirror.plan import Part as PlanPart
from mirror.plan import Plan, check_room, plan_of
from mirror.report.verification import VerifyReport
from mirror.store.share import Share
from mirror.store.trash import Note as TrashNote

Confirm = Callable[[Plan], bool]
NOT_WANTED = "it was not to be fetched"
_TELL_SECONDS = 0.1
_COUNTERS = {"checked", "ok", "absent_upstream", "repaired", "unrepaired", "upgraded", "depth", "complete", "seconds"}


@dataclass(slots=True)
class _Bucket:
    """What a check needs of one bucket."""

    folder: str
    """As S3 calls it: its folder on the share."""
    scopes: Sequence[Chosen]
    """What is chosen of it; its root, too, where that is."""
    holder: Holder
    """Of the locks, where any are held."""
    state: BucketState
    run: Run
    keeper: Keeper
    strays: Strays


@dataclass(slots=True)
class Check:
    """One check, with what all of its steps need."""

    settings: Settings
    request: VerifyRequest
    place: Workplace
    sink: EventSink
    clock: Clock
    policy: RetryPolicy
    started: float
    """By the clock."""
    chosen: Sequence[Chosen]
    """Of datasets."""
    roots: Sequence[Chosen]
    """What lies outside all datasets, where that is to be looked at."""
    parts: Sequence[Part]
    outcome: Outcome
    is_complete: bool = True

    async def run(self, confirm: Confirm) -> VerifyReport:
        """Look, record, mend, and return the report. Raises and is cancelled as `verify`."""
        async with AsyncExitStack() as stack:
            buckets: dict[str, _Bucket] = {}
            for name in dict.fromkeys(one.place.bucket for one in self.chosen):
                holder = await stack.enter_async_context(self._locks(name))
                buckets[name] = stack.enter_context(self._bucket(name, holder))
            await self._look(buckets)
            if self.request.repair:
                await self._mend(buckets, confirm)
            self._find_strays(buckets)  # Now: what stood in the way of a folder may be in the trash.
            for one in self.chosen:
                if buckets[one.place.bucket].keeper.has_changed or self.request.repair:
                    await asyncio.to_thread(buckets[one.place.bucket].state.count_sums, (one.place.dataset,))
            report = self._report(buckets)
            for bucket in buckets.values():
                bucket.run.counters = report.model_dump(mode="json", include=_COUNTERS)
                bucket.run.exit_code, bucket.run.is_complete = int(exit_code_of(report)), report.complete
        if any(bucket.keeper.has_changed for bucket in buckets.values()):
            await self._publish()
        return report

    def _locks(self, name: str) -> AbstractAsyncContextManager[Holder]:
        """Return the locks of a bucket's datasets; none, unless what is damaged is to be mended."""
        folder = self.settings.bucket(name).url.bucket
        return dataset_locks(self.place, folder, self._datasets(name) if self.request.repair else (), self.sink)

    def _datasets(self, name: str) -> tuple[str, ...]:
        return tuple(one.place.dataset for one in self.chosen if one.place.bucket == name)

    @contextmanager
    def _bucket(self, name: str, holder: Holder) -> Iterator[_Bucket]:
        catalog, configured = self.place.open_catalog, self.settings.bucket(name)
        url = str(configured.url)
        state = BucketState.of(catalog, url, configured.url.prefix, aliases=configured.aliases)
        datasets = self._datasets(name)
        selection = {dataset: self.request.describe() for dataset in datasets}
        scopes = [one for one in (*self.chosen, *self.roots) if one.place.bucket == name]
        with recorded_run(catalog, state.bucket_id or 0, RunKind.VERIFY, datasets, selection) as run:
            keeper = Keeper(
                catalog,
                state,
                run.id,
                depth=self.request.depth,
                decoded_before=self._decoded_before(run.id),
                check_share=self._check_share,
                now=self.clock.now,
                outcome=self.outcome,
            )
            home = self.place.share.root / configured.url.bucket
            yield _Bucket(configured.url.bucket, scopes, holder, state, run, keeper, Strays(catalog, state, home))

    def _decoded_before(self, run_id: int) -> int:
        """Return the least number of the runs that go on: rows of later numbers may come behind our back."""
        with self.place.open_catalog.read() as connection:
            going_on = [one.id for one in queries.runs(connection, 1_000) if one.state is RunState.RUNNING]
        return min([run_id, *going_on])

    def _check_share(self) -> None:
        """Raise UnsafeError where the share itself is gone: then nothing is known of its files."""
        marker = Share(self.place.share.root).marker()
        if marker is None or marker.uuid != self.place.marker.uuid:
            what = "the share went away" if marker is None else "another share took the place of the share"
            hint = "Mount it, then run the same command again; what was looked at before is recorded."
            raise UnsafeError(what, str(self.place.share.root), hint=hint)

    async def _look(self, buckets: Mapping[str, _Bucket]) -> None:
        """Look at known damage, then at part after part, in a thread beside the loop.

        Cancelled, it records what was seen and leaves the rest.
        """
        stopped = threading.Event()
        loop = asyncio.get_running_loop()

        def tell(event: Event) -> None:
            loop.call_soon_threadsafe(self.sink, event)

        work = asyncio.ensure_future(asyncio.to_thread(self._look_at_all, buckets, stopped.is_set, tell))
        try:
            self.is_complete = await asyncio.shield(work)
        except asyncio.CancelledError:
            stopped.set()
            await asyncio.wait([work])
            raise

    def _look_at_all(
        self, buckets: Mapping[str, _Bucket], is_stopped: Callable[[], bool], tell: Callable[[Event], None]
    ) -> bool:
        """Return whether all was looked at."""
        planned = sum((part.planned for part in self.parts), Tally())
        meter = Meter(self.request.budget, planned, self.clock, self.started)
        tell(TransferStarted(planned, "checking"))
        for bucket in buckets.values():
            self._look_again(bucket, is_stopped)
        catalog, root = self.place.open_catalog, self.place.share.root
        feed = Feed(catalog, root, self.parts, self.request.depth, meter, is_stopped)
        batches = feed.batches({name: (bucket.keeper, bucket.strays) for name, bucket in buckets.items()})
        told, tally = self.clock.seconds(), Tally()
        for ticket, batch, seen in looked_at(batches, n_threads=n_cores(), is_stopped=is_stopped):
            bucket = buckets[ticket.part.place.bucket]
            bucket.keeper.take(ticket, batch, seen)
            if seen.unknown:
                bucket.strays.add_names(ticket.part, batch.folder, seen.unknown)
            tally += ticket.tally
            if self.clock.seconds() - told >= _TELL_SECONDS:
                tell(ObjectsDone(tally))
                told, tally = self.clock.seconds(), Tally()
        tell(ObjectsDone(tally))
        for bucket in buckets.values():
            bucket.keeper.flush()
        return feed.is_complete

    def _look_again(self, bucket: _Bucket, is_stopped: Callable[[], bool]) -> None:
        home, datasets = self.place.share.root / bucket.folder, [one.place.dataset for one in bucket.scopes]
        for scope in bucket.scopes:
            busy_with = [scope.place.dataset] if scope.place.dataset else [one for one in datasets if one]
            is_busy = partial(self._is_any_busy, bucket.folder, busy_with)
            known = KnownDamage(self.place.open_catalog, bucket.state, bucket.keeper, home, is_busy)
            known.look_again(scope, is_stopped)

    def _find_strays(self, buckets: Mapping[str, _Bucket]) -> None:
        is_checked = False
        for bucket in buckets.values():
            places = [one.place for one in bucket.scopes if one.place.dataset]
            for found in bucket.strays.settle(places, self.parts, partial(self._is_busy, bucket.folder)):
                if not is_checked:  # Of another share that was mounted here all files may be strays.
                    self._check_share()
                    is_checked = True
                self.outcome.add(found)

    def _is_any_busy(self, folder: str, datasets: Sequence[str]) -> bool:
        return any(self._is_busy(folder, one) for one in datasets)

    def _is_busy(self, folder: str, dataset: str) -> bool:
        """Return whether another run works on a dataset."""
        return not self.request.repair and is_held(self.place.share, folder, dataset)

    async def _mend(self, buckets: Mapping[str, _Bucket], confirm: Confirm) -> None:
        to_mend = self.outcome.to_mend()
        if not to_mend.objects:
            return
        line = PlanPart("", "", "", {Kind.LOST: to_mend})
        plan = plan_of(self.request.bucket or "", self.request.datasets, [line])
        check_room(plan, str(self.place.share.root), *self.place.share.free())
        if not confirm(plan):
            self.outcome.leave_all(NOT_WANTED)
            return
        for name, bucket in buckets.items():
            if self.outcome.to_mend(name).objects:
                bucket.keeper.has_changed = True
                await self._mend_bucket(name, bucket)

    async def _mend_bucket(self, name: str, bucket: _Bucket) -> None:
        from mirror.app.verify.mend import Mender  # with all that fetches
        from mirror.app.verify.refetch import refetcher

        note = TrashNote(utc_now().isoformat(), bucket.folder, self._datasets(name), bucket.run.id)
        async with refetcher(
            self.settings,
            self.place,
            bucket.state,
            run_id=bucket.run.id,
            holder=bucket.holder,
            sink=self.sink,
            note=note,
            policy=self.policy,
        ) as fetcher:
            await Mender(self.settings, self.place, name, bucket.state, fetcher, self.outcome).mend(bucket.scopes)

    def _report(self, buckets: Mapping[str, _Bucket]) -> VerifyReport:
        with self.place.open_catalog.read() as connection:
            return report_of(
                connection,
                self.request,
                self.chosen,
                self.parts,
                self.outcome,
                folders={name: bucket.folder for name, bucket in buckets.items()},
                runs=tuple(bucket.run.id for bucket in buckets.values()),
                is_complete=self.is_complete,
                seconds=round(self.clock.seconds() - self.started, 3),
            )

    async def _publish(self) -> None:
        from mirror.app.publish import publish_where_ours  # with the templates of the page

        for problem in await asyncio.to_thread(publish_where_ours, self.settings, self.place.open_catalog):
            self.sink(Note(problem))

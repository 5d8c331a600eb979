"""`oomirror verify`: choose, look, record, mend, report."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from catalog import queries
from catalog.errors import CatalogError, CatalogMissingError
from catalog.records import RunKind, RunState
from catalog.sealed import is_sealed
from catalog.session import open_catalog
from mirror.app.datasets import plain_errors
from mirror.app.locks import dataset_locks
from mirror.app.run import Run, recorded_run
from mirror.app.state import BucketState
from mirror.app.verify.again import KnownDamage
from mirror.app.verify.choice import Chosen, choose
from mirror.app.verify.keeper import Found, Keeper, Outcome
from mirror.app.verify.parts import Part, parts_of
from mirror.app.verify.request import VerifyRequest
from mirror.app.verify.rows import Claim, Ticket, batches_of
from mirror.app.verify.strays import Strays
from mirror.app.verify.told import report_of
from mirror.app.workplace import Workplace, checked_marker, close_dead_runs, utc_now, workplace
from mirror.config import Settings
from mirror.diff import Kind
from mirror.engine.crew import n_cores
from mirror.engine.events import Event, EventSink, Note, ObjectsDone, TransferStarted, ignore
from mirror.engine.retry import PATIENT, RetryPolicy
from mirror.engine.scrub import Batch, Damage, looked_at
from mirror.errors import ExitCode, UnsafeError
from mirror.lock import Holder, check_held, is_held
from mirror.objects import Tally
from mirror.plan import Part as PlanPart
from mirror.plan import Plan, check_room, plan_of
from mirror.quantities import Budget
from mirror.report.verification import VerifyReport
from mirror.store.share import Share
from mirror.store.staging import Staging

Confirm = Callable[[Plan], bool]
_TELL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is."""

    now: Callable[[], datetime] = utc_now
    """In UTC."""
    seconds: Callable[[], float] = time.monotonic


async def verify(
    settings: Settings,
    request: VerifyRequest,
    *,
    sink: EventSink = ignore,
    confirm: Confirm = lambda _: True,
    force_catalog: bool = False,
    clock: Clock = Clock(),
    policy: RetryPolicy = PATIENT,
) -> VerifyReport:
    """Look whether the share has what the catalog says, as deep as is asked, and mend it if that is asked, too.

    Takes no lock unless it mends: a sync may go on beside it, and what that replaces meanwhile is not taken for damage.
    Nothing is written on the share unless it mends, but the published catalog where rows had to be taken back.

    Parameters
    ----------
    confirm
        Called with what is to be fetched before anything is; False leaves it damaged.
    policy
        How often, and with which waits, a request of a repair is made again.

    Raises
    ------
    MirrorError
        Unknown names; a share that is gone, unmarked or foreign, also in the middle; a lock.
    CatalogError
        There is no catalog, or none with rows: a published one tells nothing of blocks.

    Cancelling saves what was found; the next check begins with what was not looked at. Only one with a budget goes on
    in the middle of a part.
    """
    started = clock.seconds()
    checked_marker(Share(settings.share_root()))
    _check_catalog(settings)
    async with plain_errors():
        with workplace(settings, dry_run=False, force_catalog=force_catalog) as place:
            close_dead_runs(place.open_catalog)
            with place.open_catalog.read() as connection:
                chosen = choose(connection, settings, request)
                with_root = request.is_everything and not request.datasets
                # Who sets no limit wants to know of all of it, whatever an earlier night has seen.
                resumes = request.budget != Budget()
                parts = parts_of(connection, chosen, depth=request.depth, with_root=with_root, resumes=resumes)
            check = _Check(settings, request, place, sink, clock, policy, started, chosen, parts)
            return await check.run(confirm)


def exit_code_of(report: VerifyReport) -> ExitCode:
    """Return the exit code that a report stands for: strays are differences, too, which nothing here removes."""
    n_strays = sum(one.kind == "stray" for one in report.damaged)
    n_found = len(report.damaged) + len(report.lost) - n_strays
    return ExitCode.DIFFERENCES if n_strays or n_found > report.repaired else ExitCode.DONE


def _check_catalog(settings: Settings) -> None:
    """Raise CatalogMissingError where there is no catalog: what is not known cannot be checked, and none is made."""
    try:
        catalog = open_catalog(settings.catalog, create=False, read_only=True)
    except CatalogMissingError as error:
        raise CatalogMissingError(
            error.what,
            error.thing,
            hint="Verify on the machine that mirrors. Elsewhere a certificate tells what must be there: "
            "`oomirror certify DATASET -o FILE` there, `oomirror verify --against FILE` here.",
        ) from error
    with catalog, catalog.read() as connection:
        if is_sealed(connection):
            raise CatalogError(
                "a published catalog has no rows of blocks",
                catalog.url,
                hint="Name the catalog of the machine that mirrors, or check a certificate: `verify --against FILE`.",
            )


class _Meter:
    """How much of the budget is spent."""

    def __init__(self, budget: Budget, planned: Tally, clock: Clock, started: float) -> None:
        self._clock = clock
        self._until = None if budget.seconds is None else started + budget.seconds
        self.limit_bytes = budget.n_bytes
        if budget.share is not None:
            self.limit_bytes = int(planned.bytes * budget.share)
        self._spent_bytes = 0
        self._is_begun = False

    def take(self, n_bytes: int) -> None:
        self._spent_bytes += n_bytes
        self._is_begun = True

    def is_spent(self) -> bool:
        """Return whether nothing more is to be begun; something always is."""
        if not self._is_begun:
            return False
        if self._until is not None and self._clock.seconds() >= self._until:
            return True
        return self.limit_bytes is not None and self._spent_bytes >= self.limit_bytes


@dataclass(slots=True)
class _Bucket:
    """What a check needs of one bucket."""

    folder: str
    """As S3 calls it: its folder on the share."""
    holder: Holder
    """Of the locks, where any are held."""
    state: BucketState
    run: Run
    keeper: Keeper
    strays: Strays


@dataclass(slots=True)
class _Check:
    """One check, with what all of its steps need."""

    settings: Settings
    request: VerifyRequest
    place: Workplace
    sink: EventSink
    clock: Clock
    policy: RetryPolicy
    started: float
    chosen: Sequence[Chosen]
    parts: Sequence[Part]
    outcome: Outcome = field(default_factory=Outcome)
    unmended: dict[tuple[str, str], str] = field(default_factory=dict)
    """By bucket and key."""
    is_complete: bool = True

    async def run(self, confirm: Confirm) -> VerifyReport:
        async with AsyncExitStack() as stack:
            buckets: dict[str, _Bucket] = {}
            for name in dict.fromkeys(one.place.bucket for one in self.chosen):
                holder = await stack.enter_async_context(self._locks(name))
                buckets[name] = stack.enter_context(self._bucket(name, holder))
            await self._look(buckets)
            self._find_strays(buckets)
            if self.request.repair:
                await self._mend(buckets, confirm)
            for one in self.chosen:
                if buckets[one.place.bucket].keeper.has_changed or self.request.repair:
                    await asyncio.to_thread(buckets[one.place.bucket].state.count_sums, (one.place.dataset,))
            report = self._report(buckets)
            for bucket in buckets.values():
                bucket.run.counters = report.model_dump(mode="json", include=_COUNTERS)
                bucket.run.exit_code, bucket.run.is_complete = int(exit_code_of(report)), report.complete
        if any(bucket.keeper.has_changed for bucket in buckets.values()):
            from mirror.app.publish import publish_where_ours  # with the templates of the page

            for problem in await asyncio.to_thread(publish_where_ours, self.settings, self.place.open_catalog):
                self.sink(Note(problem))
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
            yield _Bucket(configured.url.bucket, holder, state, run, keeper, Strays(catalog, state, home))

    def _decoded_before(self, run_id: int) -> int:
        """Return the least number of the runs that go on: rows of later numbers may come behind our back."""
        with self.place.open_catalog.read() as connection:
            going_on = [one.id for one in queries.runs(connection, 1_000) if one.state is RunState.RUNNING]
        return min([run_id, *going_on])

    def _check_share(self) -> None:
        """Raise UnsafeError where the share itself is gone: then nothing is known of its files."""
        marker = Share(self.place.share.root).marker()
        if marker is None or marker.uuid != self.place.marker.uuid:
            raise UnsafeError(
                "the share went away",
                str(self.place.share.root),
                hint="Mount it, then run the same command again; what was looked at before is recorded.",
            )

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
        meter = _Meter(self.request.budget, planned, self.clock, self.started)
        tell(TransferStarted(planned, "checking"))
        for chosen in self.chosen:
            bucket = buckets[chosen.place.bucket]
            home = self.place.share.root / bucket.folder
            is_busy = partial(self._is_busy, bucket.folder, chosen.place.dataset)
            KnownDamage(self.place.open_catalog, bucket.state, bucket.keeper, home, is_busy).look_again(chosen)
        feed = _Feed(self, buckets, meter, is_stopped)
        told, tally = self.clock.seconds(), Tally()
        for ticket, batch, seen in looked_at(feed.batches(), n_threads=n_cores(), is_stopped=is_stopped):
            bucket = buckets[ticket.part.place.bucket]
            bucket.keeper.take(ticket, batch, seen)
            if seen.unknown:
                bucket.strays.add_names(ticket.part, batch.folder, seen.unknown)
            tally += Tally(len(ticket.claims), ticket.n_bytes)
            if self.clock.seconds() - told >= _TELL_SECONDS:
                tell(ObjectsDone(tally))
                told, tally = self.clock.seconds(), Tally()
        tell(ObjectsDone(tally))
        for bucket in buckets.values():
            bucket.keeper.flush()
        return feed.is_complete

    def _find_strays(self, buckets: Mapping[str, _Bucket]) -> None:
        # What lies in a folder that has the name of a file goes with it, and a file that is known is no stray.
        known = {one.claim.key for one in self.outcome.found.values()}
        for name, bucket in buckets.items():
            places = [one.place for one in self.chosen if one.place.bucket == name]

            for place, key in bucket.strays.settle(places, partial(self._is_busy, bucket.folder)):
                if any(above in known for above in _with_folders_above(key)):
                    continue
                array = next((part.array for part in self.parts if part.array and key.startswith(part.prefix)), None)
                part = Part(place, key, array, Tally())
                claim = Claim(key, 0, b"", None, 0, 0)
                reason = "neither a listing nor a run knows it"
                bucket.keeper.add([Found(part, claim, Damage.STRAY, reason, is_upstream=False)])

    def _is_busy(self, folder: str, dataset: str) -> bool:
        """Return whether another run works on a dataset."""
        return not self.request.repair and is_held(self.place.share, folder, dataset)

    async def _mend(self, buckets: Mapping[str, _Bucket], confirm: Confirm) -> None:
        found = [one for one in self.outcome.found.values() if one.damage is not Damage.STRAY]
        if not found:
            return
        plan = _plan_of(self.request, found)
        check_room(plan, str(self.place.share.root), *self.place.share.free())
        if not confirm(plan):
            self.unmended = {(one.part.place.bucket, one.claim.key): "it was not to be fetched" for one in found}
            return
        for name, bucket in buckets.items():
            if of_bucket := [one for one in found if one.part.place.bucket == name]:
                bucket.keeper.has_changed = True
                reasons = await self._mend_bucket(name, bucket, of_bucket)
                self.unmended |= {(name, key): reason for key, reason in reasons.items()}

    async def _mend_bucket(self, name: str, bucket: _Bucket, found: Sequence[Found]) -> dict[str, str]:
        from mirror.app.verify.mend import Mender  # with all that fetches

        share, token = self.place.share, bucket.holder.token
        held = partial(check_held, share, token)
        with Staging(share, token, self.settings.transfer.file_policy(), check_held=held) as staging:
            mender = Mender(
                self.settings,
                self.place,
                name,
                bucket.state,
                bucket.run.id,
                bucket.holder,
                staging,
                self.sink,
                self.policy,
            )
            return await mender.mend(found)

    def _report(self, buckets: Mapping[str, _Bucket]) -> VerifyReport:
        with self.place.open_catalog.read() as connection:
            return report_of(
                connection,
                self.request,
                self.chosen,
                self.parts,
                self.outcome,
                unmended=self.unmended,
                folders={name: bucket.folder for name, bucket in buckets.items()},
                runs=tuple(bucket.run.id for bucket in buckets.values()),
                is_complete=self.is_complete,
                seconds=round(self.clock.seconds() - self.started, 3),
            )


class _Feed:
    """Batches of all parts until the budget is used up."""

    def __init__(
        self, check: _Check, buckets: Mapping[str, _Bucket], meter: _Meter, is_stopped: Callable[[], bool]
    ) -> None:
        self._check = check
        self._buckets = buckets
        self._meter = meter
        self._is_stopped = is_stopped
        self.is_complete = False

    def batches(self) -> Iterator[tuple[Ticket, Batch]]:
        """Yield them; `is_complete` tells at the end whether these were all."""
        check = self._check
        catalog, share, depth = check.place.open_catalog, Path(check.place.share.root), check.request.depth
        for part in check.parts:
            bucket = self._buckets[part.place.bucket]
            for ticket, batch in batches_of(catalog, part, share, depth=depth):
                if self._is_stopped() or self._meter.is_spent():
                    return
                bucket.keeper.hand_out(ticket)
                self._meter.take(ticket.n_bytes)
                yield ticket, batch
            bucket.strays.walk(part)
            bucket.keeper.end(part)
        self.is_complete = True


def _with_folders_above(key: str) -> Iterator[str]:
    yield key
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key


def _plan_of(request: VerifyRequest, found: Sequence[Found]) -> Plan:
    tally = Tally(len(found), sum(one.claim.size for one in found))
    return plan_of(request.bucket or "", request.datasets, [PlanPart("", "", "", {Kind.LOST: tally})])


_COUNTERS = {"checked", "ok", "absent_upstream", "repaired", "unrepaired", "upgraded", "depth", "complete", "seconds"}

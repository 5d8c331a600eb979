"""Where a run works: bucket, share and catalog opened, and the machinery that moves objects between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mirror.app.state import BucketState
from mirror.app.workplace import Workplace
from mirror.config import Settings
from mirror.engine.careful import CarefulFetcher, Sources
from mirror.engine.events import EventSink
from mirror.engine.fetch import ChecksumMode, Fetcher, Guard, refuse_nothing
from mirror.engine.recorder import Recorder
from mirror.engine.retry import Retrier
from mirror.engine.throttle import UNTHROTTLED, Bandwidth
from mirror.engine.transfer import Transfer
from mirror.engine.window import Window
from mirror.engine.worker import Setup
from mirror.lock import Holder, check_held
from mirror.quantities import Timetable
from mirror.store.bucket import Bucket
from mirror.store.route import Client
from mirror.store.staging import Staging


@dataclass(frozen=True, slots=True)
class Site:
    """All that a run has open while it holds its locks."""

    settings: Settings
    place: Workplace
    bucket: Bucket
    state: BucketState
    holder: Holder
    retrier: Retrier
    sink: EventSink

    def staging(self) -> Staging:
        """Return the run's room on the share, not yet open."""
        share, token = self.place.share, self.holder.token
        policy = self.settings.transfer.file_policy()
        return Staging(share, token, policy, check_held=partial(check_held, share, token))

    def transfer(
        self,
        staging: Staging,
        recorder: Recorder,
        *,
        mode: ChecksumMode | None = None,
        may_fetch: bool = True,
        max_bandwidth: Timetable | None = None,
        concurrency: int | None = None,
        may_go_on: Callable[[], bool] = lambda: True,
        guard: Guard | None = None,
    ) -> Transfer:
        """Return what moves the objects of one plan; what is None is as the configuration says.

        Parameters
        ----------
        guard
            Asked before a file gets its name, as `Fetcher` does.
        """
        bucket, url_of = self.bucket, self.bucket.url.url_of
        mode = mode or ChecksumMode(self.settings.transfer.checksum)
        timetable = max_bandwidth or self.settings.transfer.max_bandwidth
        throttle = Bandwidth(timetable) if timetable.is_limit else UNTHROTTLED
        fetcher = Fetcher(
            bucket.bulk,
            staging,
            str(self.place.share.root),
            url_of,
            mode=mode,
            may_fetch=may_fetch,
            aliases=self.state.aliases,
            throttle=throttle,
            guard=guard or refuse_nothing,
        )
        sources = Sources(bucket.careful, bucket.bulk, url_of)
        return Transfer(
            fetcher,
            CarefulFetcher(sources, fetcher, staging, self.retrier, mode=mode, throttle=throttle),
            recorder,
            self.retrier,
            window=Window(fixed=concurrency or self.settings.transfer.concurrency or None),
            # Of several processes none would know what the others take, and none could ask the guard.
            setup=None if timetable.is_limit or guard else self._worker_setup(mode, may_fetch=may_fetch),
            throttle=throttle,
            may_go_on=may_go_on,
            sink=self.sink,
        )

    def _worker_setup(self, mode: ChecksumMode, *, may_fetch: bool) -> Setup | None:
        # Only the ring serves a process of its own: keys for signing are looked for once, where the user can answer.
        if not (may_fetch and self.bucket.route.reads_many is Client.RING):
            return None
        return Setup(
            connection=self.bucket.connection,
            share_root=self.place.share.root,
            bucket_name=self.bucket.url.bucket,
            room=self.holder.token,
            policy=self.settings.transfer.file_policy(),
            mode=mode,
            aliases=self.state.aliases,
        )

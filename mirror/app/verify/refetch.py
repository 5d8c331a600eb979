"""Objects that are fetched again, from either bucket: only the bytes that were mirrored before get the name."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from catalog.records import HOW_ADOPTED
from mirror.app.contact import Contact
from mirror.app.datasets import plain_errors
from mirror.app.site import Site
from mirror.app.state import BucketState
from mirror.app.verify.rows import Claim
from mirror.app.workplace import Workplace
from mirror.checksum import Proof, Source, proof_of_etag
from mirror.config import Settings
from mirror.engine.events import EventSink
from mirror.engine.fetch import ChecksumMode, Done, Guard, Item
from mirror.engine.recorder import Recorder
from mirror.engine.retry import PATIENT, Outage, Retrier, RetryPolicy
from mirror.engine.transfer import LevelWork
from mirror.errors import LockedError, MirrorError, UnsafeError
from mirror.lock import Holder, check_held
from mirror.objects import Verification, pack_etag, unpack_etag
from mirror.store.bucket import Bucket
from mirror.store.share import FileError
from mirror.store.staging import Staging
from mirror.store.trash import Note, write_note


class OtherContentError(MirrorError):
    """A bucket's object is not the one that was mirrored."""


@dataclass(slots=True)
class Refetcher:
    """Fetches again what was mirrored, under the locks of its datasets.

    Buckets stay open between calls; one that does not answer is not asked again.
    """

    settings: Settings
    place: Workplace
    state: BucketState
    run_id: int
    holder: Holder
    staging: Staging
    """Open."""
    sink: EventSink
    policy: RetryPolicy
    stack: AsyncExitStack
    """Closes the buckets."""
    _open: dict[tuple[str, tuple[str, ...]], Bucket] = field(default_factory=dict)
    _failed: dict[str, str] = field(default_factory=dict)
    """Why a bucket gives nothing more, by its name."""

    async def fetch(
        self, name: str, items: Sequence[Item], claims: Mapping[str, Claim], back: Mapping[str, Item] | None = None
    ) -> dict[str, str]:
        """Fetch items from a bucket; return the keys of those that did not come, each with the reason.

        What did not come changes nothing on the share; a file that stands where a folder must be goes to the trash
        when the bytes are there.

        Parameters
        ----------
        claims
            What must come, by the place on the share.
        back
            Items as they are to be recorded, by the place on the share, where they come from another bucket.

        Raises
        ------
        UnsafeError
            The share is full, read-only or gone.
        LockedError
            Another run took over.
        """
        if name in self._failed:
            return {item.key: self._failed[name] for item in items}
        done: set[str] = set()

        def commit(arrived: Sequence[Done]) -> None:
            """Record what came."""
            self.state.commit(self.run_id, [_as_recorded(one, claims, back) for one in arrived])
            done.update(one.item.key for one in arrived)

        reasons: dict[str, str] = {}
        datasets = tuple(sorted({self._dataset_of(item) for item in items} - {""}))
        try:
            async with plain_errors():
                bucket = await self._bucket(name, datasets)
                reasons = await self._transfer(bucket, items, self._guard(claims), commit)
        except (UnsafeError, LockedError):
            raise
        except MirrorError as error:
            self._failed[name] = str(error)
        default = self._failed.get(name, "it was not tried")
        return {item.key: reasons.get(item.key, default) for item in items if item.key not in done}

    async def _bucket(self, name: str, datasets: tuple[str, ...]) -> Bucket:
        if (name, datasets) not in self._open:
            contact = await self.stack.enter_async_context(Contact(self.settings, name, datasets, self.sink))
            self._open[name, datasets] = await contact.checked()
        return self._open[name, datasets]

    def _dataset_of(self, item: Item) -> str:
        key = item.relative.partition("/")[2].removeprefix(self.state.root)
        return key.partition("/")[0] if "/" in key else ""

    async def _transfer(
        self, bucket: Bucket, items: Sequence[Item], guard: Guard, commit: Callable[[Sequence[Done]], None]
    ) -> dict[str, str]:
        outage = Outage(self.settings.transfer.max_outage, self.sink)
        retrier = Retrier(asyncio.sleep, self.policy, self.sink, outage=outage)
        site = Site(self.settings, self.place, bucket, self.state, self.holder, retrier, self.sink)
        async with Recorder(self.staging.sync, commit) as recorder:
            transfer = site.transfer(self.staging, recorder, mode=ChecksumMode.AUTO, guard=guard)
            n_bytes = sum(item.size for item in items)
            results = await transfer.run([LevelWork(partial(iter, items))], n_objects=len(items), n_bytes=n_bytes)
        return {one.item.key: str(one.error) for one in results.failed}

    def _guard(self, claims: Mapping[str, Claim]) -> Guard:
        """Return what lets only the bytes pass that were mirrored before, and then makes way for them."""
        way = _Way(self.staging)

        def guard(item: Item, etag: str, digest: bytes, source: Source) -> MirrorError | None:
            claim = claims[item.relative]
            if digest == claim.hash or (claim.hash is None and _is_proven(claim, etag, source)):
                return way.make(item.relative)
            if pack_etag(etag) == claim.etag:
                what, hint = "the bucket's object is not what it was when it was mirrored", ""
            else:
                what = "it is another object than the one that was mirrored"
                hint = "`oomirror sync` fetches what is there."
            return OtherContentError(what, item.key, hint=hint)

        return guard


@asynccontextmanager
async def refetcher(
    settings: Settings,
    place: Workplace,
    state: BucketState,
    *,
    run_id: int,
    holder: Holder,
    sink: EventSink,
    note: Note,
    policy: RetryPolicy = PATIENT,
) -> AsyncIterator[Refetcher]:
    """Give what fetches again, with a room of its own on the share, and at the end leave a note in its trash.

    Raises
    ------
    UnsafeError
        The share cannot be written.
    LockedError
        Another run took over.
    """
    share, token = place.share, holder.token
    held = partial(check_held, share, token)
    with Staging(share, token, settings.transfer.file_policy(), check_held=held) as staging:
        try:
            async with AsyncExitStack() as stack:
                yield Refetcher(settings, place, state, run_id, holder, staging, sink, policy, stack)
        finally:
            with suppress(UnsafeError):  # What ended the run is to be told.
                write_note(staging.trash, note)


class _Way:
    """Moves files that stand where a folder must be to the trash. Thread-safe."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._root = staging.share.root
        self._lock = threading.Lock()

    def make(self, relative: str) -> FileError | None:
        """Make way for a file whose bytes are there; return why that cannot be."""
        if os.path.isdir(self._root / os.path.dirname(relative)):
            return None
        names = relative.split("/")
        with self._lock:
            for folder in ("/".join(names[:n]) for n in range(1, len(names))):
                path = self._root / folder
                if os.path.lexists(path) and not os.path.isdir(path):
                    try:
                        self._staging.to_trash(folder)
                    except FileError as error:
                        return error
        return None


def _is_proven(claim: Claim, etag: str, source: Source) -> bool:
    proof, _ = proof_of_etag(source, claim.size, unpack_etag(claim.etag))
    return proof is Proof.AGREES or (proof is Proof.SILENT and pack_etag(etag) == claim.etag)


def _as_recorded(done: Done, claims: Mapping[str, Claim], back: Mapping[str, Item] | None) -> Done:
    """Return what the catalog is told: of bytes from elsewhere, that they are those of the object that they mend."""
    if back is None:
        return done
    claim = claims[done.item.relative]
    how = Verification(claim.how % HOW_ADOPTED)
    return done._replace(item=back[done.item.relative], etag=unpack_etag(claim.etag), verification=how)

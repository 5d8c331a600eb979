"""Single blocks of an array, fetched for who reads them: listed, verified, recorded and kept as a sync does."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from catalog import queries
from catalog.records import RunKind
from mirror.app.datasets import plain_errors
from mirror.app.locks import Patience, dataset_locks
from mirror.app.opened import open_bucket
from mirror.app.run import Run, recorded_run
from mirror.app.site import Site
from mirror.app.state import BucketState, holds_blocks
from mirror.app.workplace import workplace
from mirror.checksum import Proof, proof_of_etag
from mirror.config import Settings
from mirror.diff import Kind
from mirror.engine.events import EventSink, ignore
from mirror.engine.fetch import Item, source_of_file
from mirror.engine.listing import Shard, ShardLister
from mirror.engine.recorder import Recorder
from mirror.engine.retry import PATIENT, Outage, Retrier, RetryPolicy
from mirror.engine.spool import Spool
from mirror.engine.transfer import LevelWork, Results
from mirror.errors import ExitCode, MirrorError, ObjectNotFoundError, UsageError
from mirror.formats.folder import METADATA_NAMES
from mirror.formats.layout import Array
from mirror.formats.n5.grid import BlockIndex
from mirror.formats.opening import document_starts, opening_keys
from mirror.keys import key_refusal
from mirror.objects import RemoteObject, Tally, pack_etag
from mirror.plan import Part, check_room, plan_of
from mirror.report.model import Amount


class BlocksNotFetchedError(MirrorError):
    """Some of the blocks could not be fetched; those that could are on the share."""

    exit_code = ExitCode.INCOMPLETE


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """Which blocks are wanted."""

    bucket: str
    """As the configuration names it."""
    dataset: str
    volume: str
    """Path inside the container, for words."""
    container_prefix: str
    """Full key prefix, ending with a slash: documents above the array are looked for from here on."""
    array: Array
    blocks: Mapping[BlockIndex, str] = field(default_factory=dict)
    """Grid position, x first, to the key below the array's prefix."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of the blocks."""

    run: int | None
    """None where nothing was to be fetched."""
    transferred: Tally
    absent: frozenset[BlockIndex]
    """Those that the bucket does not have."""


async def fetch_blocks(
    settings: Settings,
    request: BlockRequest,
    *,
    sink: EventSink = ignore,
    policy: RetryPolicy = PATIENT,
    patience: Patience = Patience(),  # noqa: B008  frozen
) -> Fetched:
    """Fetch the blocks that are not on the share, and the documents that open the array if it has none yet.

    Only the rows of the grid in which they lie are listed. Each object is verified as `sync` does, and its row is
    committed after it is on the share, in a run of its own. The catalog is not published: the next run does that.

    Parameters
    ----------
    policy
        How often, and with which waits, a request is made again.
    patience
        How long another run on the dataset is waited for.

    Raises
    ------
    LockedError
        Another run works on the dataset, and did not end in time.
    BlocksNotFetchedError
        Some could not be fetched.
    UsageError
        A key cannot be a file on the share.
    MirrorError, CatalogError
        The bucket does not answer, the share is not safe to write, the level was stored anew in the bucket.

    Cancelling keeps what was fetched by then; may be called again.
    """
    one = settings.bucket(request.bucket)
    async with plain_errors():
        with workplace(settings, dry_run=False) as place:
            async with (
                open_bucket(one, sink) as bucket,
                dataset_locks(place, one.url.bucket, (request.dataset,), sink, patience) as holder,
            ):
                state = BucketState.of(place.open_catalog, str(one.url), one.url.prefix, aliases=one.aliases)
                outage = Outage(settings.transfer.max_outage, sink)
                retrier = Retrier(asyncio.sleep, policy, sink, outage=outage)
                site = Site(settings, place, bucket, state, holder, retrier, sink)
                return await _Fetch(site, request).run()


@dataclass(frozen=True, slots=True)
class _Fetch:
    site: Site
    request: BlockRequest

    async def run(self) -> Fetched:
        wanted = {index: name for index, name in self.request.blocks.items() if not self._is_there(self._key(name))}
        documents = await self._documents()
        listed = await self._list(_rows(self.request.array.prefix, wanted.values())) if wanted else {}
        found = {index: listed[self._key(name)] for index, name in wanted.items() if self._key(name) in listed}
        items = [*self._items(found), *(self._item(one, None) for one in documents)]
        absent = frozenset(wanted.keys() - found.keys())
        if not items and not absent:
            return Fetched(None, Tally(), absent)
        run_id, results = await self._record(wanted, items)
        return Fetched(run_id, results.transferred, absent)

    def _is_there(self, key: str) -> bool:
        return os.path.lexists(self._path(key))

    def _path(self, key: str) -> str:
        return f"{self.site.place.share.root}/{self.site.bucket.url.bucket}/{key}"

    def _key(self, name: str) -> str:
        return f"{self.request.array.prefix}{name}"

    async def _documents(self) -> list[RemoteObject]:
        """Return the documents that are to be fetched: none where the array's own is there, as the bucket has it."""
        own = opening_keys(self.request.array)
        here = [key for key in own if self._is_there(key)]
        starts = document_starts(self.request.array, self.request.container_prefix)
        listed = await self._list(here or starts)
        if not any(key in listed for key in own):
            url = self.site.bucket.url.url_of(own[0])
            raise ObjectNotFoundError("the bucket does not describe the array any more", url)
        if here:
            await asyncio.to_thread(self._check_same, listed[here[0]])
            return []
        return [one for one in listed.values() if _is_document(one.key, starts) and not self._is_there(one.key)]

    def _check_same(self, listed: RemoteObject) -> None:
        """Check that the array is still stored as its document on the share says: else its blocks are others."""
        rows = self._recorded(listed.key)
        is_same = any((size, etag) == (listed.size, pack_etag(listed.etag)) for size, etag in rows)
        source = source_of_file(self._path(listed.key))
        if not is_same and proof_of_etag(source, listed.size, listed.etag)[0] is Proof.DIFFERS:
            name = f"{self.request.dataset}/{self.request.volume}"
            raise MirrorError(
                "the level was stored anew in the bucket since it was mirrored",
                self.site.bucket.url.url_of(listed.key),
                hint=f"`oomirror sync` brings {name} up to date.",
            )

    def _recorded(self, key: str) -> list[tuple[int, bytes]]:
        state = self.site.state
        if state.bucket_id is None:
            return []
        with self.site.place.open_catalog.read() as connection:
            rows = queries.mirrored_objects_of(connection, state.bucket_id, [key])
        return [(size, etag) for _, size, etag, _ in rows]

    async def _list(self, prefixes: Iterable[str]) -> dict[str, RemoteObject]:
        """Return what the bucket has below some prefixes, by key."""
        site = self.site
        with Spool() as spool:
            lister = ShardLister(await site.bucket.lister(), spool, site.retrier, sink=site.sink)
            shards = await lister.list_all([Shard(prefix) for prefix in prefixes])
            rows = ((one.shard.prefix + row[0], *row[1:]) for one in shards for row in spool.rows(one.pages))
            return {row[0]: RemoteObject(*row) for row in rows}

    def _items(self, found: Mapping[BlockIndex, RemoteObject]) -> Iterator[Item]:
        is_grid = holds_blocks(self.request.array)
        for index in sorted(found):
            yield self._item(found[index], index if is_grid else None)

    def _item(self, one: RemoteObject, index: BlockIndex | None) -> Item:
        marker, share = self.site.place.marker, self.site.place.share
        bucket = self.site.bucket.url.bucket
        refusal = key_refusal(one.key, marker.rules, root_bytes=len(f"{share.root}/{bucket}".encode()))
        if refusal is not None:
            raise UsageError("cannot be a file on the share", one.key, found=f"a key that {refusal.value}")
        array_id = None if index is None else self.site.state.array_ids.get(self.request.array.prefix)
        block: Any = None if array_id is None else index
        relative = f"{bucket}/{one.key}"
        return Item(Kind.NEW, one.key, relative, one.size, one.etag, one.last_modified, array_id, block)

    async def _record(self, wanted: Mapping[BlockIndex, str], items: list[Item]) -> tuple[int, Results]:
        """Fetch in a run of the catalog; what the bucket was seen not to have is kept in the run's selection."""
        site, request, started = self.site, self.request, time.monotonic()
        planned = Tally(len(items), sum(item.size for item in items))
        part = Part(request.dataset, request.volume, request.array.level_name or "", {Kind.NEW: planned}, len(items))
        check_room(
            plan_of(request.bucket, (request.dataset,), [part]), str(site.place.share.root), *site.place.share.free()
        )
        catalog = site.place.open_catalog
        if site.state.bucket_id is None:
            with catalog.begin() as connection:
                site.state.bucket_id = queries.bucket_id(connection, str(site.bucket.url))
        selection = {request.dataset: _selection(request, wanted)}
        with recorded_run(catalog, site.state.bucket_id, RunKind.FETCH, (request.dataset,), selection) as run:
            results = await self._transfer(items, planned, run) if items else Results()
            await asyncio.to_thread(site.state.count_sums, (request.dataset,))
            seconds = round(time.monotonic() - started, 3)
            transferred = Amount.of(results.transferred).model_dump(mode="json")
            run.counters = {"transferred": transferred, "seconds": seconds, "complete": not results.failed}
            run.exit_code = ExitCode.INCOMPLETE if results.failed else ExitCode.DONE
        if results.failed:
            raise _not_fetched(results, len(items))
        return run.id, results

    async def _transfer(self, items: list[Item], planned: Tally, run: Run) -> Results:
        site = self.site
        # Their files are not there, so that no row may say so.
        await asyncio.to_thread(site.state.forget, items)
        with site.staging() as staging:
            async with plain_errors(), Recorder(staging.sync, lambda done: site.state.commit(run.id, done)) as recorder:
                level = LevelWork(lambda: iter(items), frozenset(opening_keys(self.request.array)))
                transfer = site.transfer(staging, recorder)
                return await transfer.run([level], n_objects=planned.objects, n_bytes=planned.bytes)


def _rows(prefix: str, names: Iterable[str]) -> list[str]:
    """Return the prefixes to list: the rows of the grid that some blocks lie in.

    >>> _rows("s0/", ["1/2/3", "1/2/4", "1/3/0"]), _rows("s0/", ["4.5.6"]), _rows("s0/", ["0-64_0-64_0-64"])
    (['s0/1/2/', 's0/1/3/'], ['s0/4.5.'], ['s0/0-64_0-64_0-64'])
    """
    ends = ((name, max(name.rfind("/"), name.rfind(".")) + 1) for name in names)
    return sorted({prefix + (name[:end] or name) for name, end in ends})


def _is_document(key: str, starts: Iterable[str]) -> bool:
    """Return whether a key is that of a document, of those that begin as was listed: `.zchunk` may be anything."""
    folder, _, name = key.rpartition("/")
    return name in METADATA_NAMES and any(start.rpartition("/")[0] == folder for start in starts)


def _selection(request: BlockRequest, wanted: Mapping[BlockIndex, str]) -> dict[str, Any]:
    """Return what was chosen as the catalog keeps it, the blocks of arrays of three axes in boxes, x first."""
    blocks = {request.array.prefix: list(_boxes(wanted))} if holds_blocks(request.array) and wanted else {}
    chosen: dict[str, Any] = {"dataset": request.dataset, "volume": request.volume, "level": request.array.level_name}
    return {**chosen, "blocks_xyz": blocks} if blocks else chosen


def _boxes(indices: Iterable[BlockIndex]) -> Iterator[tuple[list[int], list[int]]]:
    """Yield first and stop of the runs of blocks along the last axis."""
    for row, of_row in groupby(sorted(indices), key=lambda index: index[:-1]):
        last = [index[-1] for index in of_row]
        for _, run in groupby(enumerate(last), key=lambda pair: pair[1] - pair[0]):
            numbers = [number for _, number in run]
            yield [*row, numbers[0]], [*(n + 1 for n in row), numbers[-1] + 1]


def _not_fetched(results: Results, n_items: int) -> BlocksNotFetchedError:
    first = min(results.failed, key=lambda problem: problem.item.key)
    return BlocksNotFetchedError(
        f"{len(results.failed):,} of {n_items:,} objects could not be fetched", first.item.key, found=str(first.error)
    )

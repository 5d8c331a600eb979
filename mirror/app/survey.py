"""The bucket's side of a run: datasets are found, the selection is made, and what it chose is listed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mirror.app.remembered import Remembered, remember
from mirror.app.state import BucketState
from mirror.engine.cut import ask_for_all, shards_of_wanted
from mirror.engine.discovery import Discovery, Document, DocumentCache, Walker
from mirror.engine.events import EventSink
from mirror.engine.listing import (
    ListedShard,
    Shard,
    ShardLister,
    are_few_and_large,
    expected_requests,
    shards_of_array,
    shards_of_slab,
)
from mirror.engine.lists_in_flight import ListSlots
from mirror.engine.retry import Retrier
from mirror.engine.spool import Spool
from mirror.formats.dataset import build_dataset
from mirror.formats.layout import Array, Dataset
from mirror.objects import RemoteObject
from mirror.selection import CropChoice, Selection, SelectionSpec, select, select_crops
from mirror.store.base import Lister
from mirror.store.bucket import Bucket

BUCKET_FILES = ""
"""Name under which the files at the bucket's root are kept: no dataset has it."""


ChooseCrops = Callable[[Dataset, Discovery], CropChoice]
"""Returns the crops of a dataset as it was just found, from what the catalog says of them; reads only."""

OnCost = Callable[[int], None]
"""Told how many requests a listing takes, about, before it begins."""


def ignore_cost(n_requests: int) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One dataset with what was chosen of it and what the bucket has of that."""

    name: str
    dataset: Dataset
    selection: Selection
    shards: tuple[ListedShard, ...]
    prefixes: tuple[str, ...]
    """Of all folders that were walked, for twins in letter case."""


@dataclass(frozen=True, slots=True)
class Survey:
    """All datasets of a run."""

    datasets: tuple[Surveyed, ...]
    documents: tuple[Document, ...]
    """Metadata that had to be fetched, as they were."""
    bucket_files: tuple[ListedShard, ...] = ()

    @property
    def by_name(self) -> dict[str, Dataset]:
        """The datasets by their names."""
        return {one.name: one.dataset for one in self.datasets}


class Surveyor:
    """Surveys datasets of one bucket.

    Cancelling leaves nothing behind; each method may be called again.
    """

    def __init__(self, bucket: Bucket, state: BucketState, spool: Spool, retrier: Retrier, sink: EventSink) -> None:
        self._bucket = bucket
        self.url = str(bucket.url)
        self.state = state
        self._spool = spool
        self.retrier = retrier
        self._sink = sink
        self._slots = ListSlots()

    async def survey(
        self,
        names: Sequence[str],
        spec: SelectionSpec,
        *,
        with_bucket_files: bool = False,
        max_age_seconds: float | None = None,
        on_cost: OnCost = ignore_cost,
        choose_crops: ChooseCrops | None = None,
    ) -> Survey:
        """Return the datasets with all that the selection chose, listed.

        Parameters
        ----------
        max_age_seconds
            A complete snapshot that is not older is taken instead of a new listing; None lists.
        on_cost
            Told of each dataset how many requests its listing takes, about, before it begins.
        choose_crops
            Where given, only what the crops that it returns choose.

        Raises
        ------
        UnknownNameError
            A dataset, volume, level or crop does not exist.
        StoreError
            The bucket could not be listed.
        """
        surveyed = []
        documents: list[Document] = []
        for name in names:
            one, fetched = await self._survey_one(name, spec, max_age_seconds, on_cost, choose_crops)
            surveyed.append(one)
            documents += fetched
        files = await self._bucket_files() if with_bucket_files else ()
        return Survey(tuple(surveyed), tuple(documents), files)

    async def _survey_one(
        self,
        name: str,
        spec: SelectionSpec,
        max_age_seconds: float | None,
        on_cost: OnCost,
        choose_crops: ChooseCrops | None,
    ) -> tuple[Surveyed, tuple[Document, ...]]:
        remembered = None
        if max_age_seconds is not None:
            prefix = f"{self._bucket.url.prefix}{name}/"
            remembered = await asyncio.to_thread(remember, self.state, self._spool, name, prefix, max_age_seconds)
        if remembered is None:
            dataset, discovery = await self.discover(name)
        else:
            discovery = remembered.discovery
            dataset = build_dataset(name, f"{self._bucket.url.prefix}{name}/", discovery.folders)
        if choose_crops is None:
            selection = select(dataset, spec)
        else:
            selection = select_crops(dataset, spec, await asyncio.to_thread(choose_crops, dataset, discovery))
        shards = await self._split(_shards(dataset, selection, discovery), remembered)
        shards += await asyncio.to_thread(self._wanted_shards, selection, discovery, remembered)
        known = [remembered.listed(shard) if remembered else None for shard in shards]
        unknown = [shard for shard, listed in zip(shards, known, strict=True) if listed is None]
        on_cost(sum(map(expected_requests, unknown)))
        new = iter(await self._lister_of(await self._bucket.lister()).list_all(unknown))
        listed = tuple(one or next(new) for one in known)
        return Surveyed(name, dataset, selection, listed, tuple(discovery.folders)), discovery.fetched

    def _wanted_shards(self, selection: Selection, discovery: Discovery, remembered: Remembered | None) -> list[Shard]:
        """Return the shards of the arrays of which only some blocks are wanted."""
        return [
            shard
            for array in selection.arrays
            if array.prefix in selection.wanted
            for shard in self._shards_of_wanted(array, selection, discovery, remembered)
        ]

    def _shards_of_wanted(
        self, array: Array, selection: Selection, discovery: Discovery, remembered: Remembered | None
    ) -> tuple[Shard, ...]:
        folder = discovery.folders[array.prefix]
        also = self.state.rows_to_compare(array, folder.files)
        wanted = replace(selection.wanted[array.prefix], with_mirrored=bool(also))
        is_known = remembered.has_all_below if remembered else ask_for_all
        return shards_of_wanted(array, wanted, folder.folders, folder.files, also=also, is_known=is_known)

    async def _split(self, parts: Sequence[tuple[Shard, ...]], remembered: Remembered | None) -> list[Shard]:
        """Return the shards, with slabs that are few and large by their rows."""
        walker = self._walker(await self._bucket.lister())

        async def split(slab: Shard) -> tuple[Shard, ...]:
            """Return the shards of one slab, of which the folder is looked at."""
            folder = remembered.folder(slab.prefix) if remembered else None
            if folder is not None:
                return shards_of_slab(slab, folder.folders, folder.files)
            return shards_of_slab(slab, *await walker.list_folder(slab.prefix))

        shards: list[Shard] = []
        for part in parts:
            slabs = [shard for shard in part if shard.slab is not None]
            if not are_few_and_large(slabs):
                shards += part
                continue
            async with asyncio.TaskGroup() as group:
                splits = [group.create_task(split(slab)) for slab in slabs]
            shards += [shard for shard in part if shard.slab is None]
            shards += [shard for one in splits for shard in one.result()]
        return shards

    async def discover(self, name: str) -> tuple[Dataset, Discovery]:
        """Return a dataset as LIST with a delimiter finds it; no block is listed. Raises as `survey`."""
        prefix = f"{self._bucket.url.prefix}{name}/"
        known = await asyncio.to_thread(self.state.documents, prefix)
        walker = self._walker(await self._bucket.lister(), lambda key, etag: known.get((key, etag)))
        discovery = await walker.discover(prefix)
        return build_dataset(name, prefix, discovery.folders), discovery

    async def list_shards(self, shards: Sequence[Shard]) -> tuple[ListedShard, ...]:
        """Return shards beside those of a selection, listed. Raises StoreError."""
        return await self._lister_of(await self._bucket.lister()).list_all(shards)

    async def files_in(self, prefix: str) -> tuple[RemoteObject, ...]:
        """Return the objects directly in a folder. Raises StoreError."""
        _, files = await self._walker(await self._bucket.lister()).list_folder(prefix)
        return tuple(files)

    def _walker(self, lister: Lister, known: DocumentCache = lambda _key, _etag: None) -> Walker:
        return Walker(
            lister,
            self._bucket.bulk,
            self._bucket.careful,
            self.retrier,
            known=known,
            slots=self._slots,
            sink=self._sink,
        )

    async def _bucket_files(self) -> tuple[ListedShard, ...]:
        root = self._bucket.url.prefix
        return await self.list_shards([Shard(root, objects=await self.files_in(root))])

    def _lister_of(self, lister: Lister) -> ShardLister:
        return ShardLister(lister, self._spool, self.retrier, slots=self._slots, sink=self._sink)


def _shards(dataset: Dataset, selection: Selection, discovery: Discovery) -> list[tuple[Shard, ...]]:
    """Return what is to be listed, each array's shards together."""
    shards: list[tuple[Shard, ...]] = [(Shard(dataset.prefix, objects=_sorted(selection.objects)),)]
    shards += [(Shard(prefix),) for prefix in sorted(selection.subtrees)]
    for array in selection.arrays:
        if array.prefix in selection.wanted:
            continue
        folder = discovery.folders.get(array.prefix)
        if folder is None or not array.is_understood:
            shards.append((Shard(array.prefix, array),))
        else:
            shards.append(shards_of_array(array, folder.folders, folder.files))
    return shards


def _sorted(objects: Sequence[RemoteObject]) -> tuple[RemoteObject, ...]:
    return tuple(sorted(objects, key=lambda one: one.key.encode("utf-8", "surrogateescape")))

"""What `sync --delete` takes away: what the catalog has of a selection and the bucket, listed completely, has not.

Places are compared one by one, each with a listing of all of it. Levels and volumes that vanished as a whole are listed
too, and a sample of what seems to be gone is asked for by name: a page that a server cut short deletes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from catalog import queries
from catalog.records import ArrayRecord
from mirror.app.state import BucketState
from mirror.app.survey import Survey, Surveyed, Surveyor
from mirror.deletion import DEFAULT_LIMIT, N_EXAMPLES, Deletion, Held, Leaving, vanished
from mirror.engine.listing import ListedShard, Shard
from mirror.engine.spool import Page, Spool
from mirror.errors import ObjectNotFoundError, UnsafeError
from mirror.formats.folder import METADATA_NAMES
from mirror.objects import RemoteObject, Tally
from mirror.quantities import Limit
from mirror.store.bucket import Bucket
from mirror.store.share import Share
from mirror.store.trash import is_on_share, pending, trashed_runs

_PAGE_ROWS = 2_000
ASKED_PER_PLACE = 100
"""So many of the objects that seem to be gone are asked for by name, spread over each place."""
_ASKED_AT_A_TIME = 16


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a dataset of which all, or all directly inside, belongs to the selection."""

    prefix: str
    """Full key prefix, ending with a slash."""
    dataset: str
    volume: str
    level: str
    is_deep: bool = True
    """False: only what lies directly in the folder."""
    shards: tuple[ListedShard, ...] = ()
    """All that the bucket has of it."""

    def has(self, one: Held) -> bool:
        """Return whether an object belongs to it."""
        return one.key.startswith(self.prefix) and (self.is_deep or "/" not in one.key[len(self.prefix) :])


@dataclass(frozen=True, slots=True)
class Gone:
    """What of one place goes, in the spool: first the documents with which it opens, then all else."""

    documents: tuple[Page, ...]
    others: tuple[Page, ...]
    damage: tuple[Page, ...] = ()
    """What checks found damaged or lost on the share, and the bucket has not: nothing can mend it."""

    @property
    def pages(self) -> tuple[Page, ...]:
        """All that goes."""
        return self.documents + self.others


@dataclass(frozen=True, slots=True)
class Vanished:
    """All that goes, and the sums for the plan."""

    deletion: Deletion
    gone: tuple[Gone, ...]


class Vanishing:
    """Finds what vanished of what a survey chose. Cancelling leaves nothing behind.

    Parameters
    ----------
    left
        Files that an earlier run began to take away, and the catalog does not know any more.
    """

    def __init__(
        self, bucket: Bucket, state: BucketState, spool: Spool, surveyor: Surveyor, *, left: Sequence[Held] = ()
    ) -> None:
        self._bucket = bucket
        self._state = state
        self._spool = spool
        self._surveyor = surveyor
        self._left = left

    async def find(self, survey: Survey, limit: Limit | None = None) -> Vanished:
        """Return what vanished.

        Raises
        ------
        UnsafeError
            The bucket has an object that its listing lacks: the listing is not complete.
        StoreError
            The bucket could not be listed, or did not tell of an object whether it has it.
        """
        places = [place for surveyed in survey.datasets for place in await self._places(surveyed)]
        found = await asyncio.to_thread(lambda: [self._compare(place) for place in places])
        for _, gone in found:
            await self._check_gone(gone)
        deletion = Deletion(tuple(leaving for leaving, _ in found), limit or DEFAULT_LIMIT)
        return Vanished(deletion, tuple(gone for _, gone in found if gone.pages or gone.damage))

    async def _places(self, surveyed: Surveyed) -> list[Place]:
        chosen = list(chosen_places(surveyed))
        records = await asyncio.to_thread(self._arrays, surveyed.dataset.prefix)
        absent = [*absent_levels(surveyed, records, [place.prefix for place in chosen])]
        absent += absent_folders(surveyed, absent)
        beside = [*folders_of_volumes(surveyed, [*chosen, *absent])]
        shards = [
            *[await self._shard_of(place) for place in absent],
            *[Shard(place.prefix, objects=files) for place, files in beside],
        ]
        listed = await self._surveyor.list_shards(shards)
        others = [*absent, *(place for place, _ in beside)]
        return [*chosen, *(replace(place, shards=(one,)) for place, one in zip(others, listed, strict=True))]

    async def _shard_of(self, place: Place) -> Shard:
        return Shard(place.prefix, objects=None if place.is_deep else await self._surveyor.files_in(place.prefix))

    def _arrays(self, prefix: str) -> tuple[ArrayRecord, ...]:
        if self._state.catalog is None or self._state.bucket_id is None:
            return ()
        with self._state.catalog.read() as connection:
            return queries.arrays(connection, self._state.bucket_id, prefix)

    def _compare(self, place: Place) -> tuple[Leaving, Gone]:
        listed = Listed(place.shards, self._spool)
        sums = _Sums()
        documents, others = _Pages(self._spool), _Pages(self._spool)
        held = chain(self._state.held(place.prefix, is_deep=place.is_deep), filter(place.has, self._left))
        for one in vanished(sums.counted(held), listed.has):
            sums.add(one)
            (documents if one.key.rpartition("/")[2] in METADATA_NAMES else others).add(one)
        damage = _Pages(self._spool)
        for one in vanished(self._state.known_damage(place.prefix, is_deep=place.is_deep), listed.has):
            damage.add(one)
        tally = sum((shard.listed for shard in place.shards), Tally())
        leaving = Leaving(
            place.dataset, place.volume, place.level, tally, sums.mirrored, sums.vanished, tuple(sums.examples)
        )
        return leaving, Gone(documents.end(), others.end(), damage.end())

    async def _check_gone(self, gone: Gone) -> None:
        """Ask for some of what seems to be gone, by name."""
        n_gone = sum(1 for _ in self._spool.rows(gone.pages))
        step = -(-n_gone // ASKED_PER_PLACE) or 1
        keys = [key for key, _, _ in islice(self._spool.rows(gone.pages), 0, None, step)]
        slots = asyncio.Semaphore(_ASKED_AT_A_TIME)

        async def check(key: str) -> None:
            """Check that the bucket has no such object."""
            async with slots:
                if await self._is_there(key):
                    raise UnsafeError(
                        "nothing is deleted: the bucket has an object that its listing lacks",
                        self._bucket.url.url_of(key),
                        hint="The listing was not complete, or the object has just come back: run it again.",
                    )

        async with asyncio.TaskGroup() as group:
            for key in keys:
                group.create_task(check(key))

    async def _is_there(self, key: str) -> bool:
        careful = await self._bucket.careful()
        try:
            await self._surveyor.retrier.run(key, lambda: careful.head(key))
        except ObjectNotFoundError:
            return False
        return True


class Listed:
    """What the bucket has of one place. A shard's keys are in memory while keys of that shard are asked for."""

    def __init__(self, shards: Sequence[ListedShard], spool: Spool) -> None:
        self._spool = spool
        # Shards of known objects have what lies directly in their folder; the others have all below.
        self._direct = {one.shard.prefix: one for one in shards if one.shard.objects is not None}
        self._deep = {one.shard.prefix: one for one in shards if one.shard.objects is None}
        self._loaded: dict[bool, tuple[str, frozenset[str]]] = {}

    def has(self, key: str) -> bool:
        """Return whether the bucket has the object."""
        folder = key[: key.rfind("/") + 1]
        if (one := self._direct.get(folder)) is not None and key[len(folder) :] in self._names(one, is_deep=False):
            return True
        while folder:
            if (one := self._deep.get(folder)) is not None:
                return key[len(folder) :] in self._names(one, is_deep=True)
            folder = folder[: folder.rstrip("/").rfind("/") + 1]
        return False

    def _names(self, one: ListedShard, *, is_deep: bool) -> frozenset[str]:
        prefix = one.shard.prefix
        if self._loaded.get(is_deep, ("", frozenset()))[0] != prefix:
            self._loaded[is_deep] = prefix, frozenset(row[0] for row in self._spool.rows(one.pages))
        return self._loaded[is_deep][1]


class _Sums:
    def __init__(self) -> None:
        self.mirrored = Tally()
        self.vanished = Tally()
        self.examples: list[str] = []

    def counted(self, held: Iterable[Held]) -> Iterator[Held]:
        n_objects = n_bytes = 0
        for one in held:
            n_objects += 1
            n_bytes += one.size
            yield one
        self.mirrored = Tally(n_objects, n_bytes)

    def add(self, one: Held) -> None:
        self.vanished = self.vanished.plus(one.size)
        if len(self.examples) < N_EXAMPLES:
            self.examples.append(one.key)


class _Pages:
    """Keeps rows in the spool, page by page."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._batch: list[tuple[str, int, bytes]] = []
        self._pages: list[Page] = []

    def add(self, one: Held) -> None:
        self._batch.append((one.key, one.size, one.etag))
        if len(self._batch) == _PAGE_ROWS:
            self._flush()

    def end(self) -> tuple[Page, ...]:
        if self._batch:
            self._flush()
        return tuple(self._pages)

    def _flush(self) -> None:
        self._pages.append(self._spool.add(self._batch))
        self._batch = []


def chosen_places(surveyed: Surveyed) -> Iterator[Place]:
    """Yield the arrays and volumes that were chosen and listed; loose folders beside the containers are none."""
    loose = set(surveyed.dataset.loose_folders)
    by_prefix: dict[str, list[ListedShard]] = {}
    for listed in surveyed.shards:
        shard = listed.shard
        if shard.array is not None:
            by_prefix.setdefault(shard.array.prefix, []).append(listed)
        elif shard.objects is None and shard.prefix not in loose:
            by_prefix.setdefault(shard.prefix, []).append(listed)
    for prefix, shards in by_prefix.items():
        array = shards[0].shard.array
        level = array.level_name if array is not None else None
        path = array.path if array is not None else prefix.removeprefix(surveyed.dataset.prefix).rstrip("/")
        yield Place(prefix, surveyed.name, _volume(path, level), level or "", shards=tuple(shards))


def absent_levels(surveyed: Surveyed, records: Iterable[ArrayRecord], covered: Sequence[str]) -> Iterator[Place]:
    """Yield the arrays that the catalog knows, the bucket shows no more, and the selection means.

    Parameters
    ----------
    covered
        Prefixes of what is compared anyway.
    """
    selection, dataset = surveyed.selection, surveyed.dataset
    containers = {one.prefix for one in dataset.containers if one.format in selection.formats}
    present = tuple(array.prefix for volume in dataset.volumes() for array in volume.arrays)
    for record in records:
        prefix, spec = record.key_prefix, selection.spec
        is_chosen = spec.with_unscaled if record.level_index is None else record.level_index in spec.scales
        if record.prefix not in containers or not (is_chosen and spec.volumes.takes(record.path)):
            continue
        # Where another array lies below it now, only a choice of that one says what of it is meant.
        if prefix.startswith((*covered, *present)) or any(one.startswith(prefix) for one in present):
            continue
        yield Place(prefix, surveyed.name, _volume(record.path, record.level_name), record.level_name or "")


def absent_folders(surveyed: Surveyed, absent: Iterable[Place]) -> Iterator[Place]:
    """Yield the folders of volumes of which the bucket shows no level any more: their own document goes, too."""
    there = set(surveyed.prefixes)
    folders = {place.prefix[: place.prefix.rstrip("/").rfind("/") + 1]: place for place in absent if place.level}
    for folder, place in sorted(folders.items()):
        if folder not in there and folder.startswith(surveyed.dataset.prefix) and folder != surveyed.dataset.prefix:
            yield Place(folder, surveyed.name, place.volume, "", is_deep=False)


def folders_of_volumes(surveyed: Surveyed, known: Iterable[Place]) -> Iterator[tuple[Place, tuple[RemoteObject, ...]]]:
    """Yield the folders of the chosen volumes that have levels, with the files directly inside."""
    groups = {group.prefix: group for container in surveyed.dataset.containers for group in container.groups}
    deep = tuple(place.prefix for place in known if place.is_deep)
    for choice in surveyed.selection.volumes:
        prefix = choice.volume.prefix
        if choice.arrays and prefix in groups and not prefix.startswith(deep):
            yield Place(prefix, surveyed.name, choice.volume.path, "", is_deep=False), groups[prefix].files


def left_by_killed_runs(state: BucketState, share: Share, bucket_name: str) -> list[Held]:
    """Return what runs that were killed made the catalog forget and did not move to the trash. Raises UnsafeError."""
    left: dict[str, Held] = {}
    for run in trashed_runs(share):
        for one in pending(run):
            key = one.relative.removeprefix(f"{bucket_name}/")
            if key != one.relative and is_on_share(share, one) and not state.has(key):
                left[key] = Held(key, one.size, bytes.fromhex(one.etag))
    return list(left.values())


def _volume(path: str, level: str | None) -> str:
    return path if level is None else path.removesuffix(level).rstrip("/")

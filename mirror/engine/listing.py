"""Listing in shards: a slab of a grid, a small array, a folder. Each streams into the spool, many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import xxhash

from mirror.engine.events import EventSink, Listed, ignore
from mirror.engine.lists_in_flight import MOST, ListSlots
from mirror.engine.pages import Pages, is_ascending
from mirror.engine.retry import Retrier
from mirror.engine.spool import Page, Row, Spool
from mirror.formats.layout import Array
from mirror.formats.n5.grid import is_canonical_decimal
from mirror.objects import RemoteObject, Tally
from mirror.selection import Wanted
from mirror.store.base import Lister

SMALL_ARRAY_BLOCKS = 3_000
"""Up to here an array is listed as one: three pages one after the other cost less than a request for each slab."""
MIN_SLAB_BLOCKS = 100
MAX_SLAB_BLOCKS = 20_000
"""Above, pages one after the other take so long that slabs are listed row by row, if there are but few of them."""
KEYS_A_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of a listing."""

    prefix: str
    """Full key prefix; the rows' keys are given below it."""
    array: Array | None = None
    """The array in whose folder the shard lies; None for plain objects."""
    objects: tuple[RemoteObject, ...] | None = None
    """Given where discovery has seen all of the shard already; then nothing is listed."""
    slab: int | None = None
    """First grid position where the shard is one slab of its array, or a row of one."""
    row: int | None = None
    """Second grid position where the shard is one row of its slab."""
    folders: tuple[str, ...] = ()
    """Names of the folders beside the objects given: they are shards of their own."""
    wanted: Wanted | None = None
    """Of what lies here only these blocks are meant; None: all of it."""

    @property
    def is_whole_array(self) -> bool:
        """Whether it lists all that its array has."""
        return self.array is not None and self.objects is None and self.prefix == self.array.prefix

    def takes(self, suffix: str) -> bool:
        """Return whether a key below the shard's prefix is meant: nothing else may be done with it, or for its lack."""
        if self.wanted is None or self.array is None:
            return True
        return self.wanted.takes(self.prefix[len(self.array.prefix) :] + suffix)


@dataclass(frozen=True, slots=True)
class ListedShard:
    """A shard with what the bucket has of it."""

    shard: Shard
    pages: tuple[Page, ...]
    listed: Tally
    """Without folder markers."""
    digest: bytes
    """xxh3-128 over keys, sizes and ETags: equal digests of one prefix mean equal content."""


def shards_of_array(array: Array, folder_names: Sequence[str], files: Iterable[RemoteObject]) -> tuple[Shard, ...]:
    """Return the shards of an array whose folder discovery has listed with a delimiter.

    Parameters
    ----------
    folder_names
        Its child folders, as LIST showed them: the grid's slabs and whatever else is there.
    files
        The objects directly inside.
    """
    inside = Shard(array.prefix, array, objects=tuple(files), folders=tuple(folder_names))
    if not folder_names:
        return (inside,)
    n_blocks = array.n_blocks or 0
    if n_blocks <= SMALL_ARRAY_BLOCKS or n_blocks / len(folder_names) < MIN_SLAB_BLOCKS:
        return (Shard(array.prefix, array),)
    slabs = (Shard(f"{array.prefix}{name}/", array, slab=_position(name)) for name in folder_names)
    return (inside, *slabs)


def are_few_and_large(slabs: Sequence[Shard]) -> bool:
    """Return whether the slabs of an array are better listed row by row: they alone would not keep the server busy.

    Not where rows are short, for each costs a request.
    """
    array = slabs[0].array if slabs else None
    facts = array.n5_facts if array is not None else None
    if facts is None or facts.ndim != 3:
        return False
    n_slabs, n_rows, _ = facts.grid.shape_in_blocks_xyz
    slab_blocks = facts.grid.n_blocks / n_slabs
    return len(slabs) < MOST and slab_blocks > MAX_SLAB_BLOCKS and slab_blocks / n_rows >= MIN_SLAB_BLOCKS


def shards_of_slab(slab: Shard, folder_names: Sequence[str], files: Iterable[RemoteObject]) -> tuple[Shard, ...]:
    """Return the shards of a slab whose folder was listed with a delimiter; as `shards_of_array`."""
    inside = Shard(slab.prefix, slab.array, objects=tuple(files), folders=tuple(folder_names))
    rows = (_row(slab, name, _position(name)) for name in folder_names)
    return (inside, *rows)


def expected_requests(shard: Shard) -> int:
    """Return how many LIST requests a shard takes if its part of the grid is full; 1 where nothing is known of it.

    >>> expected_requests(Shard("x/")), expected_requests(Shard("x/", objects=()))
    (1, 0)
    """
    if shard.objects is not None:
        return 0
    facts = shard.array.n5_facts if shard.array is not None else None
    n_blocks = (shard.array.n_blocks if shard.array is not None else None) or 1
    if facts is not None:
        n_slabs, n_rows = (*facts.grid.shape_in_blocks_xyz, 1)[:2]
        n_blocks //= max(n_slabs, 1) if shard.slab is not None else 1
        n_blocks //= max(n_rows, 1) if shard.row is not None else 1
    return max(1, -(-n_blocks // KEYS_A_PAGE))


def _row(slab: Shard, name: str, position: int | None) -> Shard:
    return Shard(f"{slab.prefix}{name}/", slab.array, slab=None if position is None else slab.slab, row=position)


def _position(name: str) -> int | None:
    return int(name) if is_canonical_decimal(name) else None


class ShardLister:
    """Lists shards into a spool; bounded in memory by the pages in flight.

    Cancelling leaves nothing behind but pages in the spool that nobody refers to.

    Parameters
    ----------
    slots
        Those of the bucket, where others list it too.
    """

    def __init__(
        self,
        lister: Lister,
        spool: Spool,
        retrier: Retrier,
        *,
        slots: ListSlots | None = None,
        sink: EventSink = ignore,
    ) -> None:
        self._lister = lister
        self._spool = spool
        self._retrier = retrier
        self._slots = slots or ListSlots()
        self._sink = sink
        self._n_objects = 0
        self._n_done = 0

    async def list_all(self, shards: Sequence[Shard]) -> tuple[ListedShard, ...]:
        """Return all shards, listed, in their order.

        Raises
        ------
        MirrorError
            A shard could not be listed after all tries: the listing is not complete, and nothing is returned.
        """
        results: list[ListedShard | None] = [None] * len(shards)
        numbers = iter(range(len(shards)))

        async def work() -> None:
            """List shards until none is left."""
            for number in numbers:
                results[number] = await self._list(shards[number])
                self._n_done += 1
                self._sink(Listed(self._n_objects, self._n_done, len(shards)))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(MOST, len(shards))):
                group.create_task(work())
        return tuple(result for result in results if result is not None)

    async def _list(self, shard: Shard) -> ListedShard:
        collector = _Collector(shard, self._spool)
        if shard.objects is not None:
            collector.add(shard.objects)
        else:
            async for page in Pages(self._lister, self._retrier, shard.prefix, slots=self._slots):
                collector.add(page.objects)
        self._n_objects += collector.listed.objects
        return collector.result()


class _Collector:
    """Turns the pages of one shard into rows in the spool, a count and a digest."""

    def __init__(self, shard: Shard, spool: Spool) -> None:
        self._shard = shard
        self._spool = spool
        self._pages: list[Page] = []
        self._digest = xxhash.xxh3_128()
        self._last_key = ""
        self._seen: set[str] | None = None
        """All keys so far; None while they ascend, as S3 gives them: then none can come twice."""
        self.listed = Tally()

    def add(self, objects: Sequence[RemoteObject]) -> None:
        objects = self._unrepeated(objects)
        start = len(self._shard.prefix)
        rows = [(key[start:], size, etag, modified) for key, size, etag, modified in objects]
        if not rows:
            return
        self._pages.append(self._spool.add(rows))
        text = "".join([f"{key}\0{size}\0{etag}\n" for key, size, etag, _ in rows])
        self._digest.update(text.encode("utf-8", "replace"))
        self.listed += Tally(len(rows) - _count_markers(rows, text), sum([row[1] for row in rows]))

    def _unrepeated(self, objects: Sequence[RemoteObject]) -> Sequence[RemoteObject]:
        """Return the objects that were not told before."""
        keys = [self._last_key, *(one.key for one in objects)]
        if self._seen is None and is_ascending(keys):
            self._last_key = keys[-1]
            return objects
        if self._seen is None:
            self._seen = {self._shard.prefix + row[0] for row in self._spool.rows(self._pages)}
        new = {one.key: one for one in reversed(objects) if one.key not in self._seen}
        self._seen.update(new)
        return tuple(reversed(new.values()))

    def result(self) -> ListedShard:
        return ListedShard(self._shard, tuple(self._pages), self.listed, self._digest.digest())


def _count_markers(rows: Sequence[Row], text: str) -> int:
    """Return how many are folder markers: rows, as the bucket has them, but not counted: no share has them as files."""
    if "/\0" not in text and text[0] != "\0" and "\n\0" not in text:
        return 0  # A look at the text for the digest is a tenth of a look at each key.
    return sum(1 for key, *_ in rows if not key or key[-1] == "/")

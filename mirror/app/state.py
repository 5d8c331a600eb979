"""The bridge between engine and catalog: what is known of the share, and how finished objects become rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import HOW_ADOPTED, ArrayRecord, MirroredBlockRow, MirroredObject, MirroredObjectRow
from catalog.session import Catalog
from mirror.app.content import ContentCounts
from mirror.app.described import put_described
from mirror.app.workplace import utc_now
from mirror.checksum import xxh3
from mirror.deletion import Held
from mirror.diff import Kind, Known
from mirror.engine.discovery import Document
from mirror.engine.fetch import Done, Item
from mirror.engine.listing import ListedShard, Shard
from mirror.formats.block_keys import GridKeys
from mirror.formats.folder import Format
from mirror.formats.layout import Array, Dataset
from mirror.formats.n5.grid import parse_block_key
from mirror.objects import RemoteObject, pack_etag, unpack_etag

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BATCH_OBJECTS = 5_000


@dataclass(slots=True)
class BucketState:
    """One bucket's rows in the catalog. `catalog` is None for a dry run without one: then nothing is known."""

    catalog: Catalog | None
    bucket_id: int | None
    """None where the catalog does not know the bucket yet."""
    array_ids: dict[str, int] = field(default_factory=dict)
    """Full key prefix of an array to its number."""
    root: str = ""
    """Key prefix under which the bucket's datasets lie."""
    aliases: tuple[str, ...] = ()
    """Old names of the bucket, which manifests may still use."""
    grid_ids: dict[str, int] = field(default_factory=dict)
    """Those whose blocks may be rows by their place, whether or not the bucket still says what they are."""
    contents: ContentCounts = field(default_factory=ContentCounts)
    """Of the changed objects that were committed so far."""

    @classmethod
    def of(cls, catalog: Catalog | None, url: str, key_prefix: str, *, aliases: tuple[str, ...] = ()) -> BucketState:
        """Return what the catalog knows of a bucket; reads only.

        Parameters
        ----------
        key_prefix
            Arrays are looked up below it.
        """
        if catalog is None:
            return cls(None, None, aliases=aliases)
        with catalog.read() as connection:
            bucket_id = queries.find_bucket(connection, url)
            if bucket_id is None:
                return cls(catalog, None, aliases=aliases)
            records = queries.arrays(connection, bucket_id, key_prefix)
            root = queries.bucket_prefix(connection, bucket_id)
        state = cls(catalog, bucket_id, root=root, aliases=aliases)
        for record in records:
            state._note(record)
        return state

    def _note(self, record: ArrayRecord) -> None:
        if record.id is not None:
            self.array_ids[record.key_prefix] = record.id
            if record.format == Format.N5.value:
                self.grid_ids[record.key_prefix] = record.id

    def documents(self, key_prefix: str) -> dict[tuple[str, str], bytes]:
        """Return the metadata documents that were read before, by (key, ETag)."""
        if self.catalog is None or self.bucket_id is None:
            return {}
        with self.catalog.read() as connection:
            known = queries.documents(connection, self.bucket_id, key_prefix)
        return {(key, unpack_etag(etag)): body for key, (etag, body) in known.items()}

    @contextmanager
    def known(self, shard: Shard) -> Iterator[Known]:
        """Yield what the catalog says of the share, for one shard: key below its prefix to (bytes, packed ETag).

        Shards that may be of any size, those without blocks, are read as they are asked for, in the order of keys.
        What a shard does not mean is not among it, lest it seems to have vanished from the bucket.
        """
        if self.catalog is None or self.bucket_id is None:
            yield {}
            return
        start = len(shard.prefix)
        with self.catalog.read() as connection:
            look_up = partial(queries.mirrored_objects_of, connection, self.bucket_id)
            if shard.objects is not None:
                keys = [one.key for one in shard.objects]
                known = {key[start:]: (size, etag) for key, size, etag, _ in look_up(keys)}
                yield known | self._known_places(connection, shard.prefix, keys)
                return
            array_id = self.array_ids.get(shard.array.prefix) if shard.array else None
            found = queries.mirrored_objects(connection, self.bucket_id, shard.prefix)
            blocks = self._known_blocks(connection, shard)
            if array_id is None:
                blocks |= self._known_below(connection, shard.prefix)
            if blocks or holds_blocks(shard.array):
                yield _meant(shard, {key[start:]: (size, etag) for key, size, etag, _ in found} | blocks)
            else:
                yield KnownInOrder(shard.prefix, found, look_up)

    def _known_blocks(self, connection: Connection, shard: Shard) -> dict[str, tuple[int, bytes]]:
        array = shard.array
        array_id = self.array_ids.get(array.prefix) if array else None
        if array is None or array_id is None or (shard.slab is None and shard.prefix != array.prefix):
            return {}
        x_to = None if shard.slab is None else shard.slab + 1
        blocks = queries.mirrored_blocks(connection, array_id, x_from=shard.slab, x_to=x_to, y=shard.row)
        below = len(shard.prefix) - len(array.prefix)
        return {f"{x}/{y}/{z}"[below:]: (size, etag) for x, y, z, size, etag, _ in blocks}

    def rows_to_compare(self, array: Array, files: Iterable[RemoteObject]) -> frozenset[tuple[int, ...]]:
        """Return in which rows of an array blocks lie on the share that may be older than its metadata in the bucket.

        In none, where the share has these metadata as they are: they came after the blocks.

        Parameters
        ----------
        files
            What lies in the array's folder in the bucket.
        """
        if self.catalog is None or self.bucket_id is None:
            return frozenset()
        metadata = {one.key: (one.size, pack_etag(one.etag)) for one in files if one.key in array.metadata_keys}
        with self.catalog.read() as connection:
            ours = queries.mirrored_objects_of(connection, self.bucket_id, tuple(metadata))
            if metadata and {key: (size, etag) for key, size, etag, _ in ours} == metadata:
                return frozenset()
            array_id = self.array_ids.get(array.prefix)
            if array_id is not None and holds_blocks(array):
                return frozenset(queries.mirrored_rows(connection, array_id))
            keys = [key for key, *_ in queries.mirrored_objects(connection, self.bucket_id, array.prefix)]
        if not isinstance(array.block_keys, GridKeys):
            return frozenset()
        places = map(array.block_keys.index_of, (key[len(array.prefix) :] for key in keys))
        return frozenset(place[:2] for place in places if place is not None)

    def agreement(self, listed: ListedShard) -> queries.Agreement | None:
        """Return how much of a shard is on the share as it is listed, where an earlier run stored the same listing.

        None where none did, or where the shard is no part of an array whose blocks are rows by their place.
        """
        shard = listed.shard
        array_id = self.array_ids.get(shard.array.prefix) if holds_blocks(shard.array) and shard.array else None
        if self.catalog is None or self.bucket_id is None or array_id is None or shard.objects is not None:
            return None
        with self.catalog.read() as connection:
            return queries.agreement(connection, self.bucket_id, array_id, shard.prefix, listed.digest)

    def _known_below(self, connection: Connection, prefix: str) -> dict[str, tuple[int, bytes]]:
        """Return the blocks below a prefix of arrays that the bucket does not describe any more."""
        return {
            key[len(prefix) :]: known
            for place, array_id in self.grid_ids.items()
            if place.startswith(prefix) or prefix.startswith(place)
            for key, known in _blocks(connection, place, array_id)
            if key.startswith(prefix)
        }

    def _known_places(self, connection: Connection, prefix: str, keys: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Return those of some objects that are blocks of arrays that the bucket does not describe any more."""
        wanted = {key for key in keys if self.place_of(key) is not None}
        places = {key.rsplit("/", 3)[0] + "/" for key in wanted}
        return {
            key[len(prefix) :]: known
            for place in sorted(places)
            for key, known in _blocks(connection, place, self.grid_ids[place])
            if key in wanted
        }

    def held(self, prefix: str, *, is_deep: bool) -> Iterator[Held]:
        """Yield what is on the share below a full key prefix, or directly in that folder; first what is no block.

        Blocks come slab by slab of their grids, all else in the order of keys.
        """
        if self.catalog is None or self.bucket_id is None:
            return
        with self.catalog.read() as connection:
            for key, size, etag, _ in queries.mirrored_objects(connection, self.bucket_id, prefix):
                if is_deep or "/" not in key[len(prefix) :]:
                    yield Held(key, size, etag)
            for place in sorted(self.grid_ids) if is_deep else ():
                if place.startswith(prefix):
                    for key, (size, etag) in _blocks(connection, place, self.grid_ids[place]):
                        yield Held(key, size, etag)

    def known_damage(self, prefix: str, *, is_deep: bool) -> Iterator[Held]:
        """Yield what checks found damaged or lost below a full key prefix, or directly in that folder, in order."""
        if self.catalog is None or self.bucket_id is None:
            return
        after: str | None = None
        while True:
            with self.catalog.read() as connection:
                page = queries.damaged_objects(connection, self.bucket_id, prefix, after=after, limit=_BATCH_OBJECTS)
            if not page:
                return
            for one in page:
                if is_deep or "/" not in one.key[len(prefix) :]:
                    yield Held(one.key, one.size, one.etag)
            after = page[-1].key

    def forget_damage(self, keys: Sequence[str]) -> None:
        """Forget that these were found damaged or lost."""
        if self.catalog is None or self.bucket_id is None:
            raise TypeError("a dry run changes nothing")
        with self.catalog.begin() as connection:
            queries.drop_damaged(connection, self.bucket_id, keys)

    def has(self, key: str) -> bool:
        """Return whether the catalog says that an object is on the share."""
        if self.catalog is None or self.bucket_id is None:
            return False
        prefix = key[: key.rfind("/") + 1]
        with self.catalog.read() as connection:
            if queries.mirrored_objects_of(connection, self.bucket_id, [key]):
                return True
            return bool(self._known_places(connection, prefix, [key]))

    def case_twins(self, keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return what is recorded under other keys that differ by case alone, by those of these keys that have such.

        On a share that is blind to case they have one file. Looks at all rows by key: to be asked for such shares only.
        """
        if self.catalog is None or self.bucket_id is None:
            return {}
        grids: dict[str, list[str]] = {}
        for prefix in self.grid_ids:
            grids.setdefault(prefix.casefold(), []).append(prefix)
        blocks = {
            f"{prefix}{'/'.join(block)}"
            for key in keys
            for folder, *block in [key.rsplit("/", 3)]
            for prefix in grids.get(f"{folder}/".casefold(), ())
        }
        with self.catalog.read() as connection:
            recorded = {*queries.keys_of_any_case(connection, self.bucket_id, keys)}
            recorded |= self._known_places(connection, "", sorted(blocks - set(keys))).keys()
        twins: dict[str, set[str]] = {}
        for key in recorded:
            twins.setdefault(key.casefold(), set()).add(key)
        return {key: found for key in keys if (found := tuple(sorted(twins.get(key.casefold(), set()) - {key})))}

    def place_of(self, key: str) -> tuple[int, tuple[int, int, int]] | None:
        """Return array and place of a key that is a block of any array that was ever known."""
        folder, *names = key.rsplit("/", 3)
        array_id = self.grid_ids.get(f"{folder}/")
        block = None if array_id is None else parse_block_key("/".join(names), 3)
        return None if array_id is None or block is None else (array_id, block)  # type: ignore[return-value]

    def commit(self, run_id: int, done: Sequence[Done]) -> None:
        """Write the rows of finished objects in one transaction: one a file, by its place or by its key."""
        if self.catalog is None or self.bucket_id is None:
            raise TypeError("a dry run commits nothing")
        blocks: list[MirroredBlockRow] = []
        objects: list[MirroredObjectRow] = []
        changed: list[Item] = []
        for one in done:
            item = one.item
            how = one.verification + (HOW_ADOPTED if one.is_adopted else 0)
            tail = (one.size, pack_etag(one.etag), one.xxh3, how, run_id)
            if item.array_id is not None and item.block is not None:
                blocks.append((item.array_id, *item.block, *tail))
            else:
                objects.append((self.bucket_id, item.key, *tail))
            # A repair replaces blocks that had their rows as objects, while their array was not known.
            if item.block is None or item.kind in (Kind.CHANGED, Kind.REPLACE):
                changed.append(item)
        with self.catalog.begin() as connection:
            before = self._contents(connection, [one.item for one in done if one.item.kind is Kind.CHANGED])
            self.doubt_sums(connection, [one.item for one in done])
            self._forget(connection, changed)
            queries.put_mirrored_blocks(connection, blocks)
            queries.put_mirrored_objects(connection, objects)
        for one in done:
            if one.item.kind is Kind.CHANGED:
                self.contents.add(one, before.get(one.item.key))

    def _contents(self, connection: Connection, changed: Sequence[Item]) -> dict[str, queries.Contents]:
        """Return what is known of older versions, by key: from the row by the place, else from the one by the key."""
        if not changed or self.bucket_id is None:
            return {}
        known = queries.contents_of_objects(connection, self.bucket_id, [item.key for item in changed])
        places = {place: item.key for item in changed if (place := self.place_of(item.key)) is not None}
        for array_id, indices_xyz in self._places(changed).items():
            found = queries.contents_of_blocks(connection, array_id, indices_xyz)
            known |= {places[array_id, index]: one for index, one in found.items()}
        return known

    def forget(self, lost: Iterable[Item]) -> None:
        """Forget that these are on the share, for they are not: a row never claims a file that was seen to be gone."""
        self._in_batches(lost, self._forget)

    def doubt(self, changed: Iterable[Item]) -> None:
        """Doubt what these are on the share, before they are replaced there.

        A run that is killed between a file and its row would else leave a row that speaks for another file; the bucket
        may have its old content again when the next run compares.
        """
        self._in_batches(changed, self._doubt)

    def withdraw(self, connection: Connection, *, gone: Sequence[Item], changed: Sequence[Item]) -> None:
        """Forget what is gone from the share and doubt what is not what it was, in the caller's transaction."""
        self.doubt_sums(connection, [*gone, *changed])
        self._forget(connection, gone)
        self._doubt(connection, changed)

    def _in_batches(self, items: Iterable[Item], do: Callable[[Connection, Sequence[Item]], None]) -> None:
        if self.catalog is None:
            raise TypeError("a dry run changes nothing")
        iterator = iter(items)
        while batch := list(islice(iterator, _BATCH_OBJECTS)):
            with self.catalog.begin() as connection:
                self.doubt_sums(connection, batch)
                do(connection, batch)

    def doubt_sums(self, connection: Connection, items: Sequence[Item]) -> None:
        """Say that what is counted of these items' places holds no more.

        In each transaction, and not once a run: another process may have counted since the last one, as a scan does.
        """
        if self.bucket_id is None:
            return
        folders = {item.key.rpartition("/")[0] for item in items}
        places = {self._counted_below(folder) for folder in folders}
        # The scales of precomputed open by the document of their volume, which lies above them.
        volumes = tuple(item.key.removesuffix("info") for item in items if item.key.endswith("/info"))
        if volumes:
            places |= {place for place in self.array_ids if place.startswith(volumes)}
        queries.doubt_sums(connection, self.bucket_id, places)

    def _counted_below(self, folder: str) -> str:
        """Return the prefix whose sum counts what lies in a folder: that of its array, else of its dataset."""
        place = folder
        while place:
            if f"{place}/" in self.array_ids:
                return f"{place}/"
            place = place.rpartition("/")[0]
        name = f"{folder}/".removeprefix(self.root).partition("/")[0]
        return f"{self.root}{name}/" if name else self.root

    def count_sums(self, datasets: Iterable[str]) -> None:
        """Count what is on the share of these datasets, where it changed: for the end of a run."""
        if self.catalog is None or self.bucket_id is None:
            raise TypeError("a dry run changes nothing")
        for dataset in datasets:
            with self.catalog.begin() as connection:
                queries.count_sums(connection, self.bucket_id, dataset)

    def _forget(self, connection: Connection, items: Sequence[Item]) -> None:
        for array_id, indices_xyz in self._places(items).items():
            queries.forget_mirrored_blocks(connection, array_id, indices_xyz)
        if self.bucket_id is not None:
            queries.forget_mirrored_objects(connection, self.bucket_id, [item.key for item in items])

    def _doubt(self, connection: Connection, items: Sequence[Item]) -> None:
        for array_id, indices_xyz in self._places(items).items():
            queries.doubt_mirrored_blocks(connection, array_id, indices_xyz)
        if self.bucket_id is not None:
            queries.doubt_mirrored_objects(connection, self.bucket_id, [item.key for item in items])

    def _places(self, items: Sequence[Item]) -> dict[int, list[tuple[int, int, int]]]:
        """Return the places of those that are blocks, by array. Each may have its row by its key as well."""
        places: dict[int, list[tuple[int, int, int]]] = {}
        for item in items:
            if (place := self.place_of(item.key)) is not None:
                places.setdefault(place[0], []).append(place[1])
        return places

    def put_metadata(self, url: str, datasets: Mapping[str, Dataset], documents: Sequence[Document]) -> int:
        """Record bucket, datasets down to their arrays, and fetched documents; return the bucket's number.

        A dataset that is as it was when it was last recorded costs one look.
        """
        if self.catalog is None:
            raise TypeError("a dry run records nothing")
        now = utc_now()
        with self.catalog.begin() as connection:
            self.bucket_id = bucket_id = queries.bucket_id(connection, url)
            self.root = queries.bucket_prefix(connection, bucket_id)
            for dataset in datasets.values():
                for record in put_described(connection, bucket_id, url, dataset, aliases=self.aliases, now=now):
                    self._note(record)
            queries.put_documents(
                connection,
                [(bucket_id, one.key, pack_etag(one.etag), one.body, xxh3(one.body)) for one in documents],
            )
        return bucket_id


class KnownInOrder:
    """Rows by key in the memory of one: keys are asked for in the order of their UTF-8 bytes, as LIST has them.

    A key that comes out of order is looked up by itself.
    """

    def __init__(
        self, prefix: str, rows: Iterator[MirroredObject], look_up: Callable[[Sequence[str]], list[MirroredObject]]
    ) -> None:
        self._prefix = prefix
        self._rows = rows
        self._look_up = look_up
        self._row = next(rows, None)
        self._last = ""

    def get(self, key: str, /) -> tuple[int, bytes] | None:
        """Return (bytes, packed ETag) of a key below the prefix, or None."""
        full = self._prefix + key
        if full < self._last:
            return next(((size, etag) for _, size, etag, _ in self._look_up([full])), None)
        self._last = full
        while self._row is not None and self._row[0] < full:
            self._row = next(self._rows, None)
        return (self._row[1], self._row[2]) if self._row is not None and self._row[0] == full else None


def _meant(shard: Shard, known: dict[str, tuple[int, bytes]]) -> dict[str, tuple[int, bytes]]:
    if shard.wanted is None or shard.wanted.with_mirrored:
        return known
    return {key: value for key, value in known.items() if shard.takes(key)}


def holds_blocks(array: Array | None) -> bool:
    """Return whether objects of the array's grid are rows by their place; all others are rows by their key."""
    facts = array.n5_facts if array is not None else None
    return facts is not None and facts.ndim == 3


def _blocks(connection: Connection, prefix: str, array_id: int) -> Iterator[tuple[str, tuple[int, bytes]]]:
    for x, y, z, size, etag, _ in queries.mirrored_blocks(connection, array_id):
        yield f"{prefix}{x}/{y}/{z}", (size, etag)

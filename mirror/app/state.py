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
from mirror.checksum import xxh3
from mirror.diff import Known
from mirror.engine.discovery import Document
from mirror.engine.fetch import Done, Item
from mirror.engine.listing import ListedShard, Shard
from mirror.formats.folder import Format
from mirror.formats.layout import Array, Dataset
from mirror.objects import pack_etag, unpack_etag

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FORGET_OBJECTS = 5_000


@dataclass(slots=True)
class BucketState:
    """One bucket's rows in the catalog. `catalog` is None for a dry run without one: then nothing is known."""

    catalog: Catalog | None
    bucket_id: int | None
    """None where the catalog does not know the bucket yet."""
    array_ids: dict[str, int] = field(default_factory=dict)
    """Full key prefix of an array to its number."""

    @classmethod
    def of(cls, catalog: Catalog | None, url: str, key_prefix: str) -> BucketState:
        """Return what the catalog knows of a bucket; reads only.

        Parameters
        ----------
        key_prefix
            Arrays are looked up below it.
        """
        if catalog is None:
            return cls(None, None)
        with catalog.read() as connection:
            bucket_id = queries.find_bucket(connection, url)
            if bucket_id is None:
                return cls(catalog, None)
            records = queries.arrays(connection, bucket_id, key_prefix)
        return cls(catalog, bucket_id, {record.key_prefix: record.id for record in records if record.id is not None})

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
        """
        if self.catalog is None or self.bucket_id is None:
            yield {}
            return
        start = len(shard.prefix)
        with self.catalog.read() as connection:
            look_up = partial(queries.mirrored_objects_of, connection, self.bucket_id)
            if shard.objects is not None:
                rows = look_up([one.key for one in shard.objects])
                yield {key[start:]: (size, etag) for key, size, etag, _ in rows}
                return
            found = queries.mirrored_objects(connection, self.bucket_id, shard.prefix)
            if holds_blocks(shard.array):
                blocks = self._known_blocks(connection, shard)
                yield {key[start:]: (size, etag) for key, size, etag, _ in found} | blocks
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

    def commit(self, run_id: int, done: Sequence[Done]) -> None:
        """Write the rows of finished objects in one transaction."""
        if self.catalog is None or self.bucket_id is None:
            raise TypeError("a dry run commits nothing")
        blocks: list[MirroredBlockRow] = []
        objects: list[MirroredObjectRow] = []
        for one in done:
            item = one.item
            how = one.verification + (HOW_ADOPTED if one.is_adopted else 0)
            tail = (one.size, pack_etag(one.etag), one.xxh3, how, run_id)
            if item.array_id is not None and item.block is not None:
                blocks.append((item.array_id, *item.block, *tail))
            else:
                objects.append((self.bucket_id, item.key, *tail))
        with self.catalog.begin() as connection:
            queries.put_mirrored_blocks(connection, blocks)
            queries.put_mirrored_objects(connection, objects)

    def forget(self, lost: Iterable[Item]) -> None:
        """Forget that these are on the share, for they are not: a row never claims a file that was seen to be gone."""
        items = iter(lost)
        while batch := list(islice(items, _FORGET_OBJECTS)):
            self._forget(batch)

    def _forget(self, lost: Sequence[Item]) -> None:
        if self.catalog is None or self.bucket_id is None:
            raise TypeError("a dry run forgets nothing")
        blocks: dict[int, list[tuple[int, int, int]]] = {}
        for item in lost:
            if item.array_id is not None and item.block is not None:
                blocks.setdefault(item.array_id, []).append(item.block)
        with self.catalog.begin() as connection:
            for array_id, indices_xyz in blocks.items():
                queries.forget_mirrored_blocks(connection, array_id, indices_xyz)
            # A block may have its row by key, from a time when its array was not understood.
            queries.forget_mirrored_objects(connection, self.bucket_id, [item.key for item in lost])

    def put_metadata(self, url: str, datasets: Mapping[str, Dataset], documents: Sequence[Document]) -> int:
        """Record bucket, arrays and the documents that were fetched; return the bucket's number."""
        if self.catalog is None:
            raise TypeError("a dry run records nothing")
        with self.catalog.begin() as connection:
            self.bucket_id = bucket_id = queries.bucket_id(connection, url)
            for prefix, record in _records(bucket_id, datasets):
                self.array_ids[prefix] = queries.put_array(connection, record)
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


def holds_blocks(array: Array | None) -> bool:
    """Return whether objects of the array's grid are rows by their place; all others are rows by their key."""
    return (
        array is not None
        and array.format is Format.N5
        and array.attributes is not None
        and len(array.attributes.shape_xyz) == 3
    )


def _records(bucket_id: int, datasets: Mapping[str, Dataset]) -> Iterator[tuple[str, ArrayRecord]]:
    for dataset in datasets.values():
        for volume in dataset.volumes():
            for array in volume.arrays:
                if array.is_understood:
                    container = array.prefix.removesuffix(f"{array.path}/") if array.path else array.prefix
                    yield array.prefix, _record(bucket_id, container, array)


def _record(bucket_id: int, container: str, array: Array) -> ArrayRecord:
    attributes = array.attributes
    return ArrayRecord(
        bucket_id=bucket_id,
        prefix=container,
        path=array.path,
        format=array.format.value,
        shape_xyz=tuple(attributes.shape_xyz) if attributes else (),
        block_size_xyz=tuple(attributes.block_size_xyz) if attributes else (),
        data_type=str(attributes.data_type) if attributes else "",
        compression=attributes.compression.model_dump(mode="json", by_alias=True) if attributes else {},
    )

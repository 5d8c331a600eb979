"""What one bucket stores of a dataset, as its newest listing in the catalog has it: every object in one place."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import DatasetRecord, ShardRecord, SnapshotRecord
from mirror.app.recalled import recall_dataset
from mirror.explain.causes import Place
from mirror.explain.result import Note
from mirror.explain.stored import BlockRow, OtherObjects, StoredArray, StoredDataset, StoredVolume
from mirror.formats.folder import METADATA_NAMES, Format, container_format
from mirror.formats.layout import Array, Dataset, Volume
from mirror.formats.n5.grid import is_canonical_decimal, parse_block_key
from mirror.objects import Tally

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MOST_EXAMPLES = 3
_TOLD = frozenset({"published-size", "case-twins", "malformed-metadata", "unknown-codec"})
"""Codes of findings that are told beside the sizes."""
_PLACE_NAMES = {Place.METADATA: "documents of containers and groups", Place.STRAY: "strays outside arrays"}


@dataclass(frozen=True, slots=True)
class Stored:
    """What one bucket stores of a dataset, and where."""

    dataset: StoredDataset
    key_prefixes: Mapping[str, str]
    """Path of an N5 array inside its container to its full key prefix, ending with a slash."""


@dataclass(slots=True)
class _Heap:
    """Objects of one kind, counted."""

    tally: Tally = field(default_factory=Tally)
    examples: list[str] = field(default_factory=list)

    def add(self, key: str, size: int) -> None:
        """Count one more."""
        self.tally += Tally(1, size)
        if len(self.examples) < _MOST_EXAMPLES:
            self.examples.append(key)


def stored_dataset(
    connection: Connection,
    record: DatasetRecord,
    snapshot: SnapshotRecord,
    *,
    takes: Callable[[str], bool] | None = None,
) -> Stored:
    """Return what a snapshot has of a dataset. Blocks are read from the catalog when they are asked for.

    Parameters
    ----------
    takes
        Whether a volume's path is one to look at; None: all volumes, and all that is outside them.

    The connection must stay open while blocks are read.
    """
    reader = _Reader(connection, record, snapshot, recall_dataset(connection, record))
    volumes = tuple(volume for volume in reader.volumes() if takes is None or takes(volume.path))
    others = tuple(reader.others()) if takes is None else ()
    listed = [volume.listed for volume in volumes] + [other.listed for other in others]
    total = Tally(*snapshot.listed) if takes is None else sum(listed, Tally())
    stored = StoredDataset(record.name, total, volumes, others, tuple(_notes(connection, record)))
    return Stored(stored, reader.key_prefixes())


class _Reader:
    """Sorts the rows of one snapshot by what they are."""

    def __init__(
        self, connection: Connection, record: DatasetRecord, snapshot: SnapshotRecord, dataset: Dataset
    ) -> None:
        self._connection = connection
        self._record = record
        self._dataset = dataset
        self._ids = {
            array.key_prefix: array.id for array in queries.arrays(connection, record.bucket_id, record.prefix)
        }
        self._shards: defaultdict[int | None, list[ShardRecord]] = defaultdict(list)
        for shard in queries.snapshot_shards(connection, snapshot.id):
            self._shards[shard.array_id].append(shard)
        self._volumes = sorted(dataset.volumes(), key=lambda volume: volume.prefix)
        self._prefixes = [volume.prefix for volume in self._volumes]
        self._rest: defaultdict[str, _Heap] = defaultdict(_Heap)
        self._others: defaultdict[Place, _Heap] = defaultdict(_Heap)
        self._sort_loose()

    def volumes(self) -> Iterator[StoredVolume]:
        """Yield the volumes of all containers."""
        said = queries.annotations_below(self._connection, self._bucket_url(), self._record.prefix)
        mirrored = {note.prefix: note.is_mirrored_y for note in said}
        for volume in self._dataset.volumes():
            arrays = tuple(map(self._array, volume.arrays))
            rest = self._rest[volume.prefix].tally
            yield StoredVolume(volume.path, volume.format, arrays, rest, mirrored.get(volume.prefix))

    def others(self) -> Iterator[OtherObjects]:
        """Yield all that is of no volume, by what it is."""
        for place, heap in sorted(self._others.items()):
            name = _PLACE_NAMES.get(place, "files beside the containers")
            yield OtherObjects(place, name, heap.tally, tuple(heap.examples))

    def key_prefixes(self) -> dict[str, str]:
        """Return where the arrays of N5 lie, by their paths."""
        arrays = [array for volume in self._dataset.volumes() for array in volume.arrays]
        return {array.path: array.prefix for array in arrays if array.format is Format.N5}

    def _bucket_url(self) -> str:
        return queries.buckets(self._connection)[self._record.bucket_id]

    def _sort_loose(self) -> None:
        """Count the objects of no array: those below a volume as the volume's, the others by their names."""
        for shard in self._shards.get(None, ()):
            for key, size, _, _ in queries.listed_objects(self._connection, shard.id):
                volume = self._volume_of(key)
                heap = self._others[self._place(key)] if volume is None else self._rest[volume.prefix]
                heap.add(key, size)

    def _volume_of(self, key: str) -> Volume | None:
        """Return the innermost volume whose folder holds the key."""
        at = bisect_right(self._prefixes, key)
        for number in range(at - 1, -1, -1):
            if key.startswith(self._prefixes[number]):
                return self._volumes[number]
            if not key.startswith(self._record.prefix) or not self._shares_folder(key, self._prefixes[number]):
                return None
        return None

    def _shares_folder(self, key: str, prefix: str) -> bool:
        """Return whether a volume of a folder above may still hold the key: both are below one container."""
        start = len(self._record.prefix)
        return key[start:].partition("/")[0] == prefix[start:].partition("/")[0]

    def _place(self, key: str) -> Place:
        folder, _, name = key.removeprefix(self._record.prefix).rpartition("/")
        if container_format(folder.partition("/")[0]) is None:
            return Place.LOOSE_FILE
        return Place.METADATA if name in METADATA_NAMES else Place.STRAY

    def _array(self, array: Array) -> StoredArray:
        shards = self._shards.get(self._ids.get(array.prefix), [])
        listed = sum((Tally(*shard.listed) for shard in shards), Tally())
        documents, strays = _Heap(), _Heap()
        is_block = _index_reader(array)
        has_rows = array.n5_facts is not None and array.n5_facts.ndim == 3
        keyed: list[BlockRow] = []
        for shard in shards:
            for key, size, _, _ in queries.listed_objects(self._connection, shard.id):
                suffix = key.removeprefix(array.prefix)
                index = None if has_rows else is_block(suffix)
                if index is not None:
                    keyed.append((*index, size))
                else:
                    (documents if suffix in METADATA_NAMES else strays).add(key, size)
        rows = partial(self._rows, array.prefix, shards) if has_rows else partial(sorted, keyed)
        return StoredArray(
            path=array.path,
            level_index=array.level_index,
            facts=array.facts,
            listed=listed,
            documents=documents.tally,
            blocks=None if array.facts is None or array.format is Format.PRECOMPUTED else rows,
            fault="" if array.facts is not None else "its metadata cannot be read",
            stray_examples=tuple(strays.examples),
        )

    def _rows(self, prefix: str, shards: Iterable[ShardRecord]) -> Iterator[BlockRow]:
        """Yield the blocks of an array in the order of x, y, z: shards are slabs of the grid, or rows of slabs."""
        for shard in sorted(shards, key=lambda one: _position(one.prefix.removeprefix(prefix))):
            for x, y, z, size, _ in queries.listed_blocks(self._connection, shard.id):
                yield x, y, z, size


def _position(below: str) -> tuple[float, ...]:
    """Return where a shard's slab or row lies in the grid; stray folders, which hold no blocks, come last."""
    return tuple(int(name) if is_canonical_decimal(name) else math.inf for name in below.split("/") if name)


def _index_reader(array: Array) -> Callable[[str], tuple[int, ...] | None]:
    """Return what tells a block's position, x first, from its key below the array; None for what is no block."""
    facts = array.facts
    if facts is None or array.format not in {Format.N5, Format.ZARR}:
        return lambda _: None
    if array.format is Format.N5:
        return lambda suffix: parse_block_key(suffix, facts.ndim)
    # zarr counts in the order of its axes, the slowest first.
    return lambda suffix: _reversed(parse_block_key(suffix.removeprefix("c/").replace(".", "/"), facts.ndim))


def _reversed(index: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return None if index is None else index[::-1]


def _notes(connection: Connection, record: DatasetRecord) -> Iterator[Note]:
    """Yield the findings of the metadata that bear on sizes."""
    for finding in queries.findings(connection, bucket_id=record.bucket_id, dataset=record.name):
        if finding.code in _TOLD:
            yield Note(finding.code, finding.place, f"expected {finding.expected}, found {finding.found}")

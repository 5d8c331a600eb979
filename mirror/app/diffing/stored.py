"""What one bucket stores of a dataset, as a listing in the catalog has it: every object in one place."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import DatasetRecord, ShardRecord, SnapshotRecord
from mirror.app.recalled import recall_dataset
from mirror.explain.causes import Side
from mirror.explain.gather import KeySize, gather_array, gather_dataset
from mirror.explain.pairing import pair_volumes
from mirror.explain.result import Note
from mirror.explain.stored import BlockRow, Overrides, StoredArray, StoredDataset, StoredVolume
from mirror.formats.folder import Format
from mirror.formats.layout import Array
from mirror.formats.n5.grid import is_canonical_decimal
from mirror.objects import Tally
from mirror.selection import VolumeFilter

if TYPE_CHECKING:
    from sqlalchemy import Connection

_TOLD = frozenset({"published-size", "case-twins", "malformed-metadata", "unknown-codec"})
"""Codes of findings that are told beside the sizes."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What one bucket stores of a dataset, and where."""

    dataset: StoredDataset
    key_prefixes: Mapping[str, str]
    """Path of an N5 array inside its container to its full key prefix, ending with a slash."""


def stored_dataset(
    connection: Connection,
    record: DatasetRecord,
    snapshot: SnapshotRecord,
    *,
    only: frozenset[str] | None = None,
) -> Stored:
    """Return what a snapshot has of a dataset. Blocks are read from the catalog when they are asked for.

    Parameters
    ----------
    only
        Paths of the volumes to look at; None: all volumes, and all that is outside them.

    The connection must stay open while blocks are read.
    """
    listing = _Listing(connection, record, snapshot)
    dataset = recall_dataset(connection, record)
    arrays = [array for volume in dataset.volumes() for array in volume.arrays]
    stored = gather_dataset(
        dataset,
        Tally(*snapshot.listed),
        {array.prefix: listing.array(array) for array in arrays},
        listing.others(),
        is_mirrored_y=_mirrored_in_y(connection, record),
        notes=tuple(_notes(connection, record)),
    )
    return Stored(
        stored if only is None else _only(stored, only),
        {array.path: array.prefix for array in arrays if array.format is Format.N5},
    )


def described_volumes(connection: Connection, record: DatasetRecord) -> tuple[StoredVolume, ...]:
    """Return the volumes of a dataset that the catalog describes, with nothing stored: enough to pair them."""
    return tuple(
        StoredVolume(volume.path, volume.format, tuple(gather_array(array, ()) for array in volume.arrays))
        for volume in recall_dataset(connection, record).volumes()
    )


def choose_volumes(
    a: Iterable[StoredVolume], b: Iterable[StoredVolume], volumes: VolumeFilter, overrides: Overrides
) -> dict[Side, frozenset[str]]:
    """Return the paths of the volumes on each side that the filter takes, each with its partner on the other side."""
    pairing = pair_volumes(a, b, overrides)
    pairs = [pair for pair in pairing.pairs if volumes.takes(pair.a.path) or volumes.takes(pair.b.path)]
    alone = [one for one in pairing.unpaired if volumes.takes(one.volume.path)]
    return {
        side: frozenset((pair.a if side is Side.A else pair.b).path for pair in pairs)
        | frozenset(one.volume.path for one in alone if one.side is side)
        for side in Side
    }


def _only(stored: StoredDataset, paths: frozenset[str]) -> StoredDataset:
    """Return the dataset with nothing stored but some volumes; the others stay, so that pairs are found as ever."""
    volumes = tuple(volume if volume.path in paths else _emptied(volume) for volume in stored.volumes)
    total = sum((volume.listed for volume in volumes), Tally())
    return replace(stored, total=total, volumes=volumes, others=())


def _emptied(volume: StoredVolume) -> StoredVolume:
    arrays = tuple(StoredArray(one.path, one.level_index, one.facts, Tally(), blocks=tuple) for one in volume.arrays)
    return replace(volume, arrays=arrays, rest=Tally())


class _Listing:
    """The rows of one snapshot, by what they belong to."""

    def __init__(self, connection: Connection, record: DatasetRecord, snapshot: SnapshotRecord) -> None:
        self._connection = connection
        known = queries.arrays(connection, record.bucket_id, record.prefix)
        self._ids = {array.key_prefix: array.id for array in known}
        self._shards: defaultdict[int | None, list[ShardRecord]] = defaultdict(list)
        for shard in queries.snapshot_shards(connection, snapshot.id):
            self._shards[shard.array_id].append(shard)

    def array(self, array: Array) -> StoredArray:
        """Return what is stored of an array; its blocks are read later."""
        shards = self._shards.get(self._ids.get(array.prefix), [])
        if array.n5_facts is None or array.n5_facts.ndim != 3:
            return gather_array(array, self._keyed(shards))
        keyed = tuple(self._keyed(shards))
        placed = sum((Tally(*shard.listed) for shard in shards), Tally())
        placed = Tally(placed.objects - len(keyed), placed.bytes - sum(size for _, size in keyed))
        return gather_array(array, keyed, placed=placed, rows=partial(self._rows, array.prefix, shards))

    def others(self) -> Iterator[KeySize]:
        """Yield the objects of no array."""
        return self._keyed(self._shards.get(None, ()))

    def _keyed(self, shards: Iterable[ShardRecord]) -> Iterator[KeySize]:
        for shard in shards:
            for key, size, _, _ in queries.listed_objects(self._connection, shard.id):
                yield key, size

    def _rows(self, prefix: str, shards: Iterable[ShardRecord]) -> Iterator[BlockRow]:
        """Yield the blocks of an array in the order of x, y, z: shards are slabs of the grid, or rows of slabs."""
        for shard in sorted(shards, key=lambda one: _position(one.prefix.removeprefix(prefix))):
            for x, y, z, size, _ in queries.listed_blocks(self._connection, shard.id):
                yield x, y, z, size


def _position(below: str) -> tuple[float, ...]:
    """Return where a shard's slab or row lies in the grid; stray folders, which hold no blocks, come last."""
    return tuple(int(name) if is_canonical_decimal(name) else math.inf for name in below.split("/") if name)


def _mirrored_in_y(connection: Connection, record: DatasetRecord) -> dict[str, bool | None]:
    url = queries.buckets(connection)[record.bucket_id]
    return {note.prefix: note.is_mirrored_y for note in queries.annotations_below(connection, url, record.prefix)}


def _notes(connection: Connection, record: DatasetRecord) -> Iterator[Note]:
    """Yield the findings of the metadata that bear on sizes."""
    for finding in queries.findings(connection, bucket_id=record.bucket_id, dataset=record.name):
        if finding.code in _TOLD:
            yield Note(finding.code, finding.place, f"expected {finding.expected}, found {finding.found}")

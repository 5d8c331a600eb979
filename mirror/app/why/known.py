"""One dataset of one bucket as the catalog knows it, and what a key in it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from catalog import queries
from catalog.records import ArrayRecord, ContainerRecord, Count, Recorded, RunKind, RunRecord, Sighting, VolumeRecord
from mirror.app.why.asked import Asked
from mirror.config import Settings
from mirror.crops.blocks import BlockBox
from mirror.explain.block import BlockPlace, find_place, grid_of
from mirror.formats.folder import METADATA_NAMES, Format
from mirror.formats.n5.grid import parse_block_key

if TYPE_CHECKING:
    from sqlalchemy import Connection

_T = TypeVar("_T")
MAX_RUNS = 10_000
"""As many are looked at, the newest first."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What an object or a folder is, and where in the dataset it stands."""

    word: str
    """As `WhyReport.thing`."""
    container: ContainerRecord | None = None
    volume: VolumeRecord | None = None
    array: ArrayRecord | None = None
    place: BlockPlace | None = None
    """Of a block."""

    @property
    def array_id(self) -> int | None:
        """Of the array that it lies in."""
        return None if self.array is None else self.array.id

    @property
    def block_xyz(self) -> tuple[int, int, int] | None:
        """Where its row stands by its place: blocks of 3-D arrays of N5."""
        is_by_place = self.place is not None and self.array is not None and self.array.format == Format.N5
        index: Any = self.place.index_xyz if self.place is not None else ()
        return index if is_by_place and len(index) == 3 else None


class KnownDataset:
    """What the catalog knows of the dataset that a key lies in. Reads as it is asked; the connection must stay open."""

    def __init__(self, connection: Connection, settings: Settings, asked: Asked) -> None:
        self.connection = connection
        self.bucket = asked.bucket
        self.url = settings.bucket(asked.bucket).url
        self.bucket_id = queries.find_bucket(connection, str(self.url))
        self.name = asked.key.removeprefix(self.url.prefix).partition("/")[0]
        if f"{self.url.prefix}{self.name}" == asked.key and asked.key and not self._is_dataset():
            self.name = ""
        self.prefix = f"{self.url.prefix}{self.name}/" if self.name else self.url.prefix

    def _is_dataset(self) -> bool:
        return self.bucket_id is not None and self.name in queries.dataset_names(self.connection, self.bucket_id)

    @cached_property
    def arrays(self) -> tuple[ArrayRecord, ...]:
        """All arrays, also those that are gone from the bucket."""
        if self.bucket_id is None or not self.name:
            return ()
        return queries.arrays(self.connection, self.bucket_id, self.prefix)

    @cached_property
    def containers(self) -> tuple[ContainerRecord, ...]:
        """All containers."""
        return () if self._dataset_id is None else queries.containers(self.connection, self._dataset_id)

    @cached_property
    def volumes(self) -> tuple[VolumeRecord, ...]:
        """All volumes."""
        return () if self._dataset_id is None else queries.volumes(self.connection, self._dataset_id)

    @cached_property
    def runs(self) -> tuple[RunRecord, ...]:
        """Runs on the dataset, the newest first."""
        every = queries.runs(self.connection, MAX_RUNS)
        return tuple(run for run in every if run.bucket_id == self.bucket_id and self.name in run.datasets)

    @cached_property
    def _dataset_id(self) -> int | None:
        if self.bucket_id is None or not self.name:
            return None
        record = queries.find_dataset(self.connection, self.bucket_id, self.name)
        return None if record is None else record.id

    def object_at(self, key: str) -> Thing:
        """Return what an object with this key is, or would be."""
        array = _deepest(self.arrays, key, lambda one: one.key_prefix)
        container = _deepest(self.containers, key, lambda one: one.prefix)
        if array is not None:
            volume = self._volume_of(array)
            place = _place(array, key)
            word = "block" if place is not None else "metadata" if _is_metadata(key) else "stray"
            return Thing(word, container, volume, array, place)
        volume = _deepest(self.volumes, key, lambda one: one.prefix)
        if _is_metadata(key) and container is not None:
            return Thing("metadata", container, volume)
        if container is None:
            return Thing("loose file")
        return Thing("mesh" if container.format == Format.MESH and volume else "stray", container, volume)

    def folder_at(self, prefix: str) -> Thing | None:
        """Return what the folder is, or None where the catalog knows of nothing in it."""
        if prefix == self.prefix:
            return Thing("dataset") if self.name and self._is_dataset() else None
        container = _deepest(self.containers, prefix, lambda one: one.prefix)
        volume = _deepest(self.volumes, prefix, lambda one: one.prefix)
        array = _deepest(self.arrays, prefix, lambda one: one.key_prefix)
        if array is not None:
            volume = self._volume_of(array)
        for word, record in (("volume", volume), ("container", container)):
            if record is not None and record.prefix == prefix:
                return Thing(word, container, volume, array)
        if array is not None and array.key_prefix == prefix:
            return Thing("level", container, volume, array)
        return Thing("folder", container, volume, array) if self._has_below(prefix, array) else None

    def _has_below(self, prefix: str, array: ArrayRecord | None) -> bool:
        if array is not None and _is_slab(array, prefix):
            return True
        places = [one.prefix for one in self.volumes] + [one.key_prefix for one in self.arrays]
        if any(place.startswith(prefix) for place in places):
            return True
        return any(count is not None and count.objects for count in self.others_below(prefix))

    def others_below(self, prefix: str) -> tuple[Count | None, Count]:
        """Return how many objects that are no blocks bucket and share have below a prefix."""
        if self.bucket_id is None:
            return None, Count()
        return queries.counts_below(self.connection, self.bucket_id, self.name, prefix)

    def sightings(self, thing: Thing, key: str) -> tuple[Sighting, ...]:
        """Return what the listings that cover an object say of it, the newest first."""
        if self.bucket_id is None:
            return ()
        return queries.sightings(
            self.connection, self.bucket_id, self.name, key, array_id=thing.array_id, block_xyz=thing.block_xyz
        )

    def recorded(self, thing: Thing, key: str) -> Recorded | None:
        """Return what the catalog has of an object on the share."""
        if self.bucket_id is None:
            return None
        return queries.recorded(
            self.connection, self.bucket_id, key, array_id=thing.array_id, block_xyz=thing.block_xyz
        )

    def has_rows(self, thing: Thing) -> bool:
        """Return whether the catalog has rows of objects such as this one; a published one has none of blocks."""
        if self.bucket_id is None or thing.array is None or thing.array_id is None or thing.block_xyz is None:
            return True
        return not queries.lacks_block_rows(self.connection, thing.array_id, self.bucket_id, thing.array.key_prefix)

    def _volume_of(self, array: ArrayRecord) -> VolumeRecord | None:
        return next((one for one in self.volumes if one.id == array.volume_id), None)

    def choosers(self, thing: Thing) -> Iterator[RunRecord]:
        """Yield the syncs that chose the thing, the newest first."""
        return (run for run in self.runs if run.kind is RunKind.SYNC and self._chose(run, thing))

    def _chose(self, run: RunRecord, thing: Thing) -> bool:
        if thing.array is None and thing.volume is None:
            return True  # what lies beside the volumes is always chosen
        choice = choice_of(run, self.name)
        return _is_touched(choice, thing) and any(
            _is_chosen(one, thing, self.prefix) for one in choice.get("chosen") or ()
        )


def _is_slab(array: ArrayRecord, prefix: str) -> bool:
    """Return whether a folder below an array is one of its grid: `s0/17/`, `s0/17/3/`."""
    grid = grid_of(array.shape_xyz, array.block_size_xyz)
    numbers = prefix.removeprefix(array.key_prefix).rstrip("/")
    index = None if grid is None else parse_block_key(numbers, numbers.count("/") + 1)
    if grid is None or index is None or array.format != Format.N5 or len(index) >= grid.ndim:
        return False
    return grid.is_inside((*index, *(0,) * (grid.ndim - len(index))))


def choice_of(run: RunRecord, dataset: str) -> dict[str, Any]:
    """Return what a run chose of a dataset, as the catalog keeps it; {} where it says nothing."""
    choice = run.selection.get(dataset)
    return choice if isinstance(choice, dict) else {}


def _is_chosen(choice: dict[str, Any], thing: Thing, dataset_prefix: str) -> bool:
    # Volumes of precomputed are named from the dataset's folder, others from their container's.
    above = (f"{dataset_prefix}{choice.get('container')}/", dataset_prefix)
    if thing.volume is None or thing.volume.prefix not in [f"{folder}{choice.get('volume')}/" for folder in above]:
        return False
    return thing.array is None or thing.array.level_name is None or thing.array.level_name in choice.get("levels", ())


def _is_touched(choice: dict[str, Any], thing: Thing) -> bool:
    """Return whether a block lies in the boxes that a run for crops took of its array; True of all else."""
    boxes = choice.get("blocks_xyz", {}).get(thing.array.key_prefix) if thing.array is not None else None
    if boxes is None or thing.place is None:
        return True
    return any(thing.place.index_xyz in BlockBox(tuple(first), tuple(stop)) for first, stop in boxes)


def _place(array: ArrayRecord, key: str) -> BlockPlace | None:
    grid = grid_of(array.shape_xyz, array.block_size_xyz)
    return None if grid is None else find_place(Format(array.format), grid, key.removeprefix(array.key_prefix))


def _is_metadata(key: str) -> bool:
    return key.rpartition("/")[2] in METADATA_NAMES


def _deepest(records: Iterable[_T], key: str, prefix_of: Callable[[_T], str]) -> _T | None:
    """Return the record with the longest prefix that the key begins with, or None."""
    above = [one for one in records if key.startswith(prefix_of(one))]
    return max(above, key=lambda one: len(prefix_of(one)), default=None)

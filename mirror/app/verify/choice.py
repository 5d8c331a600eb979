"""What a check looks at: arrays, and objects outside them, as the catalog knows them. Needs no bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import ArrayRecord, ContainerRecord
from mirror.app.lookup import Place, find_places
from mirror.app.verify.request import VerifyRequest
from mirror.config import Settings
from mirror.errors import UnknownNameError
from mirror.formats.folder import METADATA_NAMES

if TYPE_CHECKING:
    from sqlalchemy import Connection

Takes = Callable[[str], bool]
"""Whether a full key outside all arrays is chosen."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen of one dataset in one bucket."""

    place: Place
    arrays: tuple[ArrayRecord, ...]
    """By prefix."""
    others: tuple[str, ...]
    """Prefixes of all arrays, chosen or not; of a bucket's root those of its datasets."""
    takes: Takes | None
    """Which keys outside all arrays; None: all."""

    def has(self, key: str) -> bool:
        """Return whether a key is chosen."""
        inside = max((one for one in self.others if key.startswith(one)), key=len, default=None)
        if inside is None:
            return key.startswith(self.place.prefix) and (self.takes is None or self.takes(key))
        return any(one.key_prefix == inside for one in self.arrays)


def choose(connection: Connection, settings: Settings, request: VerifyRequest) -> tuple[Chosen, ...]:
    """Return what the request chooses, by bucket and dataset.

    Raises
    ------
    UnknownNameError
        A bucket, dataset, volume or scale that is not known.
    """
    places = _places(connection, settings, request)
    everything = [(place, queries.arrays(connection, place.bucket_id, place.prefix)) for place in places]
    _check_names(request, [record for _, records in everything for record in records])
    return tuple(_chosen(connection, request, place, records) for place, records in everything)


def choose_roots(connection: Connection, chosen: Iterable[Chosen]) -> tuple[Chosen, ...]:
    """Return what lies outside all datasets in the buckets of these choices, each bucket once."""
    places = {one.place.bucket_id: one.place for one in chosen}
    return tuple(_root_of(connection, place) for place in places.values())


def _root_of(connection: Connection, place: Place) -> Chosen:
    root = queries.bucket_prefix(connection, place.bucket_id)
    datasets = queries.dataset_names(connection, place.bucket_id)
    at_root = Place(place.bucket, place.bucket_id, place.url, "", root)
    return Chosen(at_root, (), tuple(sorted(f"{root}{name}/" for name in datasets)), None)


def _places(connection: Connection, settings: Settings, request: VerifyRequest) -> tuple[Place, ...]:
    names: Sequence[str | None] = request.datasets or (None,)
    found = [find_places(connection, settings, bucket=request.bucket, dataset=name) for name in names]
    # Of buckets that the configuration does not name nobody knows where they lie on the share.
    return tuple(place for places in found for place in places if place.bucket in settings.buckets)


def _check_names(request: VerifyRequest, records: Sequence[ArrayRecord]) -> None:
    paths = [record.path for record in records]
    for pattern in request.volumes.chosen:
        if not any(map(pattern.matches, paths)):
            raise UnknownNameError("no such volume", pattern.text, hint="`oomirror ls DATASET` shows what there is.")
    levels = {record.level_index for record in records if request.volumes.takes(record.path)} - {None}
    lacking = [level for level in request.scales.named if levels and level not in levels]
    if lacking:
        there = ", ".join(f"s{level}" for level in sorted(level for level in levels if level is not None))
        raise UnknownNameError("no chosen volume has the scale", f"s{lacking[0]}", expected=there)


def _chosen(connection: Connection, request: VerifyRequest, place: Place, records: Iterable[ArrayRecord]) -> Chosen:
    known = sorted(records, key=lambda record: record.key_prefix)
    arrays = tuple(record for record in known if _is_chosen(request, record))
    takes = None if request.is_everything else _takes(connection, request, place, arrays)
    return Chosen(place, arrays, tuple(record.key_prefix for record in known), takes)


def _is_chosen(request: VerifyRequest, record: ArrayRecord) -> bool:
    at_scales = record.level_index is None or record.level_index in request.scales
    return at_scales and request.volumes.takes(record.path)


def _takes(connection: Connection, request: VerifyRequest, place: Place, arrays: Iterable[ArrayRecord]) -> Takes:
    """Return what chooses as `sync` does: what is outside containers, metadata above what is chosen, its groups."""
    record = queries.find_dataset(connection, place.bucket_id, place.dataset)
    containers = () if record is None or record.id is None else queries.containers(connection, record.id)
    above = {folder for array in arrays for folder in _folders_above(array.key_prefix)}

    def takes(key: str) -> bool:
        """Return whether the key is chosen."""
        container = _container_of(containers, key)
        folder, _, name = key.rpartition("/")
        if container is None or (name in METADATA_NAMES and f"{folder}/" in above):
            return True
        return request.volumes.takes(folder[len(container.prefix) :])

    return takes


def _container_of(containers: Iterable[ContainerRecord], key: str) -> ContainerRecord | None:
    inside = [one for one in containers if key.startswith(one.prefix)]
    return max(inside, key=lambda one: len(one.prefix), default=None)


def _folders_above(prefix: str) -> Iterator[str]:
    folder = prefix.rstrip("/")
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        yield f"{folder}/"

"""Which crops of a dataset `sync --crops` mirrors, and where they lie: by what was just found, and by the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from catalog import queries
from catalog.queries import CropVolume
from catalog.records import ClassCrop, CropRecord
from catalog.session import Catalog
from mirror.app.crops.locate import Views, locate_seen
from mirror.app.crops.located import Located
from mirror.app.crops.scene import Scene, has_more_to_say, read_scene, scene_of, written_offset_nm_xyz
from mirror.app.crops.which import CropName, CropSayings, known_numbers, sayings_of
from mirror.app.described import array_record, volume_record
from mirror.crops.paths import parse_ground_truth_path
from mirror.crops.spec import CropSpec, in_order
from mirror.engine.discovery import Discovery
from mirror.errors import MirrorError, UnknownNameError, UsageError, known_hint
from mirror.formats.layout import Dataset, Volume
from mirror.formats.n5.attributes import ATTRIBUTES_NAME
from mirror.selection import ChosenCrop, CropChoice

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NO_ID = 0
"""Of what is not in the catalog, or not as it was just found."""


@dataclass(frozen=True, slots=True)
class CropChooser:
    """Chooses crops dataset by dataset. Reads the catalog and writes nothing."""

    catalog: Catalog | None
    """None: only what the bucket itself says counts."""
    bucket: str
    """As the configuration names it."""
    url: str
    spec: CropSpec
    datasets: tuple[str, ...]
    """Those that it is going to be called with, in this order."""
    seen: set[str] = field(default_factory=set)
    """Numbers of all crops of the datasets so far."""

    def __call__(self, dataset: Dataset, discovery: Discovery) -> CropChoice:
        """Return the crops of a dataset and where they lie.

        Raises
        ------
        UnknownNameError
            None of those that are asked for is a crop of this dataset, or for `all`, it has none; one of them is a crop
            of no dataset.
        UsageError
            A number is that of several crops.
        """
        with self.catalog.read() if self.catalog is not None else nullcontext() as connection:
            said = _said_of(connection, dataset)
            numbers = self._numbers(connection, dataset, said)
            views = self._views(connection, dataset, discovery)
            crops: list[ChosenCrop] = []
            unplaced: list[tuple[str, str]] = []
            for number in numbers:
                try:
                    located = locate_seen(views, said.sayings(number), self.bucket)
                except MirrorError as error:
                    unplaced.append((number, str(error)))
                else:
                    crops.append(_chosen(located, dataset))
        return CropChoice(self.spec, tuple(crops), tuple(unplaced))

    def _numbers(self, connection: Connection | None, dataset: Dataset, said: _Said) -> list[str]:
        wanted = self.spec.numbers
        self.seen.update(said.names)
        numbers = [one for one in sorted(said.names, key=in_order) if wanted is None or one in wanted]
        if not numbers:
            raise self._none(connection, dataset, said)
        if dataset.name == self.datasets[-1] and (lacking := [one for one in wanted or () if one not in self.seen]):
            names = ", ".join(self.datasets)
            raise UnknownNameError(
                "no such crop in what is mirrored",
                f"crop {lacking[0]} of {names}",
                hint=known_hint(lacking[0], self.seen),
            )
        return numbers

    def _none(self, connection: Connection | None, dataset: Dataset, said: _Said) -> UnknownNameError:
        if self.spec.numbers is None:
            hint = "Crops come with ground truth in the bucket, or by `oomirror import-mongo`."
            return UnknownNameError("no crop of the dataset is known", dataset.name, hint=hint)
        number = self.spec.numbers[0]
        hint = known_hint(number, said.names) if said.names else f"Nothing names a crop of {dataset.name}."
        if connection is not None and number in known_numbers(connection):
            hint = f"It is one of another dataset. {hint}"
        return UnknownNameError("no such crop in the dataset", f"crop {number} of {dataset.name}", hint=hint)

    def _views(self, connection: Connection | None, dataset: Dataset, discovery: Discovery) -> Views:
        """Return the dataset as it was just found in this bucket, and as the catalog has it in the others."""
        if connection is None:
            return Views(_scene_of(None, self.url, dataset, discovery), ())
        others = tuple(
            read_scene(connection, bucket_id, dataset.name)
            for bucket_id, url in queries.buckets(connection).items()
            if url != self.url and queries.find_dataset(connection, bucket_id, dataset.name) is not None
        )
        return Views(_scene_of(connection, self.url, dataset, discovery), others)


@dataclass(frozen=True, slots=True)
class _Said:
    """All that names crops of one dataset."""

    dataset: str
    names: Mapping[str, frozenset[str]]
    """Numbers to the versions of ground truth that are told."""
    records: tuple[CropRecord, ...]
    rows: tuple[ClassCrop, ...]

    def sayings(self, number: str) -> CropSayings:
        """Return what was imported of one crop.

        Raises
        ------
        UsageError
            The number is that of several.
        """
        versions = sorted(self.names[number])
        if len(versions) > 1:
            raise UsageError("the number is that of several crops", number, found=", ".join(versions))
        name = CropName(number, versions[0] if versions else None, self.dataset)
        return sayings_of(name, self.records, self.rows)


def _said_of(connection: Connection | None, dataset: Dataset) -> _Said:
    records = () if connection is None else queries.crops(connection, dataset=dataset.name)
    rows = () if connection is None else queries.class_crops(connection, dataset=dataset.name)
    versions: dict[str, set[str]] = {row.number: set() for row in rows}
    for record in records:
        versions.setdefault(record.number, set()).add(record.version)
    known = () if connection is None else queries.ground_truth_paths(connection)
    paths = {volume.path for volume in dataset.volumes()} | {path for name, path in known if name == dataset.name}
    for path in map(parse_ground_truth_path, sorted(paths)):
        if path is not None:
            versions.setdefault(path.number, set()).update(() if path.version is None else (path.version,))
    return _Said(dataset.name, {number: frozenset(found) for number, found in versions.items()}, records, rows)


def _scene_of(connection: Connection | None, url: str, dataset: Dataset, discovery: Discovery) -> Scene:
    notes = {} if connection is None else queries.volume_notes(connection, url, dataset.prefix)
    volumes = [_crop_volume(volume) for volume in dataset.volumes()]
    scene = scene_of(_NO_ID, url, dataset.name, dataset.prefix, found=volumes, notes=notes)
    return replace(scene, offsets_nm_xyz=dict(_written_offsets(scene, discovery)))


def _crop_volume(volume: Volume) -> CropVolume:
    arrays = sorted(
        (array_record(_NO_ID, _NO_ID, array) for array in volume.arrays if array.is_understood),
        key=lambda one: (one.level_index or 0, one.path),
    )
    return CropVolume(volume_record(_NO_ID, volume, None), volume.container_prefix, tuple(arrays))


def _written_offsets(scene: Scene, discovery: Discovery) -> Iterator[tuple[str, tuple[float, ...]]]:
    for _, volume in scene.ground_truth:
        array = volume.arrays[0]
        folder = discovery.folders.get(array.key_prefix)
        body = folder.documents.get(ATTRIBUTES_NAME) if folder is not None and has_more_to_say(array) else None
        offset = None if body is None else written_offset_nm_xyz(body, f"{array.key_prefix}{ATTRIBUTES_NAME}")
        if offset is not None:
            yield array.key_prefix, offset


def _chosen(located: Located, dataset: Dataset) -> ChosenCrop:
    return ChosenCrop(
        number=located.number,
        source=located.source.value,
        raw=located.raw.volume.prefix,
        box=located.box,
        ground_truth=tuple(_ground_truth(located, dataset)),
    )


def _ground_truth(located: Located, dataset: Dataset) -> Iterator[str]:
    """Yield the volumes in the folder of a crop's ground truth: its labels, and the masks beside them."""
    folders = tuple({_crop_folder(one.where.volume.prefix, located.number) for one in located.ground_truth})
    yield from (volume.prefix for volume in dataset.volumes() if volume.prefix.startswith(folders))


def _crop_folder(prefix: str, number: str) -> str:
    match = re.match(rf".*/[Cc]rop_?{re.escape(number)}/", prefix)
    return prefix if match is None else match[0]

"""Selections of the sample dataset and, by a naive second way, the keys and the arrays that each of them means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mirror.app.sync import SyncRequest
from mirror.demo.buckets import BUCKET_NAMES
from mirror.demo.pyramid import levels, mean_of_cubes, middle_of_cubes
from mirror.demo.specimen import Specimen
from tests.system.workbench import asking

Voxels = np.ndarray[Any, Any]

ROOTS = {"a": "jrc_hela-2/jrc_hela-2.n5/", "b": "heinrich-2021a/jrc_hela-2/jrc_hela-2.n5/"}
"""Key prefix of the N5 container, by bucket."""
_DATASETS = {"a": "jrc_hela-2/", "b": "heinrich-2021a/jrc_hela-2/"}
_ARRAY = re.compile(r"(?P<volume>.+?)(/(?P<level>s\d+))?/(?:attributes\.json|\d+/\d+/\d+)")
_GROUPS = {"em", "labels", "volumes"}


@dataclass(frozen=True)
class Choice:
    """One selection: as a user asks for it, and as the test understands it."""

    letter: Literal["a", "b"]
    scales: str = "all"
    volumes: tuple[str, ...] = ()
    only: str = ".*"
    """Which volumes are meant, as a regular expression on their path in the container."""
    levels: tuple[str, ...] = ("s0", "s1", "s2", "s3", "s4")
    """Which levels are meant, of volumes that have some."""

    def __str__(self) -> str:
        return "-".join([self.letter, self.scales, *self.volumes]).replace("/", "_")

    @property
    def bucket_name(self) -> str:
        """Of the bucket, as S3 calls it."""
        return BUCKET_NAMES[self.letter]

    @property
    def words(self) -> tuple[str, ...]:
        """What a user types behind `oomirror sync jrc_hela-2`."""
        volumes = (word for volume in self.volumes for word in ("--volumes", volume))
        return "--bucket", self.letter, "--scales", self.scales, *volumes

    def request(self, **more: Any) -> SyncRequest:
        """Return what a user asks for."""
        return asking(self.letter, scales=self.scales, volumes=self.volumes, **more)

    def keys(self, all_keys: Iterable[str]) -> list[str]:
        """Return the keys that are meant, of all keys of the bucket; markers of folders are no files."""
        candidates = [key for key in all_keys if key.startswith(_DATASETS[self.letter]) and not key.endswith("/")]
        root = ROOTS[self.letter]
        volumes = {key for key in candidates if key.startswith(root) and self._takes(key.removeprefix(root))}
        loose = {key for key in candidates if not re.search(r"\.n5/|\.zarr/|/neuroglancer/", key)}
        above = {key for key in candidates if _is_above(key, volumes)}
        return sorted(volumes | loose | above)

    def arrays(self, voxels: dict[str, Voxels]) -> dict[str, bool]:
        """Return of each array, by its path in the container, whether it is meant."""
        return {path: self._takes(f"{path}/attributes.json") for path in voxels}

    def _takes(self, inside: str) -> bool:
        match = _ARRAY.fullmatch(inside)
        if match is None or match["volume"] in _GROUPS or not re.fullmatch(self.only, match["volume"]):
            return False
        if _is_pyramid(match["volume"]):
            return match["level"] in self.levels
        return True


def _is_pyramid(volume: str) -> bool:
    """Return whether a volume of the samples has levels."""
    return re.search(r"^em/|^labels/|^volumes/raw$|^volumes/labels/", volume) is not None


def _is_above(key: str, chosen: set[str]) -> bool:
    """Return whether the key is the attributes.json of a group above something that is chosen."""
    folder, _, name = key.rpartition("/")
    return name == "attributes.json" and any(other.startswith(f"{folder}/") for other in chosen)


FIRST_RUN = Choice("b", "s0-s2", ("raw",), only="volumes/raw", levels=("s0", "s1", "s2"))
SMALL_A = Choice("a", "s0-s2", levels=("s0", "s1", "s2"))
SMALL_B = Choice("b", "s0-s2", levels=("s0", "s1", "s2"))
ALL_A = Choice("a")
ALL_B = Choice("b")
COARSE_A = Choice("a", "s3-", levels=("s3", "s4"))
SOME_B = Choice(
    "b",
    "s1",
    ("volumes/labels/*_seg", "volumes/groundtruth"),
    only="volumes/(labels/.*_seg|groundtruth/.*)",
    levels=("s1",),
)
CHOICES = (FIRST_RUN, SMALL_A, SMALL_B, ALL_A, ALL_B, COARSE_A, SOME_B)


def voxels_of(letter: str, hela: Specimen) -> dict[str, Voxels]:
    """Return what a reader must see in the container of one bucket, by path in it: from the cell, not from files."""
    return dict(_arrays_of_a(hela) if letter == "a" else _arrays_of_b(hela))


def _arrays_of_a(hela: Specimen) -> Iterable[tuple[str, Voxels]]:
    yield from _levels("em/fibsem-uint16", hela.raw_uint16(), 5, mean_of_cubes)
    # Predictions lie mirrored in y in bucket A.
    yield from _labels("labels/", hela, slice(None, None, -1))
    yield from _levels("labels/masks/foreground", hela.cell.foreground.astype("uint8"), 2, middle_of_cubes)


def _arrays_of_b(hela: Specimen) -> Iterable[tuple[str, Voxels]]:
    yield from _levels("volumes/raw", hela.raw_uint8(), 5, mean_of_cubes)
    yield from _labels("volumes/labels/", hela, slice(None))
    yield "volumes/masks/foreground", hela.cell.foreground.astype("uint8")
    yield "volumes/groundtruth/0003/crop1/labels/all", hela.ground_truth()


def _labels(prefix: str, hela: Specimen, in_y: slice) -> Iterable[tuple[str, Voxels]]:
    for organelle in ("er", "mito", "nucleus"):
        yield from _levels(f"{prefix}{organelle}_pred", hela.prediction(organelle)[:, in_y], 3, mean_of_cubes)
    for organelle in ("er", "mito", "nucleus", "vesicle"):
        yield from _levels(f"{prefix}{organelle}_seg", hela.cell.instances[organelle], 3, middle_of_cubes)
    yield from _levels(f"{prefix}er_mito_contacts", hela.contacts(), 1, middle_of_cubes)


def _levels(volume: str, array_zyx: Voxels, n_levels: int, halve: Any) -> Iterable[tuple[str, Voxels]]:
    for number, voxels in enumerate(levels(array_zyx, n_levels, halve)):
        yield f"{volume}/s{number}", voxels

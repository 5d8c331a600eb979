"""What the accounting is fed with: what one bucket stores of a dataset, as plain values and streams of blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from mirror.explain.causes import Place
from mirror.explain.headers import UNREAD, HeaderEvidence
from mirror.explain.result import NOTHING, Note
from mirror.formats.folder import Format
from mirror.formats.kinds import VolumeKind, classify_volume
from mirror.formats.layout import ArrayFacts
from mirror.objects import Tally

BlockRow: TypeAlias = tuple[int, ...]
"""Grid position, x first, and the bytes of the object: (x, y, z, size) where there are three axes."""
BlockRows: TypeAlias = Callable[[], Iterable[BlockRow]]
"""Gives the blocks in ascending order of their positions (as numbers: 2 before 10); called once."""


@dataclass(frozen=True, slots=True)
class StoredArray:
    """One array of a volume: a level, or the volume itself."""

    path: str
    """Inside the container, or for precomputed inside the dataset's folder."""
    level_index: int | None
    """0 is the finest; None for an array without levels."""
    facts: ArrayFacts | None
    """None where its metadata cannot be read."""
    listed: Tally
    """Every object below its prefix: blocks, documents, strays."""
    documents: Tally = NOTHING
    """Of them, its metadata."""
    blocks: BlockRows | None = None
    """None where blocks have no place in a grid (shards that are no boxes), or none is known."""
    headers: HeaderEvidence = UNREAD
    """Of N5; other formats have none."""
    padding: Fraction | None = None
    """What a sample shows that filling up makes of the payload at the edge (at least 1); None without a sample."""
    fault: str = ""
    """Why `facts` is None."""
    stray_examples: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        """Its name in a report: that of its folder where it is a level."""
        return self.path.rpartition("/")[2] if self.level_index is not None else "-"


@dataclass(frozen=True, slots=True)
class StoredVolume:
    """One volume: a pyramid, an array, or meshes taken whole."""

    path: str
    """Inside the container, or for precomputed and meshes inside the dataset's folder."""
    format: Format
    arrays: tuple[StoredArray, ...]
    """Finest first; () where it can only be taken whole."""
    rest: Tally = NOTHING
    """Its objects that are of no array: the group's documents; all of them where there are no arrays."""
    is_mirrored_y: bool | None = None
    """Whether manifests say that rows are stored in the opposite order; None where they say nothing."""

    @property
    def kind(self) -> VolumeKind:
        """What it shows, as its path and format tell."""
        return classify_volume(self.path, self.format).kind

    @property
    def listed(self) -> Tally:
        """Every object of it."""
        return sum((array.listed for array in self.arrays), self.rest)


@dataclass(frozen=True, slots=True)
class OtherObjects:
    """Objects of a dataset that are of no volume."""

    place: Place
    where: str
    listed: Tally
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredDataset:
    """What one bucket stores of a dataset. Volumes and others together are every object, each once."""

    name: str
    total: Tally
    """Every object, as the listing counts them: what the parts do not come to is unexplained."""
    volumes: tuple[StoredVolume, ...]
    others: tuple[OtherObjects, ...] = ()
    """Documents of containers and groups, loose files, strays, viewer states."""
    notes: tuple[Note, ...] = ()


Overrides: TypeAlias = Mapping[str, str | None]
"""Path of a volume in A to that of its partner in B, or None where it shall have none. Beats every rule."""

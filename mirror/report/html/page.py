"""What the page of the share shows, as values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mirror.objects import Tally


class Wholeness(StrEnum):
    """How much of a level is on the share."""

    NONE = "none"
    PARTIAL = "partial"
    WHOLE = "whole"
    UNKNOWN = "unknown"
    """Something is, and what the bucket has was never listed."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How the objects on the share were compared with the bucket's, and when."""

    first_at: datetime | None = None
    last_at: datetime | None = None
    """End of the runs that verified the oldest and the newest of them."""
    md5: int = 0
    multipart_etag: int = 0
    checksum: int = 0
    size_only: int = 0
    adopted: int = 0
    """Of all the above: lay on the share already, and were not fetched by us."""

    @property
    def objects(self) -> int:
        """All objects."""
        return self.md5 + self.multipart_etag + self.checksum + self.size_only

    @classmethod
    def of(cls, parts: Iterable[Checked]) -> Checked:
        """Return the sum of several."""
        known = [part for part in parts if part.objects]
        return cls(
            min((part.first_at for part in known if part.first_at), default=None),
            max((part.last_at for part in known if part.last_at), default=None),
            *(
                sum(getattr(part, name) for part in known)
                for name in ("md5", "multipart_etag", "checksum", "size_only", "adopted")
            ),
        )


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a volume, or a volume that has none."""

    name: str
    """Empty for a volume without levels."""
    wholeness: Wholeness
    here: Tally
    listed_objects: int | None
    """None where the bucket was never listed; of a level that was mirrored for crops, then as its grid has room for."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of which something is on the share."""

    path: str
    shows: str
    """Kind and organelle, in words."""
    levels: tuple[Level, ...]
    shape_zyx: tuple[int, ...]
    """Of the finest level; empty where nothing says."""
    voxel_size_nm_zyx: tuple[float, ...]
    checked: Checked

    @property
    def here(self) -> Tally:
        """What of it is on the share."""
        return sum((level.here for level in self.levels), Tally())


@dataclass(frozen=True, slots=True)
class Container:
    """One tree of a dataset."""

    name: str
    """Below the dataset's folder; empty where that is the container."""
    folder: str
    """Below the share's root."""
    format: str
    volumes: tuple[Volume, ...]
    absent_paths: tuple[str, ...]
    """Volumes that the bucket has and the share has nothing of."""


@dataclass(frozen=True, slots=True)
class InBucket:
    """A dataset in one bucket."""

    url: str
    folder: str
    """Below the share's root."""
    containers: tuple[Container, ...]
    other_files: Tally
    """On the share and outside all volumes."""
    checked_files: Checked
    listed_at: datetime | None

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """All volumes of which something is here."""
        return tuple(volume for container in self.containers for volume in container.volumes)

    @property
    def absent_paths(self) -> tuple[str, ...]:
        """Volumes that the bucket has and the share has nothing of, with their containers."""
        return tuple(
            "/".join(filter(None, [container.name, path]))
            for container in self.containers
            for path in container.absent_paths
        )

    @property
    def here(self) -> Tally:
        """What of it is on the share."""
        return sum((volume.here for volume in self.volumes), self.other_files)

    @property
    def checked(self) -> Checked:
        """How all of it was verified."""
        return Checked.of([*(volume.checked for volume in self.volumes), self.checked_files])


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that is odd about the data."""

    severity: str
    code: str
    place: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Example:
    """A volume that opens, and the Python lines that open it."""

    container: str
    """Below the share's root."""
    path: str
    """Of the container, on the machine that mirrors."""
    volume: str
    code: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset, in whichever buckets it is."""

    name: str
    title: str
    organism: str
    voxel_size_nm_zyx: tuple[float, ...]
    thumbnail: str | None
    """Below the share's root; None where none is on the share."""
    buckets: tuple[InBucket, ...]
    oddities: tuple[Oddity, ...]
    """The worst first."""
    example: Example | None
    is_running: bool
    """Whether a run was going on when this was published."""

    @property
    def here(self) -> Tally:
        """What of it is on the share."""
        return sum((bucket.here for bucket in self.buckets), Tally())

    @property
    def levels(self) -> tuple[Level, ...]:
        """All levels of all volumes of which something is here."""
        return tuple(level for bucket in self.buckets for volume in bucket.volumes for level in volume.levels)

    @property
    def checked(self) -> Checked:
        """How all of it was verified."""
        return Checked.of(bucket.checked for bucket in self.buckets)


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    share: str
    """Path of the share on the machine that mirrors."""
    unc: str | None
    """The same from Windows, where it can be told."""
    published_at: datetime
    host: str
    version: str
    datasets: tuple[Dataset, ...]

    @property
    def here(self) -> tuple[Dataset, ...]:
        """Datasets of which something is on the share."""
        return tuple(dataset for dataset in self.datasets if dataset.here.objects)

    @property
    def elsewhere(self) -> tuple[Dataset, ...]:
        """Datasets that the buckets have and the share has nothing of."""
        return tuple(dataset for dataset in self.datasets if not dataset.here.objects)

    @property
    def tally(self) -> Tally:
        """All that is on the share."""
        return sum((dataset.here for dataset in self.datasets), Tally())


def n_of(levels: Sequence[Level], wholeness: Wholeness) -> int:
    """Return how many of the levels are so whole."""
    return sum(level.wholeness is wholeness for level in levels)

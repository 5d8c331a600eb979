"""What a run is going to do, before it does it: plain values, shown by a dry run and run otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mirror.deletion import Deletion
from mirror.diff import FETCHES, Kind
from mirror.errors import UnsafeError
from mirror.objects import Tally
from mirror.selection import CropChoice

ASK_ABOVE_BYTES = 10 * 10**9
ASK_ABOVE_OBJECTS = 100_000
SPARE_BYTES = 100 * 10**6
"""Room that is left on the share, for the catalogs and temporary files of others."""


@dataclass(frozen=True, slots=True)
class Part:
    """One shard's share of the plan."""

    dataset: str
    volume: str
    """`container/volume`, or a word for what lies outside volumes."""
    level: str
    """Empty without levels."""
    tallies: Mapping[Kind, Tally]
    n_folders: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the plan: a level, an array without levels, or a dataset's other objects."""

    dataset: str
    volume: str
    level: str
    listed: Tally
    to_fetch: Tally
    to_adopt: Tally


@dataclass(frozen=True, slots=True)
class Skip:
    """An object that is left out, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole of it."""

    bucket: str
    datasets: tuple[str, ...]
    lines: tuple[Line, ...]
    """Largest first."""
    by_kind: Mapping[Kind, Tally]
    refused: tuple[Skip, ...]
    """Keys that cannot be files on the share."""
    skipped: tuple[Skip, ...]
    """Folder markers."""
    n_folders: int
    """In which the objects to fetch lie."""
    left_out: tuple[str, ...] = field(default=())
    """Levels and volumes that the selection leaves out, as the dataset names them."""
    crops: tuple[tuple[str, CropChoice], ...] = ()
    """Datasets and their crops, where only crops are mirrored."""
    expected_seconds: float | None = None
    """At the rates that earlier runs were measured at; None where none was."""
    deletion: Deletion | None = None
    """What goes to the trash; None where nothing may."""

    @property
    def unplaced(self) -> tuple[Skip, ...]:
        """Crops that nothing places."""
        return tuple(
            Skip(f"crop {number} of {dataset}", reason)
            for dataset, choice in self.crops
            for number, reason in choice.unplaced
        )

    @property
    def n_unplaced_as_asked(self) -> int:
        """How many of these were asked for by their number."""
        return sum(len(choice.unplaced) for _, choice in self.crops if not choice.spec.is_all)

    @property
    def to_fetch(self) -> Tally:
        """Objects whose bytes will be fetched."""
        return sum((self.by_kind.get(kind, Tally()) for kind in sorted(FETCHES)), Tally())

    @property
    def to_adopt(self) -> Tally:
        """Objects that lie on the share already and will be compared; those that differ are fetched, too."""
        return self.by_kind.get(Kind.ADOPT, Tally())

    @property
    def to_compare(self) -> Tally:
        """Objects where a file lies that the catalog does not know: all that `adopt` looks at."""
        return self.to_adopt + self.by_kind.get(Kind.REPLACE, Tally())

    @property
    def up_to_date(self) -> Tally:
        """Objects with nothing to do."""
        return self.by_kind.get(Kind.UP_TO_DATE, Tally())

    @property
    def is_large(self) -> bool:
        """Whether a person should be asked first."""
        return any(tally.bytes > ASK_ABOVE_BYTES or tally.objects > ASK_ABOVE_OBJECTS for tally in self._changes)

    @property
    def _changes(self) -> tuple[Tally, Tally]:
        return self.to_fetch, self.to_delete

    @property
    def to_delete(self) -> Tally:
        """What goes to the trash."""
        return self.deletion.vanished if self.deletion else Tally()


def plan_of(
    bucket: str,
    datasets: tuple[str, ...],
    parts: Iterable[Part],
    *,
    refused: Iterable[Skip] = (),
    skipped: Iterable[Skip] = (),
    left_out: Iterable[str] = (),
    crops: Iterable[tuple[str, CropChoice]] = (),
) -> Plan:
    """Return the plan that the parts add up to; equal parts in another order give an equal plan."""
    lines: dict[tuple[str, str, str], Line] = {}
    by_kind: dict[Kind, Tally] = {}
    n_folders = 0
    for part in parts:
        key = (part.dataset, part.volume, part.level)
        lines[key] = _add(lines.get(key) or Line(*key, Tally(), Tally(), Tally()), part)
        for kind, tally in part.tallies.items():
            by_kind[kind] = by_kind.get(kind, Tally()) + tally
        n_folders += part.n_folders
    return Plan(
        bucket,
        datasets,
        tuple(sorted(lines.values(), key=lambda line: (-line.listed.bytes, line.dataset, line.volume, line.level))),
        by_kind,
        tuple(sorted(refused, key=lambda skip: skip.key)),
        tuple(sorted(skipped, key=lambda skip: skip.key)),
        n_folders,
        tuple(sorted(left_out)),
        tuple(crops),
    )


def _add(line: Line, part: Part) -> Line:
    return Line(
        line.dataset,
        line.volume,
        line.level,
        sum(part.tallies.values(), line.listed),
        sum((tally for kind, tally in part.tallies.items() if kind in FETCHES), line.to_fetch),
        line.to_adopt + part.tallies.get(Kind.ADOPT, Tally()),
    )


def check_room(plan: Plan, share: str, free_bytes: int | None, free_inodes: int | None) -> None:
    """Check that what is to be fetched fits on the share.

    Raises
    ------
    UnsafeError
        It does not: too few bytes or too few inodes, where the share counts them.
    """
    needed = plan.to_fetch
    if free_bytes is not None and needed.bytes and needed.bytes + SPARE_BYTES > free_bytes:
        raise UnsafeError(
            "not enough room on the share",
            share,
            expected=f"{needed.bytes + SPARE_BYTES:,} B: {needed.bytes:,} to fetch, and {SPARE_BYTES:,} to spare",
            found=f"{free_bytes:,} B free",
            hint="Choose fewer levels or volumes (--scales, --volumes), or make room.",
        )
    if free_inodes is not None and needed.objects + plan.n_folders > free_inodes:
        raise UnsafeError(
            "not enough inodes on the share",
            share,
            expected=f"{needed.objects + plan.n_folders:,} for files and folders",
            found=f"{free_inodes:,} free",
            hint="Choose fewer levels or volumes (--scales, --volumes).",
        )

"""The parts of a check: slabs of blocks, and what else lies in a folder; those looked at longest ago first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from catalog import queries
from catalog.records import ArrayRecord, CheckedPart, Count, KeyRange
from mirror.app.lookup import Place
from mirror.app.verify.choice import Chosen, Takes
from mirror.engine.scrub import Depth
from mirror.objects import Tally

if TYPE_CHECKING:
    from sqlalchemy import Connection

LineName: TypeAlias = tuple[str, str, str, str]
"""Bucket, dataset, volume, level."""
OTHER_FILES = "other files"
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Slab:
    """Where the rows of a slab of blocks are."""

    array_id: int
    x: int


@dataclass(frozen=True, slots=True)
class Part:
    """Objects that are looked at together: what is recorded of a check is recorded of a part."""

    place: Place
    prefix: str
    """Full key prefix: names the part."""
    array: ArrayRecord | None
    """In which it lies."""
    planned: Tally
    slab: Slab | None = None
    """None for objects that have rows by their key."""
    ranges: tuple[KeyRange, ...] = ()
    """Of the keys of such objects."""
    elsewhere: frozenset[str] = frozenset()
    """Full prefixes of folders below, which belong to other parts or to none."""
    takes: Takes | None = None
    """Which of the keys are chosen; None: all."""
    known: CheckedPart | None = None

    @property
    def line(self) -> LineName:
        """Bucket, dataset, volume and level under which the report counts it."""
        return self.place.bucket, self.place.dataset, *volume_and_level(self.array)

    @property
    def is_whole(self) -> bool:
        """Whether all of the part is chosen, so that a look at it is one that counts."""
        return self.takes is None

    @property
    def decoded_before(self) -> int:
        """Blocks of runs with lesser numbers were decoded."""
        return (self.known.decoded_before if self.known is not None else None) or 0

    @property
    def resume_after(self) -> str | None:
        """Where a look that was stopped goes on."""
        return None if self.known is None else self.known.resume_after


def volume_and_level(array: ArrayRecord | None) -> tuple[str, str]:
    """Return how reports call the volume and the level of an array; both of what lies outside arrays."""
    if array is None:
        return OTHER_FILES, ""
    if array.level_name is None:
        return array.path, ""
    return array.path.removesuffix(array.level_name).rstrip("/"), array.level_name


def parts_of(
    connection: Connection, chosen: Iterable[Chosen], *, depth: Depth, resumes: bool = True
) -> tuple[Part, ...]:
    """Return the parts of what is chosen: those never looked at so deep first, then by the time of the last look.

    Parameters
    ----------
    resumes
        Whether a part at which an earlier look was stopped goes on in its middle; else it begins anew.
    """
    found = [part for one in chosen for part in _parts_of_choice(connection, one, depth)]
    if not resumes:
        found = [_from_its_beginning(part) for part in found]
    # Sorting is stable: equal times stay in the order of buckets, datasets, arrays and grids.
    return tuple(sorted((part for part in found if part.planned.objects), key=_looked_at))


def _from_its_beginning(part: Part) -> Part:
    return part if part.known is None else replace(part, known=replace(part.known, resume_after=None))


def _looked_at(part: Part) -> datetime:
    return (part.known.checked_at if part.known is not None else None) or _LONG_AGO


def _parts_of_choice(connection: Connection, chosen: Chosen, depth: Depth) -> Iterator[Part]:
    place = chosen.place
    known = queries.checked_parts(connection, place.bucket_id, place.prefix, depth=depth)
    for array in chosen.arrays:
        yield from _parts_of_array(connection, place, array, chosen.others, known)
    ranges = queries.ranges_without(place.prefix, chosen.others)
    yield Part(
        place,
        place.prefix,
        None,
        _tally(queries.count_objects(connection, place.bucket_id, ranges)),
        ranges=ranges,
        elsewhere=frozenset(chosen.others),
        takes=chosen.takes,
        known=known.get(place.prefix),
    )


def _parts_of_array(
    connection: Connection,
    place: Place,
    array: ArrayRecord,
    others: tuple[str, ...],
    known: dict[str, CheckedPart],
) -> Iterator[Part]:
    prefix = array.key_prefix
    slabs = queries.slab_sums(connection, array.id) if array.id is not None else ()
    inside = [one for one in others if one != prefix and one.startswith(prefix)]
    ranges = queries.ranges_without(prefix, inside)
    yield Part(
        place,
        prefix,
        array,
        _tally(queries.count_objects(connection, place.bucket_id, ranges)),
        ranges=ranges,
        elsewhere=frozenset([*inside, *(f"{prefix}{slab.x}/" for slab in slabs)]),
        known=known.get(prefix),
    )
    for slab in slabs:
        name = f"{prefix}{slab.x}/"
        at = Slab(array.id or 0, slab.x)
        yield Part(place, name, array, _tally(slab.mirrored), slab=at, known=known.get(name))


def _tally(count: Count) -> Tally:
    return Tally(count.objects, count.bytes)

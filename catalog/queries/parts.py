"""Which parts of two listings must be compared with each other: pure, and whatever way each listing was cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from catalog.records import ShardRecord


@dataclass(frozen=True, slots=True)
class Part:
    """A place that both listings cover, with the shards there that are not in both."""

    prefix: str
    before: tuple[ShardRecord, ...]
    after: tuple[ShardRecord, ...]
    is_by_name: bool = False
    """Whether objects were chosen here one by one, by two choices: that one is missing then says nothing."""


def differing_parts(
    before: Iterable[ShardRecord], after: Iterable[ShardRecord], *, chosen: str | None = None
) -> tuple[Part, ...]:
    """Return the parts in which two listings of a dataset may differ, by prefix.

    A shard with others below it holds only what lies directly in its folder; one without holds all below it. Where one
    listing has a slab as one shard and the other has it row by row, these are one part.

    Parameters
    ----------
    before, after
        All shards of either listing. A shard of both is equal in both, and is left out.
    chosen
        None where both listings chose alike. Else the prefix of the dataset, whose shard holds what was chosen by name:
        then only what both cover is compared.
    """
    sides = tuple(before), tuple(after)
    prefixes = tuple({shard.prefix for shard in side} for side in sides)
    covering = set().union(*(_without_others_below(names) for names in prefixes))
    equal = {shard.id for shard in sides[0]} & {shard.id for shard in sides[1]}
    parts: dict[str, tuple[list[ShardRecord], list[ShardRecord]]] = {}
    for number, side in enumerate(sides):
        for shard in side:
            if shard.id not in equal:
                place = next((one for one in _path_to(shard.prefix) if one in covering), shard.prefix)
                parts.setdefault(place, ([], []))[number].append(shard)
    return tuple(
        Part(place, tuple(old), tuple(new), is_by_name=place == chosen)
        for place, (old, new) in sorted(parts.items())
        if chosen is None or place == chosen or all(_covers(names, place, chosen) for names in prefixes)
    )


def _without_others_below(prefixes: Iterable[str]) -> Iterator[str]:
    for prefix, following in pairwise([*sorted(prefixes), None]):
        if prefix is not None and (following is None or not following.startswith(prefix)):
            yield prefix


def _path_to(prefix: str) -> Iterator[str]:
    """Yield the prefixes of the folders that lead to a prefix, the shortest first, and the prefix itself."""
    yield ""
    yield from (prefix[: end + 1] for end, letter in enumerate(prefix) if letter == "/")
    if not prefix.endswith("/"):
        yield prefix


def _covers(prefixes: set[str], place: str, chosen: str) -> bool:
    return any(one in prefixes and one != chosen for one in _path_to(place))

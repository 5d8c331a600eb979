"""Which volumes and levels of a dataset are laid side by side, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mirror.explain.causes import Side
from mirror.explain.pairs import RULES, Pair, find_pair, partner_of, spelled_alike
from mirror.explain.stored import Overrides, StoredArray, StoredVolume
from mirror.formats.folder import Format


@dataclass(frozen=True, slots=True)
class VolumePair:
    """Two volumes that show the same."""

    a: StoredVolume
    b: StoredVolume
    reason: str


@dataclass(frozen=True, slots=True)
class Unpaired:
    """A volume with nothing to lay beside, because ..."""

    side: Side
    volume: StoredVolume
    reason: str
    is_format_absent: bool
    """Whether the other bucket has no volume of this format at all."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Every volume of both buckets, each in one place."""

    pairs: tuple[VolumePair, ...]
    unpaired: tuple[Unpaired, ...]


@dataclass(frozen=True, slots=True)
class LevelPairing:
    """Every array of two volumes, each in one place."""

    pairs: tuple[tuple[StoredArray, StoredArray], ...]
    unpaired: tuple[tuple[Side, StoredArray], ...]


def pair_datasets(a: Iterable[str], b: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the datasets in both buckets, in A alone, in B alone: the same name is the same sample.

    >>> pair_datasets(["jrc_hela-2", "jrc_mus-liver"], ["jrc_hela-2"])
    (('jrc_hela-2',), ('jrc_mus-liver',), ())
    """
    in_a, in_b = set(a), set(b)
    return tuple(sorted(in_a & in_b)), tuple(sorted(in_a - in_b)), tuple(sorted(in_b - in_a))


def pair_volumes(a: Iterable[StoredVolume], b: Iterable[StoredVolume], overrides: Overrides) -> Pairing:
    """Return which volumes are laid side by side: as the configuration says, then by one path, then by the rules."""
    return _Matcher(a, b, overrides).pairing()


def pair_levels(a: StoredVolume, b: StoredVolume) -> LevelPairing:
    """Return which arrays of two volumes are laid side by side: levels of one index; an array without is the finest."""
    ours, theirs = _by_level(a), _by_level(b)
    both = sorted(ours.keys() & theirs.keys())
    paired = tuple((ours[index], theirs[index]) for index in both)
    taken = {id(array) for pair in paired for array in pair}
    left = [(side, array) for side, volume in zip(Side, (a, b), strict=True) for array in volume.arrays]
    return LevelPairing(paired, tuple((side, array) for side, array in left if id(array) not in taken))


def _by_level(volume: StoredVolume) -> dict[int, StoredArray]:
    found: dict[int, StoredArray] = {}
    for array in volume.arrays:
        found.setdefault(array.level_index or 0, array)
    return found


_Key = tuple[Format, str]


def _key(volume: StoredVolume) -> _Key:
    return volume.format, spelled_alike(volume.path)


class _Matcher:
    """Takes volumes from both sides until no rule fits any more."""

    def __init__(self, a: Iterable[StoredVolume], b: Iterable[StoredVolume], overrides: Overrides) -> None:
        self._all = {side: sorted(some, key=_key) for side, some in zip(Side, (a, b), strict=True)}
        self._overrides = {spelled_alike(path): partner for path, partner in overrides.items()}
        self._left = {side: list(some) for side, some in self._all.items()}
        self._pairs: list[VolumePair] = []
        self._reasons: dict[int, str] = {}

    def pairing(self) -> Pairing:
        self._apply_overrides()
        for volume in tuple(self._left[Side.A]):
            self._try(volume, _key(volume), "one path in both")
        for rule in RULES:
            for volume in tuple(self._left[Side.A]):
                partner = partner_of(rule, volume.path, Side.A) if volume.format is rule.a_format else None
                if partner is not None:
                    self._try(volume, (Format.N5, spelled_alike(partner)), rule.reason)
        unpaired = [
            self._unpaired(side, volume) for side in Side for volume in self._all[side] if self._is_left(volume)
        ]
        return Pairing(tuple(self._pairs), tuple(unpaired))

    def _apply_overrides(self) -> None:
        for volume in tuple(self._left[Side.A]):
            path = spelled_alike(volume.path)
            if path not in self._overrides:
                continue
            partner = self._overrides[path]
            others = [] if partner is None else self._at(partner)
            if others:
                self._take(volume, others[0], "the configuration says so")
            else:
                self._left[Side.A].remove(volume)
                absent = f"the configuration pairs it with {partner}, which bucket B does not have"
                self._reasons[id(volume)] = absent if partner else "the configuration says that it has no partner"

    def _at(self, path: str) -> list[StoredVolume]:
        return [volume for volume in self._left[Side.B] if spelled_alike(volume.path) == spelled_alike(path)]

    def _try(self, volume: StoredVolume, partner: _Key, reason: str) -> None:
        found = next((other for other in self._left[Side.B] if _key(other) == partner), None)
        # Meshes and what else has no arrays cannot be laid side by side, whatever it is called.
        if found is not None and volume in self._left[Side.A] and volume.arrays and found.arrays:
            self._take(volume, found, reason)

    def _take(self, a: StoredVolume, b: StoredVolume, reason: str) -> None:
        self._left[Side.A].remove(a)
        self._left[Side.B].remove(b)
        self._pairs.append(VolumePair(a, b, reason))

    def _is_left(self, volume: StoredVolume) -> bool:
        return not any(volume is pair.a or volume is pair.b for pair in self._pairs)

    def _unpaired(self, side: Side, volume: StoredVolume) -> Unpaired:
        is_absent = all(other.format is not volume.format for other in self._all[side.other])
        return Unpaired(side, volume, self._reason(side, volume, is_format_absent=is_absent), is_absent)

    def _reason(self, side: Side, volume: StoredVolume, *, is_format_absent: bool) -> str:
        if id(volume) in self._reasons:
            return self._reasons[id(volume)]
        other = f"bucket {side.other.value.upper()}"
        if is_format_absent and volume.format is not Format.N5:
            return f"{other} has no {volume.format.value} of this dataset"
        found = find_pair(volume.path)
        if not isinstance(found, Pair):
            return found.reason
        taken = [pair for pair in self._pairs if found.path in (pair.a.path, pair.b.path)]
        if taken:
            partner = taken[0].b if side is Side.B else taken[0].a
            return f"{found.path} is paired with {partner.path} already"
        return f"{other} has no {found.path}"

"""Which volume of the other bucket shows the same thing, and which of its blocks lies at the same place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mirror.formats.kinds import VolumeKind, classify_volume
from mirror.formats.n5.grid import BlockIndex


@dataclass(frozen=True, slots=True)
class Pair:
    """A volume of the other bucket."""

    path: str
    """Inside the container."""
    reason: str


@dataclass(frozen=True, slots=True)
class NoPair:
    """There is no partner, because ..."""

    reason: str


@dataclass(frozen=True, slots=True)
class PairRule:
    """One line of the table: a path in A's layout, the path in B's of what shows the same."""

    in_a: str
    """`*` stands for one name, the same in both."""
    in_b: str
    kinds: frozenset[VolumeKind]
    reason: str


RULES = (
    PairRule(
        "em/fibsem-uint16",
        "volumes/raw",
        frozenset({VolumeKind.EM}),
        "both are the EM of one acquisition; bucket B's was aligned, binned and inverted to 8 bits",
    ),
    PairRule(
        "labels/*",
        "volumes/labels/*",
        frozenset({VolumeKind.PREDICTION, VolumeKind.SEGMENTATION, VolumeKind.ANALYSIS}),
        "predictions, segmentations and analyses have one name in both",
    ),
)
"""Read from either side; the first that fits tells."""


@dataclass(frozen=True, slots=True)
class LevelGrid:
    """One level of a volume, as far as its blocks go."""

    shape_xyz: tuple[int, ...]
    """Voxels."""
    block_size_xyz: tuple[int, ...]
    is_mirrored_y: bool | None
    """Whether its rows are stored in the opposite order; None where nothing says."""


def find_pair(path: str) -> Pair | NoPair:
    """Return the volume of the other bucket that shows the same as the one at `path`.

    >>> find_pair("labels/er_pred").path, find_pair("volumes/raw").path
    ('volumes/labels/er_pred', 'em/fibsem-uint16')
    >>> find_pair("lm/er_palm").reason
    'no rule pairs volumes of kind lm'
    """
    kind = classify_volume(path).kind
    for rule in RULES:
        for here, there in ((rule.in_a, rule.in_b), (rule.in_b, rule.in_a)):
            match = re.fullmatch(re.escape(here).replace(r"\*", "([^/]+)"), path)
            if match is not None and kind in rule.kinds:
                return Pair(there.replace("*", match[1]) if match.groups() else there, rule.reason)
    if kind is VolumeKind.EM:
        return NoPair("of the EM only em/fibsem-uint16 and volumes/raw are paired")
    return NoPair(f"no rule pairs volumes of kind {kind.value}")


def find_block_pair(here: LevelGrid, there: LevelGrid, index: BlockIndex) -> BlockIndex | NoPair:
    """Return the block of a paired level that holds the same voxels as the block at `index`.

    >>> grid = LevelGrid((12000, 1600, 6368), (64, 64, 64), None)
    >>> find_block_pair(grid, grid, (187, 24, 99))
    (187, 24, 99)
    """
    if here.shape_xyz != there.shape_xyz:
        return NoPair(f"their shapes x,y,z differ: {_numbers(here.shape_xyz)} and {_numbers(there.shape_xyz)}")
    if here.block_size_xyz != there.block_size_xyz:
        sizes = f"{_numbers(here.block_size_xyz)} and {_numbers(there.block_size_xyz)}"
        return NoPair(f"their block sizes x,y,z differ: {sizes}")
    if bool(here.is_mirrored_y) != bool(there.is_mirrored_y):
        return NoPair("a manifest says that one of the two is stored mirrored in y")
    return index


def _numbers(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))

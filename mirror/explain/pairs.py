"""Which volume of the other bucket shows the same thing, and which of its blocks lies at the same place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mirror.explain.causes import Side
from mirror.formats.folder import Format
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
    """`*` stands for one name, the same in both, in this order."""
    in_b: str
    kinds: frozenset[VolumeKind]
    reason: str
    a_format: Format = Format.N5
    """Of A's container; B's is N5."""


@dataclass(frozen=True, slots=True)
class LonelyRule:
    """One line of the other table: a path, in either layout, of what has no partner."""

    path: str
    """`*` stands for one name, `**` for all below."""
    reason: str


_EM = frozenset({VolumeKind.EM})
_LM = frozenset({VolumeKind.LIGHT_MICROSCOPY})
_MASK = frozenset({VolumeKind.MASK})
_CROP = frozenset({VolumeKind.GROUND_TRUTH})
_COMPUTED = frozenset({VolumeKind.PREDICTION, VolumeKind.SEGMENTATION, VolumeKind.ANALYSIS, VolumeKind.DISTANCE})
_CROPS_IN_A, _CROPS_IN_B = "recon-1/labels/groundtruth", "volumes/groundtruth/0003"

RULES = (
    PairRule(
        "em/fibsem-uint16",
        "volumes/raw",
        _EM,
        "both are the EM of one acquisition; bucket B's was aligned, binned and inverted to 8 bits",
    ),
    PairRule("em/fibsem-uint8", "volumes/raw", _EM, "both are the EM of one acquisition in 8 bits"),
    PairRule(
        "recon-1/em/fibsem-uint8",
        "volumes/raw",
        _EM,
        "both are the EM of one acquisition in 8 bits; bucket A keeps it as zarr where its N5 is gone",
        Format.ZARR,
    ),
    PairRule(
        "labels/*", "volumes/labels/*", _COMPUTED, "predictions, segmentations and analyses have one name in both"
    ),
    PairRule(f"{_CROPS_IN_A}/*/ribo", f"{_CROPS_IN_B}/*/labels/ribosomes", _CROP, "ribo is ribosomes", Format.ZARR),
    PairRule(f"{_CROPS_IN_A}/*/cent", f"{_CROPS_IN_B}/*/labels/centrosome", _CROP, "cent is centrosome", Format.ZARR),
    PairRule(f"{_CROPS_IN_A}/*/*", f"{_CROPS_IN_B}/*/labels/*", _CROP, "one class of one annotated crop", Format.ZARR),
    PairRule("labels/masks/*", "volumes/masks/*", _MASK, "masks of the whole volume have one name in both"),
    PairRule("lm/*", "volumes/lm/*", _LM, "light microscopy has one name in both"),
    PairRule("lm/*", "volumes/lm/*_palm", _LM, "bucket B calls light microscopy by its method, PALM"),
)
"""Read from either side; the first that fits tells, and of several that fit volumes that are there, too."""

LONELY = (
    LonelyRule(
        "labels/gt", "bucket A keeps all annotated crops in one volume, bucket B an array for each crop (ground-truth)"
    ),
    LonelyRule("em/tem-*", "bucket B holds FIB-SEM only"),
    LonelyRule("volumes/subsampled/**", "bucket A keeps no subsampled-em beside its pyramids"),
    LonelyRule("volumes/masks/groundtruth/**", "bucket A keeps no mask of where crops were annotated"),
    LonelyRule("volumes/masks/validation/**", "bucket A keeps no mask of where crops were annotated"),
    LonelyRule("volumes/masks/training", "bucket A keeps no mask of where crops were annotated"),
    LonelyRule(f"{_CROPS_IN_B}/*/masks/*", "bucket A keeps no masks of single crops"),
)
"""Asked before the rules."""

_CROP_NAME = re.compile(r"(?<![^/])crop_?(?=[0-9]+(?:/|$))", re.IGNORECASE)


def find_pair(path: str) -> Pair | NoPair:
    """Return the volume of the other bucket that shows the same as the one at `path`.

    >>> find_pair("labels/er_pred").path, find_pair("volumes/raw").path
    ('volumes/labels/er_pred', 'em/fibsem-uint16')
    >>> find_pair("neuroglancer/mesh/er_seg").reason
    'no rule pairs volumes of kind mesh'
    """
    for lonely in LONELY:
        if _captured(lonely.path, path) is not None:
            return NoPair(lonely.reason)
    for rule in RULES:
        for side in Side:
            partner = partner_of(rule, path, side)
            if partner is not None:
                return Pair(partner, rule.reason)
    kind = classify_volume(path).kind
    if kind is VolumeKind.EM:
        return NoPair("of the EM only em/fibsem-uint16, em/fibsem-uint8 and volumes/raw are paired")
    return NoPair(f"no rule pairs volumes of kind {kind.value}")


def partner_of(rule: PairRule, path: str, side: Side) -> str | None:
    """Return the path that a rule pairs with the one of a volume in bucket `side`, or None where it does not fit.

    >>> partner_of(RULES[0], "volumes/raw", Side.B)
    'em/fibsem-uint16'
    """
    here, there = (rule.in_a, rule.in_b) if side is Side.A else (rule.in_b, rule.in_a)
    names = _captured(here, path)
    if names is None or classify_volume(path).kind not in rule.kinds:
        return None
    for name in names:
        there = there.replace("*", name, 1)
    return there


def spelled_alike(path: str) -> str:
    """Return a path as it is compared: groups of crops were called `Crop1` once and `crop1` later.

    >>> spelled_alike("volumes/groundtruth/0003/Crop1/labels/all")
    'volumes/groundtruth/0003/crop1/labels/all'
    """
    return _CROP_NAME.sub("crop", path)


def _captured(pattern: str, path: str) -> tuple[str, ...] | None:
    """Return what the stars of a pattern stand for in a path, or None where it does not fit."""
    expression = re.escape(pattern).replace(r"\*\*", "(.+)").replace(r"\*", "([^/]+)")
    match = re.fullmatch(expression, path)
    return None if match is None else match.groups()


@dataclass(frozen=True, slots=True)
class LevelGrid:
    """One level of a volume, as far as its blocks go."""

    shape_xyz: tuple[int, ...]
    """Voxels."""
    block_size_xyz: tuple[int, ...]
    is_mirrored_y: bool | None
    """Whether its rows are stored in the opposite order; None where nothing says."""


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

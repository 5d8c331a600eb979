"""Where a crop lies in raw: what each source says, in voxels of the raw that is meant, and which of them rules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from mirror.crops.box import Box
from mirror.crops.lattice import TOLERANCE_VOXELS, Lattice

NOMINAL_RAW_NM = 4.0
"""What a raw voxel measures in the `offset` of bucket B's ground truth: on every axis, whatever its true z spacing."""
GROUND_TRUTH_PER_RAW = 2
"""Voxels of ground truth in a raw voxel, along each axis."""


class CropSource(StrEnum):
    """What says where a crop lies. The values stand in JSON."""

    B_ATTRIBUTE = "b_attribute"
    """`offset` of bucket B's ground truth: x,y,z in nominal nanometres."""
    A_ATTRIBUTE = "a_attribute"
    """Where bucket A's zarr ground truth lies, as its own document says."""
    MONGO_OFFSET = "mongo_offset"
    """`offset` of the crop's document: x,y,z in voxels of bucket B's raw."""
    CELLMAP_MANIFEST = "cellmap_manifest"
    """`translation` of the cellmap table: z,y,x in nanometres of bucket A's world."""


class Frame(StrEnum):
    """Whose raw a place is counted in."""

    A = "a"
    B = "b"


HOME: Mapping[CropSource, Frame] = {
    CropSource.B_ATTRIBUTE: Frame.B,
    CropSource.MONGO_OFFSET: Frame.B,
    CropSource.A_ATTRIBUTE: Frame.A,
    CropSource.CELLMAP_MANIFEST: Frame.A,
}
"""Whose raw each source speaks of: in the other one's it places only where both have one grid."""

ORDER: Mapping[Frame, tuple[CropSource, ...]] = {
    Frame.A: (
        CropSource.A_ATTRIBUTE,
        CropSource.CELLMAP_MANIFEST,
        CropSource.MONGO_OFFSET,
        CropSource.B_ATTRIBUTE,
    ),
    Frame.B: (
        CropSource.B_ATTRIBUTE,
        CropSource.MONGO_OFFSET,
        CropSource.A_ATTRIBUTE,
        CropSource.CELLMAP_MANIFEST,
    ),
}
"""Who rules, the first that can: what lies beside the raw before what was written down elsewhere."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one source says, in voxels of one raw array that lies upright."""

    source: CropSource
    start_zyx: tuple[float, ...]
    """As computed, not rounded."""
    shape_zyx: tuple[int, ...]
    where: str = ""
    """The document or row that says so."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A claim, seen from one raw array."""

    claim: Claim
    may_place: bool
    """Whether the crop may be placed by it, were there no better source."""
    is_comparable: bool
    """Whether it speaks of this grid as far as is known, so that another answer is a contradiction."""
    reason: str
    """Why it may, or not."""


def claim_of_offset(offset_nm_xyz: Sequence[float], shape_xyz: Sequence[int], where: str = "") -> Claim:
    """Return what `offset` and `dimensions` of bucket B's ground truth say.

    The true z spacing has no part in it: 2400 nm of `offset` are 600 raw voxels of 5.24 nm.

    >>> claim = claim_of_offset((25864.0, 900.0, 2400.0), (1000, 1000, 200))
    >>> claim.start_zyx, claim.shape_zyx
    ((600.0, 225.0, 6466.0), (100, 500, 500))
    """
    start = tuple(value / NOMINAL_RAW_NM for value in reversed(offset_nm_xyz))
    shape = tuple(-(-n // GROUND_TRUTH_PER_RAW) for n in reversed(shape_xyz))
    return Claim(CropSource.B_ATTRIBUTE, start, shape, where)


def claim_of_voxels(offset_xyz: Sequence[float], shape_xyz: Sequence[int], where: str = "") -> Claim:
    """Return what `offset` and `dimensions` of the crop's document say: raw voxels, both of them.

    >>> claim_of_voxels((3125, 25, 2975), (500, 500, 250)).start_zyx
    (2975.0, 25.0, 3125.0)
    """
    start = tuple(float(value) for value in reversed(offset_xyz))
    return Claim(CropSource.MONGO_OFFSET, start, tuple(reversed(shape_xyz)), where)


def claim_of_translation(source: CropSource, ground_truth: Lattice, raw: Lattice, where: str = "") -> Claim | None:
    """Return what the place of the ground truth in the world says; None where a voxel size or the place is not known.

    A translation T is the centre of the first voxel. Of raw with voxels v that is `start * v`; ground truth with
    voxels w begins in the same corner, so its first centre lies (v - w) / 2 before: `start = (T + (v - w) / 2) / v`,
    which for w = v / 2 is the rule T = start * v - v / 4. Where raw has a translation of its own, T counts from it.

    >>> raw = Lattice((6368, 1600, 12000), (5.24, 4.0, 4.0))
    >>> ground_truth = Lattice((200, 1000, 1000), (2.62, 2.0, 2.0), (3132.21, 899.0, 25863.0))
    >>> claim = claim_of_translation(CropSource.CELLMAP_MANIFEST, ground_truth, raw)
    >>> [round(one, 6) for one in claim.start_zyx], claim.shape_zyx
    ([598.0, 225.0, 6466.0], (100, 500, 500))
    """
    sizes, raw_sizes, at = ground_truth.voxel_size_nm_zyx, raw.voxel_size_nm_zyx, ground_truth.translation_nm_zyx
    if sizes is None or raw_sizes is None or at is None:
        return None
    origin = raw.translation_nm_zyx or (0.0,) * len(raw_sizes)
    start = tuple((t - o + (v - w) / 2) / v for t, o, v, w in zip(at, origin, raw_sizes, sizes, strict=True))
    sides = zip(ground_truth.shape_zyx, sizes, raw_sizes, strict=True)
    return Claim(source, start, tuple(math.ceil(n * w / v - TOLERANCE_VOXELS) for n, w, v in sides), where)


def voxel_size_by_ground_truth(ground_truth: Lattice, raw_shape_zyx: Sequence[int] | None) -> tuple[float, ...] | None:
    """Return the voxel size of raw where only ground truth has one: twice that, if the crop's own shape confirms it."""
    sizes = ground_truth.voxel_size_nm_zyx
    if sizes is None or raw_shape_zyx is None:
        return None
    if ground_truth.shape_zyx != tuple(n * GROUND_TRUTH_PER_RAW for n in raw_shape_zyx):
        return None
    return tuple(size * GROUND_TRUTH_PER_RAW for size in sizes)


def opinion_of(claim: Claim, frame: Frame, raw: Lattice, other_raw: Lattice | None) -> Opinion:
    """Return a claim as it counts for the raw of `frame`.

    Parameters
    ----------
    claim
        In voxels of the raw that its source speaks of; a claim made of nanometres is in voxels of `raw` already.
    other_raw
        Raw of the other bucket; None where the catalog does not know it.
    """
    home = HOME[claim.source]
    if home is frame:
        return Opinion(claim, may_place=True, is_comparable=True, reason=f"it speaks of bucket {home.upper()}'s raw")
    if other_raw is None:
        reason = f"it speaks of bucket {home.upper()}'s raw, whose grid the catalog does not know"
        return Opinion(claim, may_place=False, is_comparable=True, reason=reason)
    fault = _grid_fault(raw, other_raw)
    if fault is not None:
        reason = f"it speaks of bucket {home.upper()}'s raw, {fault}"
        is_open = raw.voxel_size_nm_zyx is None or other_raw.voxel_size_nm_zyx is None
        is_comparable = is_open and raw.shape_zyx == other_raw.shape_zyx
        return Opinion(claim, may_place=False, is_comparable=is_comparable, reason=reason)
    reason = f"it speaks of bucket {home.upper()}'s raw, which has the same shape and voxel size"
    return Opinion(_shifted(claim, raw, other_raw), may_place=True, is_comparable=True, reason=reason)


def rule(opinions: Iterable[Opinion], frame: Frame) -> tuple[Opinion, Box] | None:
    """Return the opinion that places the crop, and the box it gives; None where none can.

    Of several opinions of one source the first counts. One whose start lies half-way between two voxels does not
    place: either would be a guess.
    """
    able = [(one, box) for one in opinions if one.may_place and (box := rounded(one.claim)) is not None]
    for source in ORDER[frame]:
        for one, box in able:
            if one.claim.source is source:
                return one, box
    return None


def rounded(claim: Claim) -> Box | None:
    """Return the box of whole voxels nearest to a claim; None where a start lies half-way between two, or nowhere.

    >>> rounded(Claim(CropSource.CELLMAP_MANIFEST, (597.996, 225.0, 6466.3), (100, 500, 500)))
    Box(start_zyx=(598, 225, 6466), shape_zyx=(100, 500, 500))
    >>> rounded(Claim(CropSource.B_ATTRIBUTE, (600.5, 225.0, 6466.0), (100, 500, 500))) is None
    True
    """
    if not all(map(math.isfinite, claim.start_zyx)) or len(claim.start_zyx) != len(claim.shape_zyx):
        return None
    if any(abs(a - math.floor(a) - 0.5) < TOLERANCE_VOXELS for a in claim.start_zyx):
        return None
    return Box(tuple(map(round, claim.start_zyx)), claim.shape_zyx)


def is_integral(claim: Claim) -> bool:
    """Return whether a claim begins at whole voxels, within what documents may be off by."""
    return all(math.isfinite(a) and abs(a - round(a)) <= TOLERANCE_VOXELS for a in claim.start_zyx)


def agrees(claim: Claim, box: Box) -> bool:
    """Return whether a claim gives that box, within what documents may be off by."""
    if len(claim.start_zyx) != len(box.start_zyx) or claim.shape_zyx != box.shape_zyx:
        return False
    return all(abs(a - b) <= TOLERANCE_VOXELS for a, b in zip(claim.start_zyx, box.start_zyx, strict=True))


def _grid_fault(raw: Lattice, other: Lattice) -> str | None:
    """Return why two raw arrays have not one grid as far as is known, or None where they have."""
    if raw.shape_zyx != other.shape_zyx:
        return f"which has {list(other.shape_zyx)} voxels and not {list(raw.shape_zyx)}"
    if raw.voxel_size_nm_zyx is None or other.voxel_size_nm_zyx is None:
        return "and the voxel size of one of the two is not known"
    sizes = zip(raw.voxel_size_nm_zyx, other.voxel_size_nm_zyx, strict=True)
    if any(abs(v - w) > TOLERANCE_VOXELS * v for v, w in sizes):
        return f"whose voxels measure {list(other.voxel_size_nm_zyx)} nm and not {list(raw.voxel_size_nm_zyx)}"
    return None


def _shifted(claim: Claim, raw: Lattice, other: Lattice) -> Claim:
    """Return a claim in voxels of the other raw as one in voxels of raw: they may begin at different places."""
    if claim.source not in {CropSource.B_ATTRIBUTE, CropSource.MONGO_OFFSET}:
        return claim
    sizes, here, there = raw.voxel_size_nm_zyx, raw.translation_nm_zyx, other.translation_nm_zyx
    if sizes is None or here is None or there is None:
        return claim
    shifts = ((to - at) / size for at, to, size in zip(here, there, sizes, strict=True))
    return replace(claim, start_zyx=tuple(a + shift for a, shift in zip(claim.start_zyx, shifts, strict=True)))

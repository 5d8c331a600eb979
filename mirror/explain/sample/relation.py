"""How the voxels of two blocks are related: a closed list, with the evidence for what is claimed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from mirror.explain.sample.agreement import Agreement, agreement
from mirror.explain.sample.align import Shift, find_shift, overlap, refined, shifted
from mirror.explain.sample.chance import MIN_BITS, arrangement_bits, needed_sigmas
from mirror.explain.sample.decode import Voxels

_LEAST_PART = 0.5
"""Of each axis that two blocks must share after a shift."""
_IDENTITY_LOSS = 2.0
"""Values count as unchanged by a shift of parts of a voxel, which no voxel shows, if the line b = a leaves at most so
many times the variance that the best line leaves. Splines alone make it 1.0 to 1.5; 8 bits of 16 make it thousands."""
_NEAR = 1.5
"""Voxels between the peak that is beyond chance and the finer one, which else is another."""


class Relation(StrEnum):
    """What voxels of A and B have to do with each other. The values stand in JSON."""

    SAME = "same"
    """Every voxel has the same value, in either type."""
    INVERTED = "inverted"
    """Bright is dark: max - v, scaled or not."""
    LINEAR = "linear"
    """B is a multiple of A and an offset, rounded, with noise."""
    MIRRORED_Y = "mirrored-y"
    """Row j of B is row ny - 1 - j of A."""
    SHIFTED = "shifted"
    """By voxels or parts of one."""
    COMBINED = "combined"
    """More than one of these; see `Match.parts`."""
    DIFFERENT = "different"
    """Not the same voxels: nothing that they share is beyond chance."""
    UNDECIDED = "undecided"
    """Constant, tiny, too smooth, or not readable: these blocks tell nothing."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The line b = slope x a + offset through the voxels that lie on each other."""

    slope: float
    offset: float
    residual: float
    """Standard deviation of B from the line, in B's values."""
    correlation: float
    """Of the voxels as they are; its square is the part of B's variance that the line explains."""
    n_voxels: int
    n_different: int
    """Voxels of B that are not the line's value, rounded. 0 claims exactness of all `n_voxels`."""


@dataclass(frozen=True, slots=True)
class Match:
    """Both blocks show the same thing."""

    fit: Fit
    is_mirrored_y: bool
    shift_zyx: Shift
    """Voxels: what B (mirrored, if it is) shows at p, A shows at p + shift."""
    is_identity: bool
    """Whether values are the same: each one, or as nearly as a shift by parts of a voxel lets tell."""
    agreement: Agreement | None
    """How far beyond chance; None where every voxel agrees."""

    @property
    def parts(self) -> tuple[Relation, ...]:
        """What must be done to A to have B; only SAME where nothing."""
        values = Relation.INVERTED if self.fit.slope < 0 else Relation.LINEAR
        parts = {
            values: not self.is_identity,
            Relation.MIRRORED_Y: self.is_mirrored_y,
            Relation.SHIFTED: any(self.shift_zyx),
        }
        return tuple(part for part, holds in parts.items() if holds) or (Relation.SAME,)

    @property
    def relation(self) -> Relation:
        """The one word for it."""
        return self.parts[0] if len(self.parts) == 1 else Relation.COMBINED


@dataclass(frozen=True, slots=True)
class NoMatch:
    """Nothing beyond chance was found; `relation` says whether that means anything."""

    relation: Relation
    """DIFFERENT or UNDECIDED."""
    reason: str
    agreement: Agreement | None = None
    """The best that was found."""


def compare(a_zyx: Voxels, b_zyx: Voxels, radius_zyx: tuple[int, ...]) -> Match | NoMatch:
    """Return how two blocks of one shape are related, at shifts of up to a radius in voxels.

    Values are compared one by one first. SAME is claimed of nothing else, and not of blocks that chance can make
    equal: constant ones, halves, single odd voxels.
    """
    if is_constant(a_zyx) or is_constant(b_zyx):
        return NoMatch(Relation.UNDECIDED, "a block is constant or empty")
    if not (np.isfinite(a_zyx).all() and np.isfinite(b_zyx).all()):
        return NoMatch(Relation.UNDECIDED, "a block holds values that are not finite")
    exact = _exact(a_zyx, b_zyx, (0.0,) * a_zyx.ndim)
    if exact is not None:
        return exact
    found = agreement(a_zyx, b_zyx, radius_zyx)
    if not found.is_beyond_chance:
        if found.could_tell and found.is_within_chance:
            return NoMatch(Relation.DIFFERENT, "no agreement beyond chance", found)
        return NoMatch(Relation.UNDECIDED, "too little agreement, or structure, to tell from chance", found)
    return _matched(a_zyx, b_zyx, found)


def is_constant(voxels_zyx: Voxels) -> bool:
    """Return whether a block has one value only, or none."""
    return voxels_zyx.size == 0 or bool((voxels_zyx == voxels_zyx.flat[0]).all())


def _exact(a_zyx: Voxels, b_zyx: Voxels, shift_zyx: Shift) -> Match | NoMatch | None:
    """Return the match where every voxel is the same or max - v; None where that is not so."""
    a_part, b_part = _parts(a_zyx, b_zyx, shift_zyx)
    slope = 1.0 if _equal(a_part, b_part) else -1.0 if _is_complement(a_part, b_part) else 0.0
    if slope == 0:
        return None
    bits = arrangement_bits(a_part)
    if bits < MIN_BITS:
        return NoMatch(Relation.UNDECIDED, f"equal, and yet {bits:.0f} bits tell too little")
    offset = 0.0 if slope > 0 else float(a_part.flat[0]) + float(b_part.flat[0])
    fit = Fit(slope, offset, 0.0, slope, a_part.size, 0)
    return Match(fit, is_mirrored_y=False, shift_zyx=shift_zyx, is_identity=slope > 0, agreement=None)


def _parts(a_zyx: Voxels, b_zyx: Voxels, shift_zyx: Shift) -> tuple[Voxels, Voxels]:
    """Return what of both lies on each other after a shift by whole voxels."""
    whole = tuple(int(by) for by in shift_zyx)
    a_cut = tuple(slice(max(0, by), n + min(0, by)) for n, by in zip(a_zyx.shape, whole, strict=True))
    b_cut = tuple(slice(max(0, -by), n - max(0, by)) for n, by in zip(a_zyx.shape, whole, strict=True))
    return a_zyx[a_cut], b_zyx[b_cut]


def _equal(a: Voxels, b: Voxels) -> bool:
    return bool((a == b).all())


def _is_complement(a: Voxels, b: Voxels) -> bool:
    """Return whether a + b is one number everywhere, without a sum that overflows."""
    if a.dtype.kind not in "ui" or b.dtype.kind not in "ui":
        return False
    total = int(a.flat[0]) + int(b.flat[0])
    flipped = [total - value for value in (int(a.min()), int(a.max()))]
    fits = min(flipped) >= np.iinfo(b.dtype).min and max(flipped) <= np.iinfo(b.dtype).max
    if not fits:
        return False
    # Modulo 2^64 the difference is the right one, for the true one fits B's type.
    modulo = np.uint64(total % 2**64) - a.astype(np.uint64)
    return bool((modulo.astype(b.dtype) == b).all())


def _matched(a_zyx: Voxels, b_zyx: Voxels, found: Agreement) -> Match | NoMatch:
    shift_zyx = _best_shift(a_zyx, b_zyx, found)
    if all(by.is_integer() for by in shift_zyx):
        exact = _exact(a_zyx, b_zyx, shift_zyx)
        if exact is not None:
            return exact
    fit, loss = _fit(a_zyx, b_zyx, shift_zyx)
    # Whole voxels can be compared one by one, and were: they are not the same.
    is_identity = loss <= _IDENTITY_LOSS and not all(by.is_integer() for by in shift_zyx)
    return Match(fit, is_mirrored_y=False, shift_zyx=shift_zyx, is_identity=is_identity, agreement=found)


def _best_shift(a_zyx: Voxels, b_zyx: Voxels, found: Agreement) -> Shift:
    """Return the finer shift near the one found, each axis as plain as explains the voxels as well: 0, then whole."""
    whole: Shift = tuple(float(by) for by in found.shift_zyx)
    found_zyx = find_shift(a_zyx, b_zyx)
    fine = refined(a_zyx, b_zyx, found_zyx if _is_near(found_zyx, whole) else whole)
    best = fine if _is_near(fine, whole) and _shares_enough(a_zyx.shape, fine) else whole
    for axis, by in enumerate(best):
        for plainer in {0.0, float(round(by))} - {by}:
            candidate = tuple(plainer if i == axis else one for i, one in enumerate(best))
            if abs(plainer - by) < 1 and not _explains_more(a_zyx, b_zyx, best, candidate, found.count):
                best = candidate
    return best


def _is_near(fine: Shift, whole: Shift) -> bool:
    return all(abs(one - other) <= _NEAR for one, other in zip(fine, whole, strict=True))


def _shares_enough(shape_zyx: tuple[int, ...], shift_zyx: Shift) -> bool:
    kept = zip(overlap(shape_zyx, shift_zyx), shape_zyx, strict=True)
    return all(cut.stop - cut.start >= _LEAST_PART * n for cut, n in kept)


def _explains_more(a_zyx: Voxels, b_zyx: Voxels, shift_zyx: Shift, than_zyx: Shift, count: float) -> bool:
    """Return whether a shift lowers the unexplained variance by more than chance does (a likelihood ratio)."""
    both = tuple(max(one, other, key=abs) for one, other in zip(shift_zyx, than_zyx, strict=True))
    ours, theirs = (1 - _fit(a_zyx, b_zyx, one, both)[0].correlation ** 2 for one in (shift_zyx, than_zyx))
    gain = count * (np.log(max(theirs, 1e-12)) - np.log(max(ours, 1e-12)))
    return bool(gain > needed_sigmas(1) ** 2)


def _laid(a_zyx: Voxels, b_zyx: Voxels, shift_zyx: Shift, shared_zyx: Shift) -> list[NDArray[np.float64]]:
    """Return the voxels that lie on each other after a shift, of those that `shared_zyx` leaves as well."""
    if all(by.is_integer() for by in shared_zyx):
        return [one.astype(np.float64).ravel() for one in _parts(a_zyx, b_zyx, shift_zyx)]
    shared = overlap(a_zyx.shape, shared_zyx)
    return [a_zyx[shared].astype(np.float64).ravel(), shifted(b_zyx, shift_zyx)[shared].ravel()]


def _fit(a_zyx: Voxels, b_zyx: Voxels, shift_zyx: Shift, shared_zyx: Shift | None = None) -> tuple[Fit, float]:
    """Return the line through what lies on each other, and how many times its variance the line b = a leaves."""
    a, b = _laid(a_zyx, b_zyx, shift_zyx, shared_zyx or shift_zyx)
    a_mean, b_mean = float(a.mean()), float(b.mean())
    a_square, b_square = float(((a - a_mean) ** 2).sum()), float(((b - b_mean) ** 2).sum())
    if a_square == 0 or b_square == 0:
        return Fit(0.0, b_mean, float(np.sqrt(b_square / b.size)), 0.0, a.size, a.size), float("inf")
    product = float(((a - a_mean) * (b - b_mean)).sum())
    slope, correlation = product / a_square, product / np.sqrt(a_square * b_square)
    offset = b_mean - slope * a_mean
    line = slope * a + offset
    left = float(((b - line) ** 2).sum())
    fit = Fit(
        slope,
        offset,
        float(np.sqrt(left / b.size)),
        float(correlation),
        a.size,
        int(np.count_nonzero(np.rint(line) != np.rint(b))),
    )
    return fit, float(((b - a) ** 2).sum()) / left if left > 0 else 1.0

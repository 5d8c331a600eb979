"""One paired level: where its bytes lie, and what each cause makes of the difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from mirror.explain.causes import CONTRIBUTING, Cause, Place, Side
from mirror.explain.laying import Laid, LevelInput, lay_levels
from mirror.explain.lmdi import log_ratio, share_out
from mirror.explain.overlap import EDGE, GroupSums, Overlap, SideSums
from mirror.explain.result import LevelExplanation, LevelSide, OnlyIn, Share, Unexplained
from mirror.explain.stored import StoredArray
from mirror.formats.data_type import element_bytes
from mirror.objects import Tally

OWN_DOCUMENTS = "each bucket describes its volumes in documents of its own"
_DAMAGED = "shorter than the header of a block"
_STRAY = "in the array's folder, and none of its blocks"
_CONTRADICTION = "the sums of the listing and its rows do not agree"
_TYPE_UNKNOWN = "bytes of a voxel are not known"

_Factors = dict[Cause, Fraction]


@dataclass(frozen=True, slots=True)
class ExplainedLevel:
    """A level, and the objects of its folders that are no part of its difference."""

    level: LevelExplanation
    only: tuple[OnlyIn, ...]
    unexplained: tuple[Unexplained, ...]


def explain_level(a: LevelInput, b: LevelInput, where: str) -> ExplainedLevel:
    """Return what each cause makes of the difference of two levels. Every object of both is in one place.

    Parameters
    ----------
    where
        The level as a place in a report.

    Raises
    ------
    ValueError
        Rows of blocks do not ascend.
    """
    laid = lay_levels(a, b)
    level = _explain(a, b, laid)
    only: list[OnlyIn] = []
    odd: list[Unexplained] = []
    for side, one, sums in ((Side.A, a, laid.overlap.a), (Side.B, b, laid.overlap.b)):
        left = _left_over(one.array, sums)
        only += _beside(side, one.array, sums, left, where)
        if min(left.objects, left.bytes) < 0:
            odd.append(Unexplained(where, side.sign * left.bytes, _CONTRADICTION))
    if level.unexplained_bytes:
        odd.append(Unexplained(where, level.unexplained_bytes, "; ".join(laid.notes) or _TYPE_UNKNOWN))
    return ExplainedLevel(level, tuple(only), tuple(odd))


def _explain(a: LevelInput, b: LevelInput, laid: Laid) -> LevelExplanation:
    overlap = laid.overlap
    shares = tuple(_all_shares(a, b, overlap))
    contributions = dict.fromkeys((*CONTRIBUTING, Cause.UNEXPLAINED), 0)
    contributions[Cause.VOXELS] = overlap.a.outside.bytes - overlap.b.outside.bytes
    contributions[Cause.ONE_SIDED_BLOCKS] = overlap.a.one_sided.bytes - overlap.b.one_sided.bytes
    for name, ours in overlap.a.groups.items():
        header_a, header_b = _header_bytes(a, b, ours), _header_bytes(b, a, overlap.b.groups[name])
        contributions[Cause.HEADERS] += header_a - header_b
    for share in shares:
        contributions[share.cause] += share.bytes
    unexplained_bytes = contributions.pop(Cause.UNEXPLAINED)
    return LevelExplanation(
        level=a.array.level if a.array.level_index is not None else b.array.level,
        a=_level_side(a, overlap.a),
        b=_level_side(b, overlap.b),
        contributions=contributions,
        unexplained_bytes=unexplained_bytes,
        shares=shares,
        n_common=overlap.n_common,
        notes=laid.notes,
        is_approximate=laid.is_approximate,
    )


def _header_bytes(one: LevelInput, other: LevelInput, group: GroupSums) -> int:
    """Return the bytes of all headers of a group; none where either level is not understood."""
    is_known = one.array.facts is not None and other.array.facts is not None
    return min(group.size, group.n_blocks * one.header_bytes) if is_known else 0


def _all_shares(a: LevelInput, b: LevelInput, overlap: Overlap) -> Iterator[Share]:
    for name, ours in overlap.a.groups.items():
        theirs = overlap.b.groups[name]
        factors_a = _factors(name, a, ours, ours.size - _header_bytes(a, b, ours))
        factors_b = _factors(name, b, theirs, theirs.size - _header_bytes(b, a, theirs))
        if Cause.UNEXPLAINED in factors_a or Cause.UNEXPLAINED in factors_b:
            factors_a, factors_b = _as_far_as_known(factors_a, factors_b)
        yield from _shares(name, factors_a, factors_b)


def _shares(name: str, a: _Factors, b: _Factors) -> Iterator[Share]:
    made = share_out(a, b)
    for cause, n_bytes in made.items():
        ratio = log_ratio(a[cause], b[cause]) if a[cause] and b[cause] else None
        yield Share(name, cause, a[cause], b[cause], ratio, n_bytes)


def _factors(name: str, one: LevelInput, group: GroupSums, payload: int) -> _Factors:
    """Return what the payload is a product of; with `unexplained` where it cannot be taken apart."""
    n_bytes = None if one.array.facts is None else element_bytes(one.array.facts.data_type)
    if not group.n_voxels:
        return {Cause.UNEXPLAINED: Fraction(payload)}
    voxels = Fraction(group.n_voxels)
    if n_bytes is None:
        return {Cause.VOXELS: voxels, Cause.UNEXPLAINED: payload / voxels}
    factors = {Cause.VOXELS: voxels, Cause.BYTES_PER_VOXEL: Fraction(n_bytes)}
    if name == EDGE:
        factors[Cause.EDGE_PADDING] = _padding(one.array, group, Fraction(payload, group.n_voxels * n_bytes))
    stored = voxels * n_bytes * factors.get(Cause.EDGE_PADDING, 1)
    return {**factors, Cause.COMPRESSION: payload / stored}


def _padding(array: StoredArray, group: GroupSums, stored_ratio: Fraction) -> Fraction:
    """Return by how much filling up makes the payload at the edge larger, where that is known: 1 where it is not.

    Without compression all that is stored beyond the voxels of the array is padding.
    """
    is_raw = array.facts is not None and array.facts.compression.get("type") == "raw"
    if is_raw and 1 <= stored_ratio <= Fraction(group.n_padded_voxels, group.n_voxels):
        return stored_ratio
    return array.padding if array.padding is not None and not is_raw else Fraction(1)


def _as_far_as_known(a: _Factors, b: _Factors) -> tuple[_Factors, _Factors]:
    """Return both with the factors that both know, and all the rest of the payload as unexplained."""
    known = [cause for cause in a if cause in b and cause is not Cause.UNEXPLAINED]
    return _with_rest(a, known), _with_rest(b, known)


def _with_rest(factors: _Factors, known: Iterable[Cause]) -> _Factors:
    kept = {cause: factors[cause] for cause in known}
    rest = Fraction(1)
    for cause, factor in factors.items():
        rest *= 1 if cause in kept else factor
    return {**kept, Cause.UNEXPLAINED: rest}


def _level_side(one: LevelInput, sums: SideSums) -> LevelSide:
    headers = one.array.headers if one.has_headers else None
    return LevelSide(one.array.facts, sums.sound, sums.one_sided, sums.outside, headers)


def _left_over(array: StoredArray, sums: SideSums) -> Tally:
    """Return the objects of an array's folders that are neither blocks nor documents."""
    known = (array.documents, sums.sound, sums.damaged)
    return Tally(
        array.listed.objects - sum(one.objects for one in known), array.listed.bytes - sum(one.bytes for one in known)
    )


def _beside(side: Side, array: StoredArray, sums: SideSums, left: Tally, where: str) -> Iterator[OnlyIn]:
    yield OnlyIn(side, Place.METADATA, where, array.documents, OWN_DOCUMENTS)
    yield OnlyIn(side, Place.DAMAGED, where, sums.damaged, _DAMAGED)
    if min(left.objects, left.bytes) >= 0:
        yield OnlyIn(side, Place.STRAY, where, left, _STRAY, array.stray_examples)

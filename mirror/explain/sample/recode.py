"""A's voxels stored step by step as B stores its own, and how many bytes each way of storing takes at a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product

import numpy as np

from mirror.errors import MirrorError
from mirror.explain.sample.codecs import compress
from mirror.explain.sample.decode import Storage, Undecodable, Voxels, codec_of
from mirror.explain.sample.relation import Fit

LEAST_EXPLAINED = 0.5
"""Of B's variance, by the line from A, for A's voxels to be converted by it: else it tells more of noise than of B."""


class Step(StrEnum):
    """One way in which A and B store differently."""

    TYPE = "type"
    CODEC = "codec"
    BLOCK_SIZE = "block_size"


Done = frozenset[Step]
"""Steps that were made."""


@dataclass(frozen=True, slots=True)
class Recoded:
    """What one place takes, all measured with one library, without headers."""

    a_bytes: Mapping[Done, int]
    """A's voxels after each set of steps; of no step: as A says that it stores them."""
    b_bytes: int
    """B's voxels as B says that it stores them."""


def steps_between(a: Storage, b: Storage, fit: Fit | None) -> tuple[Step, ...]:
    """Return in what A and B store differently; without TYPE where no line leads from A's values to B's.

    Parameters
    ----------
    fit
        Of the whole level, see `level_fit`; None where there is none.
    """
    differs = {
        Step.TYPE: a.data_type != b.data_type and fit is not None,
        Step.CODEC: codec_of(a) != codec_of(b),
        Step.BLOCK_SIZE: a.block_size_xyz != b.block_size_xyz,
    }
    return tuple(step for step, is_other in differs.items() if is_other)


def recode(a_zyx: Voxels, b_zyx: Voxels, a: Storage, b: Storage, fit: Fit | None) -> Recoded | Undecodable:
    """Return what a place takes after each set of steps, or why it cannot be encoded.

    Parameters
    ----------
    a_zyx, b_zyx
        The place's voxels; where block sizes differ, of a cell that holds whole blocks of both.
    """
    try:
        return Recoded(_encoded_a(a_zyx, a, b, fit), encoded_bytes(b_zyx, b))
    except MirrorError as error:
        return Undecodable.of_codec(error)


def _encoded_a(a_zyx: Voxels, a: Storage, b: Storage, fit: Fit | None) -> dict[Done, int]:
    steps = steps_between(a, b, fit)
    converted = a_zyx if fit is None or Step.TYPE not in steps else convert(a_zyx, fit, b.data_type)
    encoded = {}
    for n_steps in range(len(steps) + 1):
        for done in map(frozenset, combinations(steps, n_steps)):
            voxels = converted if Step.TYPE in done else a_zyx
            encoded[done] = encoded_bytes(voxels, _after(a, b, done))
    return encoded


def _after(a: Storage, b: Storage, done: Done) -> Storage:
    by_type, by_codec, by_block = ((b if step in done else a) for step in Step)
    return Storage(
        # Formats name codecs and order bytes in their own way: they go with the codec.
        by_codec.format,
        by_type.data_type,
        by_codec.compression,
        by_block.block_size_xyz,
        by_codec.byte_order,
    )


def convert(a_zyx: Voxels, fit: Fit, data_type: str) -> Voxels:
    """Return A's voxels in B's type: along the line, rounded and clipped where the type is of whole numbers."""
    line = fit.slope * a_zyx.astype(np.float64) + fit.offset
    kind = np.dtype(data_type)
    if kind.kind not in "iu":
        return line.astype(kind)
    limits = np.iinfo(kind)
    # The next number below, for the largest of 64 bits is none that a float can be.
    highest = np.nextafter(float(limits.max) + 1, 0) if limits.bits == 64 else float(limits.max)
    return np.rint(line).clip(float(limits.min), highest).astype(kind)


def encoded_bytes(voxels_zyx: Voxels, storage: Storage) -> int:
    """Return the bytes of the payloads that voxels take, cut into blocks from their first corner on.

    Raises
    ------
    MirrorError
        The codec is not known, or its library refuses its parameters.
    """
    codec = codec_of(storage)
    if isinstance(codec, Undecodable):
        raise MirrorError("cannot encode blocks", found=codec.reason)
    stored = voxels_zyx.astype(storage.dtype)
    size_zyx = storage.block_size_xyz[::-1]
    starts = product(*(range(0, n, size) for n, size in zip(stored.shape, size_zyx, strict=True)))
    return sum(
        len(compress(_block(stored, start, size_zyx).tobytes(), codec, storage.dtype.itemsize)) for start in starts
    )


def _block(voxels_zyx: Voxels, start: tuple[int, ...], size: tuple[int, ...]) -> Voxels:
    return voxels_zyx[tuple(slice(at, at + n) for at, n in zip(start, size, strict=True))]

"""What crops choose of a dataset: of raw the blocks that their boxes touch, of ground truth whole volumes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mirror.crops.blocks import BlockUnion, blocks_touched
from mirror.crops.box import Box
from mirror.crops.lattice import Lattice, level_factors_zyx
from mirror.crops.spec import CropSpec
from mirror.errors import UsageError
from mirror.formats.block_keys import GridKeys
from mirror.formats.folder import METADATA_NAMES, Format
from mirror.formats.layout import Array, ArrayFacts, Volume


@dataclass(frozen=True, slots=True)
class ChosenCrop:
    """One crop and where it lies in a bucket."""

    number: str
    source: str
    """What says where it lies, a word of `CropSource`."""
    raw: str
    """Full prefix of the volume of raw."""
    box: Box
    """Voxels of that volume's finest level, as it is stored; without padding."""
    ground_truth: tuple[str, ...]
    """Full prefixes of the volumes of its ground truth; () where the bucket has none."""


@dataclass(frozen=True, slots=True)
class CropChoice:
    """The crops of one dataset that are mirrored."""

    spec: CropSpec
    crops: tuple[ChosenCrop, ...]
    unplaced: tuple[tuple[str, str], ...] = ()
    """Numbers of crops that nothing places, each with the reason."""

    @property
    def boxes(self) -> Mapping[str, tuple[Box, ...]]:
        """Full prefix of a volume of raw to the boxes in it, padded."""
        found: dict[str, list[Box]] = {}
        for crop in self.crops:
            found.setdefault(crop.raw, []).append(crop.box.padded(self.spec.padding))
        return {prefix: tuple(boxes) for prefix, boxes in found.items()}

    @property
    def whole(self) -> frozenset[str]:
        """Full prefixes of the volumes that are taken whole."""
        return frozenset(prefix for crop in self.crops for prefix in crop.ground_truth)

    def describe(self) -> dict[str, Any]:
        """Return the choice as the catalog keeps it."""
        return {
            "crops": [
                {
                    "number": crop.number,
                    "source": crop.source,
                    "raw": crop.raw,
                    "start_zyx": list(crop.box.start_zyx),
                    "shape_zyx": list(crop.box.shape_zyx),
                    "ground_truth": list(crop.ground_truth),
                }
                for crop in self.crops
            ],
            "crops_asked": str(self.spec),
            "padding": self.spec.padding,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of an array only some blocks, and its metadata.

    >>> from mirror.crops.blocks import BlockBox
    >>> wanted = Wanted(GridKeys((4, 4, 4)), BlockUnion((BlockBox((1, 0, 0), (2, 1, 4)),)))
    >>> [wanted.takes(key) for key in ("1/0/3", "1/1/3", "attributes.json", "a stray")]
    [True, False, True, False]
    """

    keys: GridKeys
    blocks: BlockUnion
    """In the order of the numbers in a key: x first in N5, the document's order in zarr."""
    is_turned: bool = False
    """Whether that is z first."""
    with_mirrored: bool = False
    """Whether those that the share has are compared as well, so that new metadata never lie beside old blocks."""

    @property
    def blocks_xyz(self) -> BlockUnion:
        """The same, x first."""
        return self.blocks.turned() if self.is_turned else self.blocks

    def takes(self, suffix: str) -> bool:
        """Return whether a key below the array's prefix is meant."""
        if suffix in METADATA_NAMES:
            return True
        index = self.keys.index_of(suffix)
        return index is not None and index in self.blocks


def wanted_of(volume: Volume, array: Array, boxes: Iterable[Box]) -> Wanted:
    """Return the blocks of a level that boxes touch.

    Parameters
    ----------
    boxes
        In voxels of the volume's finest level, as it is stored; they may reach outside of it.

    Raises
    ------
    UsageError
        The blocks of the array cannot be told by their place, or it has not three axes.
    """
    facts, keys = _checked(array)
    factors = _factors_zyx(volume, array, facts)
    shape_zyx = _shape_zyx(volume, facts, factors)
    # Cut first: the last voxel of a level may reach over the edge of the finest.
    touched = (blocks_touched(facts.grid, box.clipped(shape_zyx).coarser(factors)) for box in boxes)
    is_turned = array.format is Format.ZARR
    union = BlockUnion.of(touched)
    return Wanted(keys, union.turned() if is_turned else union, is_turned)


def _checked(array: Array) -> tuple[ArrayFacts, GridKeys]:
    """Return what is known of an array whose blocks are found by their place in the grid."""
    facts, keys = array.facts, array.block_keys
    found = f"{array.format} whose metadata could not be read"
    if facts is not None and isinstance(keys, GridKeys):
        # zarr in Fortran's order has x first in its keys, though not in its documents: nothing here has such an array.
        counts = facts.grid.shape_in_blocks_xyz if facts.ndim else ()
        is_as_told = keys.shape_in_blocks == (counts if array.format is Format.N5 else counts[::-1])
        if facts.ndim == 3 and is_as_told and facts.inner_block_size_xyz is None:
            return facts, keys
        found = f"{facts.ndim} axes" if facts.ndim != 3 else "shards" if facts.inner_block_size_xyz else "another order"
    elif facts is not None:
        found = f"{array.format} in boxes or shards"
    raise UsageError(
        "the blocks that a crop touches cannot be told",
        array.prefix,
        expected="blocks of N5 or unsharded chunks of zarr, in three axes",
        found=found,
        hint="Choose other levels with --scales, or mirror the volume whole: --volumes in place of --crops.",
    )


def _factors_zyx(volume: Volume, array: Array, facts: ArrayFacts) -> tuple[float, ...]:
    finest = volume.arrays[0]
    level = array.level_index or 0
    if finest.level_index not in {0, None} or finest.facts is None or finest.facts.ndim != facts.ndim:
        return (2**level,) * facts.ndim
    return level_factors_zyx(_lattice(finest, finest.facts), _lattice(array, facts), level)


def _shape_zyx(volume: Volume, facts: ArrayFacts, factors_zyx: tuple[float, ...]) -> tuple[int, ...]:
    """Return the shape of the finest level, or where it is not known, the largest that this level may stand for."""
    finest = volume.arrays[0]
    if finest.level_index in {0, None} and finest.facts is not None and finest.facts.ndim == facts.ndim:
        return finest.facts.shape_xyz[::-1]
    return tuple(math.ceil(n * f) for n, f in zip(reversed(facts.shape_xyz), factors_zyx, strict=True))


def _lattice(array: Array, facts: ArrayFacts) -> Lattice:
    sizes = array.placement.voxel_size_nm_xyz if array.placement is not None else ()
    is_known = len(sizes) == facts.ndim and all(sizes)
    return Lattice(facts.shape_xyz[::-1], tuple(abs(size) for size in reversed(sizes)) if is_known else None)

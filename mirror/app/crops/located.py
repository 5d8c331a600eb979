"""A crop as it was located: its boxes in raw, in ground truth and in any other volume, and who says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.queries import CropVolume
from catalog.records import ArrayRecord, VolumeRecord
from mirror.crops.blocks import BlockBox, blocks_touched
from mirror.crops.box import Box
from mirror.crops.lattice import Lattice, level_factors_zyx
from mirror.crops.place import CropSource, Opinion, agrees
from mirror.formats.n5.grid import Grid


@dataclass(frozen=True, slots=True)
class LocatedLevel:
    """A box in one array."""

    array: ArrayRecord
    factors_zyx: tuple[float, ...]
    """By how much its voxels are larger than those of the finest level."""
    box: Box
    """Voxels of this array, as they are stored; may reach outside of it."""
    blocks: BlockBox
    """Those that hold a voxel of the box."""


@dataclass(frozen=True, slots=True)
class LocatedVolume:
    """A box in one volume, at all of its levels."""

    volume: VolumeRecord
    container_prefix: str
    """Full key prefix, ending with a slash."""
    lattice: Lattice
    """Of the finest level."""
    box: Box
    """Voxels of the finest level, as they are stored (`j = ny-1-i` where the volume is mirrored in y)."""
    levels: tuple[LocatedLevel, ...]
    """Finest first; one for an array without levels."""

    def padded(self, n_voxels: int) -> LocatedVolume:
        """Return it with `n_voxels` of the finest level more on each side, as far as the array reaches."""
        box = self.box.padded(n_voxels).clipped(self.lattice.shape_zyx)
        levels = (_located_level(one.array, one.factors_zyx, box) for one in self.levels)
        return replace(self, box=box, levels=tuple(levels))


@dataclass(frozen=True, slots=True)
class LocatedGroundTruth:
    """One label image of the crop: all of its voxels belong to it."""

    label: str
    """Class, or `all`."""
    version: str | None
    """As `0003`; None in bucket A, which has no versions."""
    where: LocatedVolume


@dataclass(frozen=True, slots=True)
class Located:
    """Where a crop lies in one bucket, and what says so."""

    number: str
    version: str | None
    dataset: str
    bucket: str
    """As the configuration names it."""
    bucket_id: int
    dataset_prefix: str
    """Full key prefix of the dataset's folder."""
    raw: LocatedVolume
    ground_truth: tuple[LocatedGroundTruth, ...]
    """Those that this bucket has, `all` first; () where the catalog knows none here."""
    ruling: Opinion
    """The claim that was followed."""
    others: tuple[Opinion, ...]
    """What else was said."""
    remarks: tuple[str, ...]
    """What a user must know, as sentences: a start that was rounded, voxels outside of raw."""

    @property
    def source(self) -> CropSource:
        """Who says so."""
        return self.ruling.claim.source

    @property
    def box(self) -> Box:
        """Voxels of raw at its finest level, as they are stored."""
        return self.raw.box

    @property
    def boxes_at_levels(self) -> tuple[LocatedLevel, ...]:
        """The box at each level of raw."""
        return self.raw.levels

    @property
    def upright_box(self) -> Box:
        """The box before rows are turned: the same as `box` but for raw that is stored mirrored in y."""
        return _upright(self.box, self.raw.lattice)

    @property
    def agreements(self) -> tuple[Opinion, ...]:
        """Other sources that say the same."""
        return tuple(one for one in self.others if one.is_comparable and agrees(one.claim, self.upright_box))

    @property
    def disagreements(self) -> tuple[Opinion, ...]:
        """Other sources that speak of the same grid and say something else."""
        return tuple(one for one in self.others if one.is_comparable and not agrees(one.claim, self.upright_box))

    @property
    def start_nm_zyx(self) -> tuple[float, ...] | None:
        """Corner of the box from that of raw's first voxel, upright; None where no voxel size is known."""
        return _times(self.upright_box.start_zyx, self.raw.lattice.voxel_size_nm_zyx)

    @property
    def size_nm_zyx(self) -> tuple[float, ...] | None:
        """How large the box is; None where no voxel size is known."""
        return _times(self.box.shape_zyx, self.raw.lattice.voxel_size_nm_zyx)


def locate_in(volume: CropVolume, lattice: Lattice, box: Box) -> LocatedVolume:
    """Return a box of the volume's finest level at all of its levels.

    Levels that have not as many axes as the finest are left out.
    """
    finest, levels = volume.arrays[0], []
    for array in volume.arrays:
        if len(array.shape_xyz) == len(finest.shape_xyz):
            factors = _factors_zyx(lattice, finest, array)
            levels.append(_located_level(array, factors, box))
    return LocatedVolume(volume.volume, volume.container_prefix, lattice, box, tuple(levels))


def _factors_zyx(lattice: Lattice, finest: ArrayRecord, array: ArrayRecord) -> tuple[float, ...]:
    # Only sizes and shapes matter for a ratio, so the sizes are taken as written on both sides.
    ours = replace(lattice, voxel_size_nm_zyx=_sizes_zyx(finest))
    level = Lattice(array.shape_xyz[::-1], _sizes_zyx(array))
    return level_factors_zyx(ours, level, max((array.level_index or 0) - (finest.level_index or 0), 0))


def _sizes_zyx(array: ArrayRecord) -> tuple[float, ...] | None:
    sizes = array.voxel_size_nm_xyz
    return tuple(sizes[::-1]) if sizes and len(sizes) == len(array.shape_xyz) and all(sizes) else None


def _located_level(array: ArrayRecord, factors_zyx: tuple[float, ...], box: Box) -> LocatedLevel:
    at_level = box.coarser(factors_zyx)
    return LocatedLevel(
        array, factors_zyx, at_level, blocks_touched(Grid(array.shape_xyz, array.block_size_xyz), at_level)
    )


def _upright(box: Box, lattice: Lattice) -> Box:
    return box.mirrored_y(lattice.shape_zyx[-2]) if lattice.is_mirrored_y else box


def _times(voxels: Sequence[int], sizes: tuple[float, ...] | None) -> tuple[float, ...] | None:
    # Nine digits: sizes have a few decimals, and products of floats show more.
    return None if sizes is None else tuple(round(n * size, 9) for n, size in zip(voxels, sizes, strict=True))

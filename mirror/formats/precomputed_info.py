"""The `info` of a neuroglancer precomputed volume as frozen models, and what it says in the words of every format."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt

from mirror.formats.block_keys import BlockKeys, BoxKeys, ShardKeys
from mirror.formats.foreign import Foreign, ForeignDocument, Tolerated
from mirror.formats.layout import ArrayFacts, Placement
from mirror.formats.n5.grid import Grid
from mirror.formats.placing import Unplaced, place

_AXES_XYZ = ("x", "y", "z")
_CODEC_PARAMETERS = ("jpeg_quality", "png_level", "compressed_segmentation_block_size")
_NO_HASH = "identity"


def _three(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(values) != len(_AXES_XYZ):
        raise ValueError(f"{len(values)} numbers for x, y, z")
    return values


_Counts = Annotated[tuple[NonNegativeInt, ...], AfterValidator(_three)]
_Sizes = Annotated[tuple[PositiveInt, ...], AfterValidator(_three)]
_Offset = Annotated[tuple[int, ...], AfterValidator(_three)]


class Sharding(Foreign):
    """How many chunks share one object, and in which of them each lies."""

    type: str | None = Field(default=None, alias="@type")
    preshift_bits: NonNegativeInt
    minishard_bits: NonNegativeInt
    shard_bits: NonNegativeInt
    hash: str
    data_encoding: str = "raw"
    """What compresses chunks on top of their own encoding."""
    minishard_index_encoding: str = "raw"

    def box_in_chunks(self, chunk_counts: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return how many chunks along each axis one shard holds; None where shards are no boxes.

        Chunks are numbered along a compressed Morton curve, whose lowest bits count within a shard.
        """
        axis_of_bit = tuple(_morton_axes(chunk_counts))
        n_inside = self.preshift_bits + self.minishard_bits
        if self.hash != _NO_HASH or len(axis_of_bit) > n_inside + self.shard_bits:
            return None
        return tuple(1 << axis_of_bit[:n_inside].count(axis) for axis in range(len(chunk_counts)))


def _morton_axes(chunk_counts: tuple[int, ...]) -> Iterator[int]:
    """Yield the axis that each bit of a chunk's number belongs to, the lowest bit first."""
    n_bits = [(n - 1).bit_length() if n else 0 for n in chunk_counts]
    for level in range(max(n_bits)):
        yield from (axis for axis in range(len(chunk_counts)) if level < n_bits[axis])


class Scale(ForeignDocument):
    """One scale; x first, as the whole of precomputed is."""

    key: str
    size_xyz: _Counts = Field(alias="size")
    chunk_sizes_xyz: tuple[_Sizes, ...] = Field(alias="chunk_sizes", min_length=1)
    """Where there are several, each holds the whole volume."""
    resolution_nm_xyz: Tolerated[Annotated[tuple[float, ...], AfterValidator(_three)]] = Field(
        default=None, alias="resolution"
    )
    voxel_offset_xyz: _Offset = Field(default=(0, 0, 0), alias="voxel_offset")
    encoding: str
    sharding: Sharding | None = None

    @property
    def placement(self) -> Placement | Unplaced | None:
        """Where the scale lies. Voxel 0 begins at 0, so that its centre is half a voxel from there."""
        if self.resolution_nm_xyz is None:
            return None
        axes = zip(self.voxel_offset_xyz, self.resolution_nm_xyz, strict=True)
        centre = tuple((offset + 0.5) * size for offset, size in axes)
        return place(_AXES_XYZ, self.resolution_nm_xyz, centre, ("nm",) * 3, source="scales")

    @property
    def _shard_xyz(self) -> tuple[int, ...] | None:
        chunk = self.chunk_sizes_xyz[0]
        counts = Grid(self.size_xyz, chunk).shape_in_blocks_xyz
        box = None if self.sharding is None else self.sharding.box_in_chunks(counts)
        return None if box is None else tuple(n * size for n, size in zip(box, chunk, strict=True))

    @property
    def block_keys(self) -> BlockKeys:
        """Which keys in the scale's folder are chunks, or shards of them."""
        if self.sharding is None:
            grids = tuple(Grid(self.size_xyz, chunk) for chunk in self.chunk_sizes_xyz)
            return BoxKeys(grids, self.voxel_offset_xyz)
        shard = self._shard_xyz
        n_shards = None if shard is None else math.prod(Grid(self.size_xyz, shard).shape_in_blocks_xyz)
        return ShardKeys(self.sharding.shard_bits, n_shards)

    def facts(self, data_type: str, n_channels: int) -> ArrayFacts:
        """Return what the scale is; channels, where there are more than one, are its slowest axis."""
        channels = (n_channels,) if n_channels > 1 else ()
        chunk = self.chunk_sizes_xyz[0]
        return ArrayFacts(
            shape_xyz=self.size_xyz + channels,
            block_size_xyz=(self._shard_xyz or chunk) + channels,
            data_type=data_type,
            compression=self._compression(),
            inner_block_size_xyz=None if self.sharding is None else chunk + channels,
            axes_xyz=_AXES_XYZ + (("channel",) if channels else ()),
        )

    def _compression(self) -> dict[str, object]:
        extra = self.model_extra or {}
        parameters = {name: extra[name] for name in _CODEC_PARAMETERS if name in extra}
        around = {"data_encoding": self.sharding.data_encoding} if self.sharding is not None else {}
        return {"type": self.encoding, **parameters, **around}


class Info(ForeignDocument):
    """An `info`. Its scales are read one by one, so that an odd one hides no other."""

    type: Tolerated[str] = None
    """`image` or `segmentation`."""
    data_type: str
    num_channels: PositiveInt = 1
    scales: tuple[Any, ...] = Field(min_length=1)
    mesh: Tolerated[str] = None
    """Folder of the segments' meshes, beside the scales."""


class MeshInfo(ForeignDocument):
    """The `info` in a folder of meshes."""

    type: Tolerated[str] = Field(default=None, alias="@type")
    """`neuroglancer_legacy_mesh`, `neuroglancer_multilod_draco`."""
    sharding: Tolerated[Sharding] = None

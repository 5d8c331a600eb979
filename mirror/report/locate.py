"""What `oomirror crops locate` answers, as a model."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Source = Literal["b_attribute", "a_attribute", "mongo_offset", "cellmap_manifest"]


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LevelBox(_Report):
    """The crop in one level, in voxels of that level."""

    level: str
    path: str
    """Of the array, inside its container."""
    start_zyx: tuple[int, ...]
    stop_zyx: tuple[int, ...]
    """First voxel after the box."""
    shape_zyx: tuple[int, ...]
    array_shape_zyx: tuple[int, ...]
    blocks: int
    """That hold a voxel of it."""
    first_block_xyz: tuple[int, ...]
    stop_block_xyz: tuple[int, ...]
    """First place after the last block, along each axis."""


class VolumeBox(_Report):
    """The crop in one volume, in voxels of its finest level, as they are stored."""

    volume: str
    """Path inside its container."""
    container: str
    """Path below the dataset."""
    format: str
    url: str
    share_path: str | None
    """Of the container on the share; null where no share is configured."""
    mirrored_y: bool
    """Whether rows are stored in the opposite order; the box is of the rows as they are stored."""
    start_zyx: tuple[int, ...]
    stop_zyx: tuple[int, ...]
    shape_zyx: tuple[int, ...]
    voxel_size_nm_zyx: tuple[float, ...] | None
    blocks: dict[str, int]
    """Blocks that the crop touches, by level."""
    levels: tuple[LevelBox, ...]
    """Finest first; only the one that was asked for by --level."""


class GroundTruthBox(VolumeBox):
    """One label image of the crop: all of its voxels."""

    label: str
    """Class, or `all`."""
    version: str | None


class SourceLine(_Report):
    """What one source says of the crop's place."""

    source: Source
    start_zyx: tuple[float, ...]
    """In raw voxels of this bucket, as computed, before any rounding."""
    shape_zyx: tuple[int, ...]
    where: str
    """The document or row that says so."""
    rules: bool
    """Whether it was followed."""
    agrees: bool | None
    """With the one that was followed; null where it does not speak of this grid."""
    reason: str
    """Why it may place the crop here, or not."""


class LocateReport(_Report):
    """Where a crop lies in one bucket."""

    number: str
    version: str | None
    """Of the ground truth."""
    dataset: str
    bucket: str
    raw: VolumeBox
    ground_truth: GroundTruthBox | None
    """The label image of all classes, or the first that there is; null where the bucket has none of the crop."""
    labels: tuple[GroundTruthBox, ...]
    """All label images of the crop in this bucket."""
    volume: VolumeBox | None
    """What --volume asked for."""
    source: Source
    start_nm_zyx: tuple[float, ...] | None
    """Corner of the box from the corner of raw's first voxel; null where no voxel size is known."""
    size_nm_zyx: tuple[float, ...] | None
    sources: tuple[SourceLine, ...]
    """The one that rules first."""
    remarks: tuple[str, ...]
    """What else must be known, as sentences."""

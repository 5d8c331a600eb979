"""Why two buckets differ in size: the closed list of causes, and the kinds of places where bytes lie."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """One of the two buckets that are compared."""

    A = "a"
    B = "b"

    @property
    def other(self) -> Side:
        """The other one."""
        return Side.B if self is Side.A else Side.A

    @property
    def sign(self) -> int:
        """How its bytes count in `A - B`."""
        return 1 if self is Side.A else -1


class Cause(StrEnum):
    """Why bytes differ. The values stand in JSON; the list is closed."""

    ONLY_IN_A = "only_in_a"
    ONLY_IN_B = "only_in_b"
    VOXELS = "voxels"
    """Other dimensions: other voxels in the blocks that both have, and blocks outside the other's grid."""
    BYTES_PER_VOXEL = "bytes_per_voxel"
    ONE_SIDED_BLOCKS = "one_sided_blocks"
    """Blocks inside both grids that one side does not store: it reads them as 0."""
    EDGE_PADDING = "edge_padding"
    COMPRESSION = "compression"
    """Payload bytes a byte of voxels."""
    COMPRESSION_TYPE = "compression.type"
    COMPRESSION_CODEC = "compression.codec"
    COMPRESSION_BLOCK_SIZE = "compression.block_size"
    COMPRESSION_CONTENT = "compression.content"
    HEADERS = "headers"
    UNEXPLAINED = "unexplained"


ONLY_IN = {Side.A: Cause.ONLY_IN_A, Side.B: Cause.ONLY_IN_B}

CONTRIBUTING = (
    Cause.VOXELS,
    Cause.BYTES_PER_VOXEL,
    Cause.COMPRESSION,
    Cause.HEADERS,
    Cause.ONE_SIDED_BLOCKS,
    Cause.EDGE_PADDING,
)
"""What the difference of a paired level is made of."""

COMPRESSION_PARTS = (
    Cause.COMPRESSION_TYPE,
    Cause.COMPRESSION_CODEC,
    Cause.COMPRESSION_BLOCK_SIZE,
    Cause.COMPRESSION_CONTENT,
)
"""What a sample parts `compression` into."""


class Place(StrEnum):
    """What kind of thing lies in one bucket alone. The values stand in JSON."""

    DATASET = "dataset"
    FORMAT = "format"
    """A volume of a format in which the other bucket has nothing of this dataset."""
    VOLUME = "volume"
    LEVEL = "level"
    METADATA = "metadata"
    """Documents of containers, groups and arrays: each bucket has its own."""
    LOOSE_FILE = "loose file"
    STRAY = "stray"
    """An object in an array's folder that is none of its blocks."""
    DAMAGED = "damaged object"
    """A block shorter than its own header."""

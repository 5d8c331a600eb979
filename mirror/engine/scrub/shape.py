"""What the blocks of one array must look like: their headers by their place, and the voxels behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mirror.errors import DamagedBlockError, MirrorError
from mirror.explain.sample.codecs import PayloadError, decompress
from mirror.formats.n5.block import BlockHeader, BlockMode
from mirror.formats.n5.compression import Compression
from mirror.formats.n5.grid import BlockIndex, Grid, parse_block_key

HEADER_BYTES = 136
"""Hold any header of 32 axes."""
MOST_VOXEL_BYTES = 1 << 30
"""Blocks that say they hold more are not decoded: a header of nonsense must not take the memory."""


@dataclass(frozen=True, slots=True)
class BlockShape:
    """An N5 array, as far as its blocks tell whether they are sound."""

    grid: Grid
    element_bytes: int | None
    """None where elements have no fixed size; then nothing is decoded."""
    codec: Compression
    folder: str
    """Below the array, with a slash at its end or empty: `3/1/`."""

    def index_of(self, name: str) -> BlockIndex | None:
        """Return the place of a file of the folder, None where it is no block."""
        return parse_block_key(self.folder + name, self.grid.ndim)

    def parse_header(self, head: bytes | memoryview, index: BlockIndex, place: str) -> BlockHeader:
        """Return the header at the start of a block, which is one that a block of this place can have.

        Raises
        ------
        DamagedBlockError
            It is none, or has another size than a whole block or one that is cut at the array's edge.
        """
        header = BlockHeader.parse(head, place)
        if header.mode is BlockMode.OBJECT:
            return header
        sizes = [self.grid.block_size_xyz]
        if self.grid.is_inside(index):
            sizes.append(self.grid.block_shape_xyz(index))
        if header.size_xyz not in sizes:
            raise DamagedBlockError(
                "the header is not one of this place",
                place,
                part="header",
                expected=f"a block of {' or '.join(str(list(size)) for size in dict.fromkeys(sizes))} voxels, x,y,z",
                found=str(list(header.size_xyz)),
            )
        if header.mode is BlockMode.PLAIN or header.n_elements <= math.prod(header.size_xyz):
            return header
        raise DamagedBlockError(
            "the header is not one of this place",
            place,
            part="header",
            expected=f"at most {math.prod(header.size_xyz)} elements",
            found=str(header.n_elements),
        )

    def check_voxels(self, body: bytes | memoryview, header: BlockHeader, place: str) -> None:
        """Restore the voxels and count them. What cannot be decoded here is passed over: a codec without its library.

        Raises
        ------
        DamagedBlockError
            The payload is damaged, or holds more or fewer voxels than the header says.
        """
        if self.element_bytes is None or header.mode is BlockMode.OBJECT:
            return
        n_bytes = header.n_elements * self.element_bytes
        if n_bytes > MOST_VOXEL_BYTES:
            return
        try:
            decompress(bytes(body[header.n_bytes :]), self.codec, n_bytes)
        except PayloadError as error:
            raise DamagedBlockError("cannot restore the voxels", place, part="payload", found=str(error)) from error
        except (MirrorError, ImportError):
            return

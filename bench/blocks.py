"""One N5 array of many blocks of one size, in the layout of bucket B: what is mirrored."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from mirror.demo.buckets import B_PREFIX, BUCKET_NAMES
from mirror.demo.n5_writer import json_body

BUCKET = BUCKET_NAMES["b"]
DATASET = "jrc_bench"
HEADER_BYTES = 16
_SLAB_YZ = (8, 25)
"""Blocks of one x: about as many as at level s2 of jrc_hela-2, which has 47 x 7 x 25."""


@dataclass(frozen=True)
class BlockArray:
    """The keys and bodies of a dataset with one array.

    The blocks are uncompressed noise: a transfer sees lengths, and each block has an MD5 of its own.
    """

    n_blocks: int
    block_bytes: int
    """Of a whole block, with its header."""

    def __str__(self) -> str:
        return f"{self.n_objects} objects, {self.block_bytes} B a block"

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return DATASET

    @property
    def prefix(self) -> str:
        """Key prefix of the dataset."""
        return f"{B_PREFIX}{DATASET}/"

    @property
    def n_objects(self) -> int:
        """Blocks, and the two documents above them."""
        return self.n_blocks + 2

    @cached_property
    def n_bytes(self) -> int:
        """Bytes of all objects."""
        return self.n_blocks * self.block_bytes + sum(len(body) for _, body in self._documents())

    @cached_property
    def digests(self) -> dict[str, str]:
        """Key to MD5 (hexadecimal) of every object."""
        return {key: hashlib.md5(body, usedforsecurity=False).hexdigest() for key, body in self.objects()}

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Yield key and body of every object; the same on each call."""
        yield from self._documents()
        chance = random.Random(self.block_bytes)  # noqa: S311  noise
        header = b"".join([b"\0\0\0\3", self._n_voxels.to_bytes(4, "big"), b"\0\0\0\1" * 2])
        for number in range(self.n_blocks):
            x, y, z = _place(number)
            yield f"{self._level}{x}/{y}/{z}", header + chance.randbytes(self._n_voxels)

    def _documents(self) -> Iterator[tuple[str, bytes]]:
        yield f"{self._container}attributes.json", json_body({"n5": "2.0.0"})
        yield f"{self._level}attributes.json", json_body(self._attributes())

    @property
    def _container(self) -> str:
        return f"{self.prefix}{DATASET}.n5/"

    @property
    def _level(self) -> str:
        return f"{self._container}volumes/raw/s0/"

    @property
    def _n_voxels(self) -> int:
        return self.block_bytes - HEADER_BYTES

    def _attributes(self) -> dict[str, object]:
        n_slabs = _place(self.n_blocks - 1)[0] + 1
        return {
            "dataType": "uint8",
            "dimensions": [n_slabs * self._n_voxels, *_SLAB_YZ],
            "blockSize": [self._n_voxels, 1, 1],
            "compression": {"type": "raw"},
        }


@cache
def block_array(n_blocks: int, block_bytes: int) -> BlockArray:
    """Return the array of that size, always the same one: its MD5s are computed once."""
    return BlockArray(n_blocks, block_bytes)


def _place(number: int) -> tuple[int, int, int]:
    slab, rest = divmod(number, _SLAB_YZ[0] * _SLAB_YZ[1])
    return slab, *divmod(rest, _SLAB_YZ[1])

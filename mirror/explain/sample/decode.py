"""What a block or chunk as stored holds: its voxels, or the reason why they cannot be read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from mirror.errors import DamagedBlockError, MirrorError
from mirror.explain.sample.codecs import PayloadError, decompress
from mirror.formats.data_type import element_bytes
from mirror.formats.folder import Format
from mirror.formats.n5.block import BlockHeader, BlockMode
from mirror.formats.n5.compression import Compression

Voxels = NDArray[Any]
"""Axes slowest first, z,y,x."""

_ZARR_NAMES: dict[str, dict[str, object]] = {
    "zlib": {"type": "gzip", "useZlib": True},
    "bz2": {"type": "bzip2"},
    "lzma": {"type": "xz"},
}
_LZMA_XZ = 1


class Why(StrEnum):
    """Why voxels cannot be read."""

    CODEC = "codec"
    TYPE = "type"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A block that is not looked at; its bytes stay with what is not split or not explained."""

    why: Why
    reason: str
    """What was expected and found, as a sentence without its place."""

    @classmethod
    def of_codec(cls, error: MirrorError) -> Undecodable:
        """Return what an error of a codec says, as a value."""
        return cls(Why.CODEC, str(error))


@dataclass(frozen=True, slots=True)
class Storage:
    """How an array's blocks are stored, as far as reading them needs it."""

    format: Format
    data_type: str
    """As numpy spells it."""
    compression: Mapping[str, object]
    """As `ArrayFacts.compression`."""
    block_size_xyz: tuple[int, ...]
    byte_order: Literal["little", "big"] = "little"
    """Of zarr; N5 is always big-endian."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of a voxel as it is stored."""
        is_big = self.format is Format.N5 or self.byte_order == "big"
        return np.dtype(self.data_type).newbyteorder(">" if is_big else "<")


def codec_of(storage: Storage) -> Compression | Undecodable:
    """Return the codec in N5's words, whatever format names it.

    What zarr calls zlib, bz2, lzma and lz4 are N5's gzip with zlib's wrapper, bzip2, xz and zarr's lz4. Filters, and
    lzma other than in xz's container, are not read.
    """
    named = dict(storage.compression)
    if storage.format is not Format.N5:
        if named.get("filters"):
            return Undecodable(Why.CODEC, f"filters are not read: {named['filters']}")
        named = _in_words_of_n5(named)
    try:
        codec = _codec_reader().validate_python(named)
    except ValidationError as error:
        return Undecodable(Why.CODEC, f"the compression cannot be read: {error.errors()[0]['msg']}")
    return codec


@lru_cache(1)
def _codec_reader() -> TypeAdapter[Compression]:
    return TypeAdapter(Compression)


def _in_words_of_n5(named: dict[str, object]) -> dict[str, object]:
    match named.get("type"):
        case "zlib" | "bz2" | "lzma" as name:
            if name == "lzma" and (named.get("format", _LZMA_XZ) != _LZMA_XZ or named.get("filters")):
                return {"type": f"lzma of format {named.get('format')}"}
            return named | {"blockSize": named.get("level", 1)} | _ZARR_NAMES[str(name)]
        case "lz4":
            return {"id": "lz4"} | named
        case _:
            return named


def decode_stored(body: bytes, storage: Storage) -> Voxels | Undecodable:
    """Return the voxels of a block or chunk in the machine's byte order, or why they cannot be read.

    A block at the edge has the shape that its writer gave it, padded or truncated.
    """
    if element_bytes(storage.data_type) is None or np.dtype(storage.data_type).kind not in "biuf":
        return Undecodable(Why.TYPE, f"expected numbers, found {storage.data_type}")
    codec = codec_of(storage)
    if isinstance(codec, Undecodable):
        return codec
    try:
        return _decoded(body, storage, codec)
    except (DamagedBlockError, PayloadError) as error:
        return Undecodable(Why.DAMAGED, str(error))
    except MirrorError as error:
        return Undecodable.of_codec(error)


def _decoded(body: bytes, storage: Storage, codec: Compression) -> Voxels:
    shape_xyz, n_header = _shape(body, storage)
    n_bytes = math.prod(shape_xyz) * storage.dtype.itemsize
    voxels = decompress(body[n_header:], codec, n_bytes)
    stored = np.frombuffer(voxels, storage.dtype).reshape(shape_xyz[::-1])
    return stored.astype(storage.data_type)


def _shape(body: bytes, storage: Storage) -> tuple[tuple[int, ...], int]:
    if storage.format is not Format.N5:
        return storage.block_size_xyz, 0
    header = BlockHeader.parse(body, "its first bytes")
    n_dims = len(storage.block_size_xyz)
    # A block that claims more than its array's block would be restored into memory before anyone sees its voxels.
    fits = len(header.size_xyz) == n_dims and all(
        n <= block for n, block in zip(header.size_xyz, storage.block_size_xyz, strict=True)
    )
    counted = header.mode is not BlockMode.OBJECT and header.n_elements == math.prod(header.size_xyz)
    if not fits or not counted:
        found = f"{header.n_elements} elements in {list(header.size_xyz)}"
        raise PayloadError(f"expected a block of up to {list(storage.block_size_xyz)} voxels, found {found}")
    return header.size_xyz, header.n_bytes

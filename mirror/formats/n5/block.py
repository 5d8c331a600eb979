"""Blocks as bytes: a header in big-endian x,y,z, then the voxels, big-endian and compressed."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self

from mirror.errors import DamagedBlockError, MirrorError
from mirror.formats.n5.compression import Compression, GzipCompression, RawCompression

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mirror.formats.n5.attributes import DataType

_MAX_NDIM = 32
_GZIP_WRAPPER = 31
_ZLIB_WRAPPER = 15


class BlockMode(IntEnum):
    """What stands in front of the voxels."""

    PLAIN = 0
    """The block's sizes; as many elements as they hold."""
    COUNTED = 1
    """The sizes and a count of elements, which may differ."""
    OBJECT = 2
    """A count only; the block has no shape."""


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What a block says of itself. Padded edge blocks have the array's block size, truncated ones less.

    >>> header = BlockHeader.plain((64, 64, 64))
    >>> len(header.encode()), header.n_elements
    (16, 262144)
    """

    mode: BlockMode
    size_xyz: tuple[int, ...]
    """Voxels; empty in mode OBJECT."""
    n_elements: int

    @classmethod
    def plain(cls, size_xyz: tuple[int, ...]) -> Self:
        """Return the header of a block in mode PLAIN."""
        return cls(BlockMode.PLAIN, size_xyz, math.prod(size_xyz))

    @classmethod
    def parse(cls, body: bytes | memoryview, place: str) -> Self:
        """Return the header at the start of a block.

        Parameters
        ----------
        body
            The block, or as many of its first bytes as hold the header.
        place
            The block's full address, for the error.

        Raises
        ------
        DamagedBlockError
            Shorter than its header, a mode that N5 has not, no or too many dimensions.
        """
        reader = _Reader(body, place)
        number = reader.uint16("the mode")
        if number not in BlockMode.__members__.values():
            raise _damaged(place, "mode 0, 1 or 2", f"mode {number}")
        mode = BlockMode(number)
        if mode is BlockMode.OBJECT:
            return cls(mode, (), reader.uint32("the count of elements"))
        ndim = reader.uint16("the number of dimensions")
        if not 1 <= ndim <= _MAX_NDIM:
            raise _damaged(place, f"1 to {_MAX_NDIM} dimensions", str(ndim))
        size_xyz = tuple(reader.uint32("the sizes") for _ in range(ndim))
        counted = mode is BlockMode.COUNTED
        return cls(mode, size_xyz, reader.uint32("the count of elements") if counted else math.prod(size_xyz))

    @property
    def n_bytes(self) -> int:
        """Bytes of the header; the payload begins behind them."""
        match self.mode:
            case BlockMode.PLAIN:
                return 4 + 4 * len(self.size_xyz)
            case BlockMode.COUNTED:
                return 8 + 4 * len(self.size_xyz)
            case BlockMode.OBJECT:
                return 6

    def encode(self) -> bytes:
        """Return the header as it stands in the object."""
        if self.mode is BlockMode.OBJECT:
            return struct.pack(">HI", self.mode, self.n_elements)
        head = struct.pack(f">HH{len(self.size_xyz)}I", self.mode, len(self.size_xyz), *self.size_xyz)
        return head + (struct.pack(">I", self.n_elements) if self.mode is BlockMode.COUNTED else b"")


class _Reader:
    """Reads big-endian numbers one after the other, and says which one is missing."""

    def __init__(self, body: bytes | memoryview, place: str) -> None:
        self._body = body
        self._place = place
        self._offset = 0

    def uint16(self, what: str) -> int:
        return self._number(">H", 2, what)

    def uint32(self, what: str) -> int:
        return self._number(">I", 4, what)

    def _number(self, layout: str, n_bytes: int, what: str) -> int:
        if len(self._body) < self._offset + n_bytes:
            expected = f"{self._offset + n_bytes} bytes or more, for {what}"
            raise _damaged(self._place, expected, f"{len(self._body)} bytes")
        (number,) = struct.unpack_from(layout, self._body, self._offset)
        self._offset += n_bytes
        return int(number)


def _damaged(place: str, expected: str, found: str) -> DamagedBlockError:
    return DamagedBlockError("cannot read the block's header", place, part="header", expected=expected, found=found)


def encode_block(array_zyx: NDArray[Any], *, codec: Compression) -> bytes:
    """Return the block that holds `array_zyx` (its axes slowest first, as NumPy's), in mode PLAIN.

    Raises
    ------
    MirrorError
        A codec that is not written here.
    """
    header = BlockHeader.plain(tuple(reversed(array_zyx.shape)))
    payload = array_zyx.astype(array_zyx.dtype.newbyteorder(">"), order="C", copy=False).tobytes()
    return header.encode() + _compress(payload, codec)


def decode_block(body: bytes, data_type: DataType, codec: Compression, place: str = "a block") -> NDArray[np.generic]:
    """Return the block's voxels, axes slowest first (z,y,x), in the machine's byte order.

    Parameters
    ----------
    place
        The block's full address, for the error.

    Raises
    ------
    DamagedBlockError
        The header or the payload cannot be read, or the payload's length does not match the header.
    MirrorError
        A codec, type or mode that is not read here.
    """
    import numpy as np

    header = BlockHeader.parse(body, place)
    element_bytes = data_type.n_bytes
    if element_bytes is None or header.mode is BlockMode.OBJECT:
        raise MirrorError("cannot decode blocks of this kind", place, expected="numbers", found=str(data_type))
    if header.n_elements != math.prod(header.size_xyz):
        sizes = f"{math.prod(header.size_xyz)} elements, as its sizes {list(header.size_xyz)} say"
        raise _damaged(place, sizes, str(header.n_elements))
    payload = _decompress(body[header.n_bytes :], codec, header.n_elements * element_bytes, place)
    elements = np.frombuffer(payload, np.dtype(str(data_type)).newbyteorder(">"))
    return elements.astype(str(data_type)).reshape(tuple(reversed(header.size_xyz)))


def _compress(payload: bytes, codec: Compression) -> bytes:
    match codec:
        case RawCompression():
            return payload
        case GzipCompression(use_zlib=True):
            return zlib.compress(payload, codec.level)
        case GzipCompression():
            # Without a time of day: the same voxels are the same bytes.
            return gzip.compress(payload, 6 if codec.level == -1 else codec.level, mtime=0)
        case _:
            raise MirrorError("cannot write blocks of this compression", codec.type, expected="raw or gzip")


def _decompress(payload: bytes, codec: Compression, expected_bytes: int, place: str) -> bytes:
    match codec:
        case RawCompression():
            voxels = payload
        case GzipCompression():
            voxels = _inflate(payload, _ZLIB_WRAPPER if codec.use_zlib else _GZIP_WRAPPER, expected_bytes, place)
        case _:
            raise MirrorError(
                "cannot decode blocks of this compression", place, expected="raw or gzip", found=codec.type
            )
    if len(voxels) != expected_bytes:
        raise _broken(place, f"{expected_bytes} bytes of voxels", f"{len(voxels)}")
    return voxels


def _inflate(payload: bytes, wrapper: int, expected_bytes: int, place: str) -> bytes:
    stream = zlib.decompressobj(wrapper)
    try:
        # One byte more than the header promises tells that there is too much, without ever inflating all of it.
        voxels = stream.decompress(payload, expected_bytes + 1)
    except zlib.error as error:
        raise _broken(place, "gzip data", str(error)) from error
    if len(voxels) == expected_bytes and not stream.eof:
        raise _broken(place, "gzip data with its end", "data that breaks off")
    return voxels


def _broken(place: str, expected: str, found: str) -> DamagedBlockError:
    return DamagedBlockError("cannot decode the block", place, part="payload", expected=expected, found=found)

"""Payloads of blocks, made smaller and restored, by numcodecs and the standard library; never more than is expected."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from mirror.errors import MirrorError
from mirror.explain.sample import java_lz4
from mirror.formats.n5.compression import (
    BloscCompression,
    Bzip2Compression,
    Compression,
    GzipCompression,
    JavaLz4Compression,
    OtherCompression,
    RawCompression,
    XzCompression,
    ZarrLz4Compression,
    ZstdCompression,
)

_GZIP_WRAPPER, _ZLIB_WRAPPER = 31, 15
_BLOSC_HEADER_BYTES = 16
_ZSTD_MAGIC = 0xFD2FB528

_T = TypeVar("_T")


class PayloadError(ValueError):
    """A payload that its codec cannot restore, or that holds more or less than the block's voxels."""


class _Stream(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def decompress(payload: bytes, codec: Compression, n_bytes: int) -> bytes:
    """Return the voxels' bytes: as many as expected, and memory for no more is ever taken.

    Raises
    ------
    PayloadError
        The payload is damaged, or does not hold `n_bytes`.
    MirrorError
        A codec that is not known.
    """
    match codec:
        case RawCompression():
            return _counted(payload, n_bytes)
        case GzipCompression():
            return _streamed(zlib.decompressobj(_ZLIB_WRAPPER if codec.use_zlib else _GZIP_WRAPPER), payload, n_bytes)
        case Bzip2Compression():
            return _streamed(bz2.BZ2Decompressor(), payload, n_bytes)
        case XzCompression():
            return _streamed(lzma.LZMADecompressor(lzma.FORMAT_XZ), payload, n_bytes)
        case JavaLz4Compression():
            return _counted(_tried(lambda: java_lz4.decompress(payload, n_bytes)), n_bytes)
        case ZarrLz4Compression():
            from numcodecs.lz4 import LZ4

            return _declared(payload, n_bytes, _lz4_bytes, LZ4().decode)
        case ZstdCompression():
            from numcodecs.zstd import Zstd

            return _declared(payload, n_bytes, _zstd_bytes, Zstd().decode)
        case BloscCompression():
            from numcodecs.blosc import Blosc

            return _declared(payload, n_bytes, _blosc_bytes, Blosc().decode)
        case OtherCompression():
            raise _unknown(codec)


def compress(voxels: bytes, codec: Compression, item_bytes: int) -> bytes:
    """Return the payload as the codec's usual library makes it, with the parameters that the document names.

    Other libraries make others of a few per cent more or less under the same name and level; what is measured by
    this is always compared with what is measured by this.

    Parameters
    ----------
    item_bytes
        Bytes of one voxel, for codecs that shuffle.

    Raises
    ------
    MirrorError
        A codec that is not known, or parameters that its library refuses.
    """
    try:
        return _compressed(voxels, codec, item_bytes)
    except (ValueError, TypeError, OverflowError, zlib.error, lzma.LZMAError) as error:
        raise MirrorError(
            "cannot compress with these parameters", codec.model_dump_json(by_alias=True), found=str(error)
        ) from error


def _compressed(voxels: bytes, codec: Compression, item_bytes: int) -> bytes:
    match codec:
        case RawCompression():
            return voxels
        case GzipCompression(use_zlib=True):
            return zlib.compress(voxels, codec.level)
        case GzipCompression():
            return gzip.compress(voxels, 6 if codec.level == -1 else codec.level, mtime=0)
        case Bzip2Compression():
            return bz2.compress(voxels, codec.block_size)
        case XzCompression():
            return lzma.compress(voxels, preset=codec.preset)
        case _:
            return _compressed_by_numcodecs(voxels, codec, item_bytes)


def _compressed_by_numcodecs(
    voxels: bytes,
    codec: JavaLz4Compression | ZarrLz4Compression | ZstdCompression | BloscCompression | OtherCompression,
    item_bytes: int,
) -> bytes:
    match codec:
        case JavaLz4Compression():
            return java_lz4.compress(voxels, codec.block_size_bytes)
        case ZarrLz4Compression():
            from numcodecs.lz4 import LZ4

            return bytes(LZ4(codec.acceleration).encode(voxels))
        case ZstdCompression():
            from numcodecs.zstd import Zstd

            return bytes(Zstd(codec.level).encode(voxels))
        case BloscCompression():
            return _blosc(voxels, codec, item_bytes)
        case OtherCompression():
            raise _unknown(codec)


def _blosc(voxels: bytes, codec: BloscCompression, item_bytes: int) -> bytes:
    import numpy as np
    from numcodecs.blosc import Blosc

    blosc = Blosc(codec.cname, codec.clevel, codec.shuffle, codec.block_size_bytes)
    # Blosc shuffles by the size of the elements, which bytes do not tell.
    return bytes(blosc.encode(np.frombuffer(voxels, f"V{item_bytes}" if item_bytes > 1 else "u1")))


def _unknown(codec: OtherCompression) -> MirrorError:
    return MirrorError("cannot decode blocks of this compression", found=codec.type)


def _counted(voxels: bytes, n_bytes: int) -> bytes:
    if len(voxels) != n_bytes:
        raise PayloadError(f"expected {n_bytes} bytes of voxels, found {len(voxels)}")
    return voxels


def _streamed(stream: _Stream, payload: bytes, n_bytes: int) -> bytes:
    # One byte more than expected tells that there is too much, without ever inflating all of it.
    voxels = _tried(lambda: stream.decompress(payload, n_bytes + 1))
    if len(voxels) == n_bytes and not stream.eof:
        # Some streams see their end only when asked for a byte that is not there.
        voxels += _tried(lambda: stream.decompress(b"", 1))
        if not stream.eof:
            raise PayloadError("the data break off")
    return _counted(voxels, n_bytes)


def _declared(payload: bytes, n_bytes: int, declared: Callable[[bytes], int], decode: Callable[[bytes], Any]) -> bytes:
    """Restore what its own header says is of the right length: the library takes memory by that header."""
    if (found := _tried(lambda: declared(payload))) != n_bytes:
        raise PayloadError(f"expected {n_bytes} bytes of voxels, found {found}")
    return _counted(_tried(lambda: bytes(decode(payload))), n_bytes)


def _tried(restore: Callable[[], _T]) -> _T:
    try:
        return restore()
    except (ValueError, RuntimeError, EOFError, OSError, struct.error, zlib.error, lzma.LZMAError) as error:
        raise PayloadError(str(error) or "damaged data") from error


def _lz4_bytes(payload: bytes) -> int:
    (n_bytes,) = struct.unpack_from("<i", payload)
    return int(n_bytes)


def _blosc_bytes(payload: bytes) -> int:
    n_bytes, _, n_compressed = struct.unpack_from("<III", payload, 4)
    if len(payload) < _BLOSC_HEADER_BYTES or n_compressed != len(payload):
        raise PayloadError(f"expected {n_compressed} bytes of blosc, found {len(payload)}")
    return int(n_bytes)


def _zstd_bytes(payload: bytes) -> int:
    """Return the content size in the frame's header (RFC 8878, 3.1.1.1)."""
    magic, descriptor = struct.unpack_from("<IB", payload)
    if magic != _ZSTD_MAGIC:
        raise PayloadError("no zstd frame")
    is_single, flag = bool(descriptor & 0x20), descriptor >> 6
    start = 5 + (0 if is_single else 1) + (0, 1, 2, 4)[descriptor & 3]
    width = (1 if is_single else 0, 2, 4, 8)[flag]
    if width == 0:
        raise PayloadError("a zstd frame that does not say its size")
    if len(payload) < start + width:
        raise PayloadError("the data break off")
    return int.from_bytes(payload[start : start + width], "little") + (256 if width == 2 else 0)

"""The framing of LZ4 by lz4-java's `LZ4BlockOutputStream`, which N5's Java library writes under the name `lz4`.

A frame is blocks, each: `LZ4Block`, a byte (method and log2 of the block size less 10), then little-endian
compressed length, length, and 28 bits of xxHash32 of the bytes; a block of length 0 ends it.
"""

from __future__ import annotations

import struct

import xxhash

_MAGIC = b"LZ4Block"
_HEADER = struct.Struct("<8sBiiI")
_STORED, _LZ4 = 0x10, 0x20
_SEED = 0x9747B28C
_LEAST_LOG2 = 10


def decompress(frame: bytes, n_bytes: int) -> bytes:
    """Return the bytes of a frame; no block that would go beyond `n_bytes` is restored.

    Raises
    ------
    ValueError
        The frame is damaged, breaks off, or holds more than `n_bytes`.
    """
    pieces: list[bytes] = []
    offset, left = 0, n_bytes
    while True:
        method, n_compressed, n_piece, checksum = _header(frame, offset)
        offset += _HEADER.size
        if n_piece == 0:
            return b"".join(pieces)
        if n_piece > left or n_compressed < 0 or len(frame) < offset + n_compressed:
            raise ValueError(f"a block of {n_piece} bytes in {n_compressed}, where {left} are expected")
        pieces.append(_restored(frame[offset : offset + n_compressed], method, n_piece, checksum))
        offset, left = offset + n_compressed, left - n_piece


def compress(data: bytes, block_size_bytes: int) -> bytes:
    """Return the frame that lz4-java's fast compressor makes, but for the choices of its matcher.

    Raises
    ------
    ValueError
        A block size that the framing cannot say.
    """
    from numcodecs.lz4 import LZ4

    if not 64 <= block_size_bytes <= 1 << 25:
        raise ValueError(f"lz4 in blocks of {block_size_bytes} bytes")
    level = max(0, (block_size_bytes - 1).bit_length() - _LEAST_LOG2)
    frame = bytearray()
    for start in range(0, len(data), block_size_bytes):
        piece = data[start : start + block_size_bytes]
        packed = bytes(LZ4().encode(piece))[4:]
        method, body = (_LZ4, packed) if len(packed) < len(piece) else (_STORED, piece)
        frame += _HEADER.pack(_MAGIC, method | level, len(body), len(piece), _checksum(piece)) + body
    return bytes(frame + _HEADER.pack(_MAGIC, _STORED | level, 0, 0, 0))


def _header(frame: bytes, offset: int) -> tuple[int, int, int, int]:
    if len(frame) < offset + _HEADER.size:
        raise ValueError("the data break off")
    magic, token, n_compressed, n_piece, checksum = _HEADER.unpack_from(frame, offset)
    if magic != _MAGIC or n_piece < 0:
        raise ValueError("no block of lz4-java")
    return token & 0xF0, n_compressed, n_piece, checksum


def _restored(body: bytes, method: int, n_piece: int, checksum: int) -> bytes:
    from numcodecs.lz4 import LZ4

    if method not in (_STORED, _LZ4):
        raise ValueError(f"lz4-java's method {method:#x}")
    piece = body if method == _STORED else bytes(LZ4().decode(struct.pack("<i", n_piece) + body))
    if len(piece) != n_piece or _checksum(piece) != checksum:
        raise ValueError("the checksum does not match")
    return piece


def _checksum(piece: bytes) -> int:
    return xxhash.xxh32_intdigest(piece, _SEED) & 0x0FFFFFFF

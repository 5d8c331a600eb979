"""The framing of lz4-java, byte by byte."""

from __future__ import annotations

import struct

import pytest
import xxhash

from mirror.explain.sample.java_lz4 import compress, decompress


def test_the_bytes_are_those_of_the_framing() -> None:
    """Magic, method and level, lengths, 28 bits of xxHash32 with Java's seed, the bytes; then an empty block."""
    data = bytes(range(100))
    checksum = xxhash.xxh32_intdigest(data, 0x9747B28C) & 0x0FFFFFFF
    stored = b"LZ4Block\x16" + struct.pack("<iiI", 100, 100, checksum) + data
    assert compress(data, 65536) == stored + b"LZ4Block\x16" + bytes(12)


def test_blocks_follow_each_other() -> None:
    """Data longer than a block are cut, and joined again."""
    data = b"membrane" * 1000
    frame = compress(data, 1024)
    assert frame.count(b"LZ4Block") == 9
    assert decompress(frame, len(data)) == data


@pytest.mark.parametrize(
    ("start", "stop", "new", "words"),
    [
        pytest.param(0, 1, b"X", "no block of lz4-java", id="magic"),
        pytest.param(8, 9, b"\x36", "method 0x30", id="method"),
        pytest.param(17, 18, b"\xff", "checksum", id="checksum"),
        pytest.param(30, 31, b"\xff", "checksum", id="data"),
        pytest.param(13, 17, b"\xff\xff\xff\x7f", "where 100 are expected", id="too much"),
        pytest.param(9, 13, b"\xff\xff\xff\xff", "where 100 are expected", id="negative"),
    ],
)
def test_damage_is_told(start: int, stop: int, new: bytes, words: str) -> None:
    """A changed byte is found where it matters."""
    frame = compress(bytes(range(100)), 65536)
    with pytest.raises(ValueError, match=words):
        decompress(frame[:start] + new + frame[stop:], 100)


def test_only_sizes_that_can_be_said_are_written() -> None:
    """Blocks of under 64 bytes or over 32 MiB are refused."""
    for size in (63, 2**25 + 1):
        with pytest.raises(ValueError, match=str(size)):
            compress(b"x", size)

"""Payloads of every codec are restored, damage is told, and no more memory is taken than a block has voxels."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from mirror.errors import MirrorError
from mirror.explain.sample.codecs import PayloadError, compress, decompress
from mirror.formats.n5.compression import Compression

DOCUMENTS: tuple[dict[str, Any], ...] = (
    {"type": "raw"},
    {"type": "gzip", "level": -1},
    {"type": "gzip", "level": 1, "useZlib": True},
    {"type": "bzip2", "blockSize": 5},
    {"type": "lz4", "blockSize": 65536},
    {"type": "lz4", "id": "lz4", "acceleration": 1},
    {"type": "xz", "preset": 1},
    {"type": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0},
    {"type": "blosc", "cname": "zstd", "clevel": 3, "shuffle": 2, "blocksize": 0},
    {"type": "zstd", "level": 3},
)
CODECS = [TypeAdapter[Compression](Compression).validate_python(document) for document in DOCUMENTS]
each_codec = pytest.mark.parametrize("codec", CODECS, ids=[f"{one['type']}-{i}" for i, one in enumerate(DOCUMENTS)])


@given(st.binary(min_size=1, max_size=70_000), st.sampled_from(CODECS), st.sampled_from([1, 2, 8]))
def test_a_payload_is_restored(voxels: bytes, codec: Compression, item_bytes: int) -> None:
    """What was compressed is restored, by every codec, for any bytes."""
    voxels = voxels * item_bytes
    assert decompress(compress(voxels, codec, item_bytes), codec, len(voxels)) == voxels


@each_codec
def test_other_lengths_are_told(codec: Compression) -> None:
    """A payload that holds one byte more or less than expected is damage."""
    payload = compress(bytes(range(200)), codec, 1)
    for n_bytes in (199, 201):
        with pytest.raises(PayloadError):
            decompress(payload, codec, n_bytes)


@given(st.sampled_from(CODECS[1:]), st.data())
def test_damage_is_told(codec: Compression, data: st.DataObject) -> None:
    """Cut payloads and foreign bytes are refused, by no other error."""
    payload = compress(b"voxels" * 50, codec, 1)
    cut = data.draw(st.binary(max_size=60) | st.integers(0, len(payload) - 1).map(lambda n: payload[:n]))
    with pytest.raises(PayloadError):
        decompress(cut, codec, 300)


def test_shuffling_needs_the_size_of_a_voxel() -> None:
    """Blosc makes slowly rising numbers of two bytes smaller if it is told that they are."""
    voxels = np.arange(20_000, dtype=">u2").tobytes()
    shuffled = CODECS[7]
    assert len(compress(voxels, shuffled, 2)) < len(compress(voxels, shuffled, 1))


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        pytest.param(CODECS[1], gzip.compress(bytes(50_000_000)), id="gzip"),
        pytest.param(CODECS[3], bz2.compress(bytes(50_000_000)), id="bzip2"),
        pytest.param(CODECS[6], lzma.compress(bytes(50_000_000)), id="xz"),
        pytest.param(CODECS[9], compress(bytes(50_000_000), CODECS[9], 1), id="zstd"),
        pytest.param(CODECS[4], compress(bytes(50_000_000), CODECS[4], 1), id="lz4"),
    ],
)
def test_bombs_are_not_restored(codec: Compression, payload: bytes) -> None:
    """A payload far larger than its block is refused."""
    with pytest.raises(PayloadError, match=r"expected|found"):
        decompress(payload, codec, 1000)


def test_a_frame_that_hides_its_size_is_not_read() -> None:
    """Zstandard frames without a content size are refused: the library would not restore them."""
    frame = bytes.fromhex("28b52ffd 00 58 010000")
    with pytest.raises(PayloadError, match="does not say its size"):
        decompress(frame, CODECS[9], 10)


def test_what_is_not_known_is_said() -> None:
    """An unknown codec, and parameters that the library refuses, name themselves."""
    other = TypeAdapter[Compression](Compression).validate_python({"type": "jpeg2000"})
    for act in (decompress, compress):
        with pytest.raises(MirrorError, match="jpeg2000"):
            act(b"", other, 1)
    wrong = TypeAdapter[Compression](Compression).validate_python({"type": "bzip2", "blockSize": 99})
    with pytest.raises(MirrorError, match='"blockSize":99'):
        compress(b"", wrong, 1)

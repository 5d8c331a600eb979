"""Blocks are written and read as Java writes and reads them, and damage is told."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mirror.errors import DamagedBlockError, MirrorError
from mirror.formats.n5.attributes import ArrayAttributes, DataType, parse_attributes
from mirror.formats.n5.block import BlockHeader, BlockMode, decode_block, encode_block
from mirror.formats.n5.compression import BloscCompression, Compression, GzipCompression, RawCompression

GZIP = GzipCompression(level=6)
ZLIB = GzipCompression.model_validate({"level": 1, "useZlib": True})
CODECS = [RawCompression(), GZIP, ZLIB, GzipCompression(level=-1)]
NUMBERS = [kind for kind in DataType if kind.n_bytes is not None]


@given(st.data(), st.sampled_from(NUMBERS), st.sampled_from(CODECS))
def test_a_block_reads_back_as_it_was_written(data: st.DataObject, kind: DataType, codec: Compression) -> None:
    """Encode, then decode gives the same voxels, for every type of number, codec and number of axes."""
    shape = arrays.array_shapes(min_dims=1, max_dims=5, max_side=5)
    array_zyx = data.draw(arrays.arrays(np.dtype(str(kind)), shape))
    read = decode_block(encode_block(array_zyx, codec=codec), kind, codec)
    assert read.dtype == array_zyx.dtype
    np.testing.assert_array_equal(read, array_zyx)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_a_header_parses_to_itself(size_xyz: list[int], count: int) -> None:
    """Parsing an encoded header gives it back, in each mode, and `n_bytes` is its length."""
    counted = BlockHeader(BlockMode.COUNTED, tuple(size_xyz), count)
    for header in (BlockHeader.plain(tuple(size_xyz)), counted, BlockHeader(BlockMode.OBJECT, (), count)):
        assert BlockHeader.parse(header.encode() + b"payload", "place") == header
        assert len(header.encode()) == header.n_bytes


def test_the_bytes_are_those_of_the_format() -> None:
    """Mode, dimensions and sizes x first, then big-endian voxels with x fastest."""
    array_zyx = np.array([[[1, 2, 3], [4, 5, 6]]], "uint16")
    expected = bytes.fromhex("0000 0003 00000003 00000002 00000001 0001 0002 0003 0004 0005 0006")
    assert encode_block(array_zyx, codec=RawCompression()) == expected


def test_gzip_has_no_time_of_day() -> None:
    """The same voxels give the same bytes on any day."""
    body = encode_block(np.zeros((2, 2, 2), "uint8"), codec=GZIP)
    assert body[16 + 4 : 16 + 8] == b"\0\0\0\0"


def test_counted_mode_is_read() -> None:
    """A block in mode 1 whose count agrees with its sizes reads as one in mode 0."""
    body = BlockHeader(BlockMode.COUNTED, (2, 1), 2).encode() + b"\7\x08"
    assert decode_block(body, DataType.UINT8, RawCompression()).tolist() == [[7, 8]]


_PLAIN = BlockHeader.plain((2, 2)).encode()


@pytest.mark.parametrize(
    ("body", "codec", "part", "words"),
    [
        pytest.param(b"", RawCompression(), "header", "for the mode, found 0 bytes", id="empty"),
        pytest.param(_PLAIN[:9], RawCompression(), "header", "for the sizes, found 9 bytes", id="cut header"),
        pytest.param(b"\0\7" + _PLAIN, RawCompression(), "header", "found mode 7", id="mode"),
        pytest.param(b"\0\0\0\0", RawCompression(), "header", "1 to 32 dimensions", id="no dimensions"),
        pytest.param(_PLAIN + b"123", RawCompression(), "payload", "4 bytes of voxels, found 3", id="short"),
        pytest.param(_PLAIN + b"12345", RawCompression(), "payload", "4 bytes of voxels, found 5", id="long"),
        pytest.param(_PLAIN + b"no gzip", GZIP, "payload", "expected gzip data", id="not gzip"),
        pytest.param(_PLAIN + gzip.compress(b"12345"), GZIP, "payload", "4 bytes of voxels, found 5", id="gzip long"),
        pytest.param(_PLAIN + gzip.compress(b"1234")[:-6], GZIP, "payload", "breaks off", id="gzip cut"),
        pytest.param(
            BlockHeader(BlockMode.COUNTED, (2, 2), 3).encode() + b"123",
            RawCompression(),
            "header",
            "found 3",
            id="count",
        ),
    ],
)
def test_damage_says_where_and_what(body: bytes, codec: Compression, part: str, words: str) -> None:
    """A damaged block names its place, the part at fault, what was expected and what was found."""
    with pytest.raises(DamagedBlockError, match=words) as caught:
        decode_block(body, DataType.UINT8, codec, "s3://b/s0/0/0")
    assert caught.value.part == part
    assert caught.value.thing == "s3://b/s0/0/0"


def test_too_much_gzip_is_not_inflated() -> None:
    """A payload that inflates far beyond its header is refused after one byte too many."""
    body = _PLAIN + gzip.compress(bytes(50_000_000))
    with pytest.raises(DamagedBlockError, match="expected 4 bytes of voxels, found 5"):
        decode_block(body, DataType.UINT8, GZIP)


def test_a_codec_that_is_not_read_is_said() -> None:
    """Blosc can be mirrored, though not decoded here."""
    with pytest.raises(MirrorError, match="blosc"):
        decode_block(_PLAIN + b"1234", DataType.UINT8, BloscCompression())
    with pytest.raises(MirrorError, match="blosc"):
        encode_block(np.zeros(1, "uint8"), codec=BloscCompression())


def test_import_does_not_need_numpy() -> None:
    """Headers are read where numpy is not installed."""
    code = "import sys, mirror.formats.n5.block; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def _from_zarr(tmp_path: Path, array_zyx: np.ndarray[Any, Any]) -> bytes:
    import zarr

    store = zarr.N5Store(str(tmp_path / "c.n5"))
    options = {"chunks": array_zyx.shape, "compressor": zarr.codecs.GZip(6)}
    zarr.open_array(store, path="s0", mode="w", shape=array_zyx.shape, dtype=array_zyx.dtype, **options)[:] = array_zyx
    return (tmp_path / "c.n5" / "s0" / "0" / "0" / "0").read_bytes()


@pytest.mark.filterwarnings("ignore::FutureWarning")  # zarr 2 says that its N5 store goes with zarr 3
def test_blocks_of_zarr_are_read(tmp_path: Path) -> None:
    """A block that zarr's N5 store wrote has the voxels that it was given."""
    array_zyx = np.arange(2 * 3 * 4, dtype="uint16").reshape(2, 3, 4)
    np.testing.assert_array_equal(decode_block(_from_zarr(tmp_path, array_zyx), DataType.UINT16, GZIP), array_zyx)


@pytest.mark.samples
def test_blocks_of_java_are_read() -> None:
    """Blocks of three eras of the Java library decode, truncated at the edge, and no voxel is left over."""
    root = os.environ.get("OOMIRROR_TEST_SAMPLES")
    if root is None:
        pytest.skip("OOMIRROR_TEST_SAMPLES is not set")
    containers = sorted((Path(root) / "n5_written_by_java").glob("*.n5"))
    assert len(containers) == 3
    for container in containers:
        attributes = parse_attributes((container / "raw" / "attributes.json").read_bytes(), str(container))
        assert isinstance(attributes, ArrayAttributes)
        for index in attributes.grid.indices():
            body = (container / "raw" / "/".join(map(str, index))).read_bytes()
            read = decode_block(body, attributes.data_type, attributes.compression, str(container))
            assert tuple(reversed(read.shape)) == attributes.grid.block_shape_xyz(index)

"""Blocks of N5 and chunks of zarr as others write them are decoded, or the reason is a value."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mirror.explain.sample.decode import Storage, Undecodable, Why, decode_stored
from mirror.formats.folder import Format
from mirror.formats.n5.block import BlockHeader, BlockMode, encode_block
from mirror.formats.n5.compression import RawCompression
from tests.mirror.explain.sample.test_codecs import DOCUMENTS

ARRAY_ZYX = np.arange(2 * 3 * 4, dtype="uint16").reshape(2, 3, 4) * 1000
BLOCK_XYZ = (4, 3, 2)


def n5(compression: dict[str, Any], data_type: str = "uint16") -> Storage:
    """Return how an N5 array of `BLOCK_XYZ` is stored."""
    return Storage(Format.N5, data_type, compression, BLOCK_XYZ)


@pytest.mark.parametrize("compression", DOCUMENTS, ids=[f"{one['type']}-{i}" for i, one in enumerate(DOCUMENTS)])
def test_tensorstore_blocks_are_read(tmp_path: Path, compression: dict[str, Any]) -> None:
    """A block that tensorstore wrote has its voxels, in each codec that it knows."""
    import tensorstore

    if compression["type"] == "lz4" or compression.get("useZlib"):
        pytest.skip("tensorstore does not write it")
    metadata = {"dimensions": BLOCK_XYZ, "blockSize": BLOCK_XYZ, "dataType": "uint16", "compression": compression}
    spec = {"driver": "n5", "kvstore": {"driver": "file", "path": str(tmp_path)}, "metadata": metadata, "create": True}
    tensorstore.open(spec).result().write(ARRAY_ZYX.transpose(2, 1, 0)).result()
    read = decode_stored((tmp_path / "0" / "0" / "0").read_bytes(), n5(compression))
    np.testing.assert_array_equal(read, ARRAY_ZYX)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # zarr 2 says that its N5 store goes with zarr 3
@pytest.mark.parametrize("name", ["Zlib", "BZ2", "LZ4", "LZMA", "Blosc", "Zstd"])
@pytest.mark.parametrize("order", [">", "<"])
def test_zarr_chunks_are_read(tmp_path: Path, name: str, order: str) -> None:
    """A chunk that zarr wrote has its voxels, in each codec and byte order."""
    import zarr

    array = zarr.open_array(
        str(tmp_path), mode="w", shape=(2, 3, 4), chunks=(2, 3, 4), dtype=f"{order}u2", compressor=getattr(zarr, name)()
    )
    array[:] = ARRAY_ZYX
    config = array.compressor.get_config()
    compression = {"type": config.pop("id"), **config}
    storage = Storage(Format.ZARR, "uint16", compression, BLOCK_XYZ, "big" if order == ">" else "little")
    np.testing.assert_array_equal(decode_stored((tmp_path / "0.0.0").read_bytes(), storage), ARRAY_ZYX)


BODY = encode_block(ARRAY_ZYX, codec=RawCompression())
RAW = {"type": "raw"}


@pytest.mark.parametrize(
    ("body", "storage", "why", "words"),
    [
        pytest.param(BODY, n5({"type": "jpeg2000"}), Why.CODEC, "jpeg2000", id="codec"),
        pytest.param(BODY, n5({"type": "gzip", "level": "x"}), Why.CODEC, "cannot be read", id="parameters"),
        pytest.param(BODY, n5(RAW, "string"), Why.TYPE, "found string", id="type"),
        pytest.param(BODY, n5(RAW, "uint64"), Why.DAMAGED, "expected 192 bytes", id="other type"),
        pytest.param(BODY[:9], n5(RAW), Why.DAMAGED, "found 9 bytes", id="shorter than its header"),
        pytest.param(BODY[:-1], n5(RAW), Why.DAMAGED, "found 47", id="cut"),
        pytest.param(BODY, n5({"type": "zstd"}), Why.DAMAGED, "zstd", id="another codec"),
        pytest.param(
            BlockHeader.plain((2**31, 2**31, 2**31)).encode(), n5({"type": "zstd"}), Why.DAMAGED, "4, 3, 2", id="vast"
        ),
        pytest.param(BlockHeader.plain((4, 3)).encode(), n5(RAW), Why.DAMAGED, "in \\[4, 3\\]", id="two axes"),
        pytest.param(
            BlockHeader(BlockMode.COUNTED, (4, 3, 2), 3).encode(), n5(RAW), Why.DAMAGED, "3 elements", id="count"
        ),
        pytest.param(
            b"", Storage(Format.ZARR, "uint8", RAW | {"filters": [{"id": "delta"}]}, (1,)), Why.CODEC, "delta", id="f"
        ),
        pytest.param(
            b"", Storage(Format.ZARR, "uint8", {"type": "lzma", "format": 3}, (1,)), Why.CODEC, "format 3", id="lzma"
        ),
    ],
)
def test_what_cannot_be_read_is_a_value(body: bytes, storage: Storage, why: Why, words: str) -> None:
    """Unknown and damaged blocks give the reason, and raise nothing."""
    read = decode_stored(body, storage)
    assert isinstance(read, Undecodable)
    assert read.why is why
    assert re.search(words, read.reason)


def test_truncated_blocks_keep_their_shape() -> None:
    """A block at the edge has the shape that its header says."""
    read = decode_stored(encode_block(ARRAY_ZYX[:1, :2], codec=RawCompression()), n5(RAW))
    np.testing.assert_array_equal(read, ARRAY_ZYX[:1, :2])

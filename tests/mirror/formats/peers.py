"""The libraries that write these formats, as peers: each writes a small array and says what it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import tensorstore as ts
import z5py
import zarr
from numpy.typing import NDArray

SHAPE_ZYX = (5, 6, 7)
CHUNK_ZYX = (2, 3, 4)
VOXELS_ZYX = np.arange(1, 211, dtype="uint16").reshape(SHAPE_ZYX)
"""No voxel is 0, so that no writer leaves a block out."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a library says of the array that it wrote, by its own attributes."""

    shape_xyz: tuple[int, ...]
    block_size_xyz: tuple[int, ...]
    data_type: str
    compression: Mapping[str, object]
    inner_block_size_xyz: tuple[int, ...] | None = None


def _reversed(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in reversed(values))


_STORES = {
    "N5Store": zarr.N5Store,
    "N5FSStore": zarr.N5FSStore,
    "DirectoryStore": zarr.DirectoryStore,
    "NestedDirectoryStore": zarr.NestedDirectoryStore,
    "FSStore": zarr.storage.FSStore,
}

N5_COMPRESSORS: dict[str, tuple[Any, dict[str, object]]] = {
    "raw": (None, {"type": "raw"}),
    "gzip": (numcodecs.GZip(5), {"type": "gzip", "level": 5, "useZlib": False}),
    "zlib": (numcodecs.Zlib(3), {"type": "gzip", "level": 3, "useZlib": True}),
    "bz2": (numcodecs.BZ2(4), {"type": "bzip2", "blockSize": 4}),
    "lzma": (numcodecs.LZMA(preset=2), {"type": "xz", "preset": 2}),
    "lz4": (numcodecs.LZ4(3), {"type": "lz4", "id": "lz4", "acceleration": 3}),
    "zstd": (numcodecs.Zstd(7), {"type": "zstd", "id": "zstd", "level": 7, "checksum": False}),
}
"""What zarr's N5 stores are given, and the N5 spelling that they keep; blosc keeps its own."""


def n5_by_zarr(folder: Path, store: str, compressor: Any, expected: Mapping[str, object]) -> Said:
    """Write an array `a` with one of zarr 2's N5 stores."""
    written = zarr.group(_STORES[store](str(folder)), overwrite=True)
    written.create_dataset("a", data=VOXELS_ZYX, chunks=CHUNK_ZYX, compressor=compressor)
    array = zarr.open_group(_STORES[store](str(folder)), "r")["a"]
    config = array.compressor.compressor_config
    assert config == (None if compressor is None else compressor.get_config())
    return Said(_reversed(array.shape), _reversed(array.chunks), array.dtype.name, expected)


def zarr_by_zarr(folder: Path, store: str, compressor: Any, **options: Any) -> Said:
    """Write an array `a` with zarr 2; in Fortran's order its axes are x first already."""
    written = zarr.group(_STORES[store](str(folder)), overwrite=True)
    voxels = VOXELS_ZYX.astype(options.pop("dtype", "<u2"))
    written.create_dataset("a", data=voxels, chunks=CHUNK_ZYX, compressor=compressor, **options)
    array = zarr.open_group(_STORES[store](str(folder)), "r")["a"]
    ordered = tuple if array.order == "F" else _reversed
    config = {"id": "raw"} if array.compressor is None else array.compressor.get_config()
    compression = {"type": config.pop("id"), **config}
    if array.filters:
        compression["filters"] = [one.get_config() for one in array.filters]
    return Said(ordered(array.shape), ordered(array.chunks), array.dtype.name, compression)


Z5_N5: dict[str, dict[str, str]] = {
    "raw": {},
    "gzip": {},
    "bzip2": {"level": "blockSize"},
    "lz4": {"level": "blockSize"},
    "xz": {"level": "preset"},
    "zstd": {},
    "blosc": {"codec": "cname", "level": "clevel"},
}
"""What z5 writes in N5, and how N5 calls the parameters that z5 calls otherwise."""
Z5_ZARR_V2 = {"raw": "raw", "blosc": "blosc", "zlib": "zlib", "bzip2": "bz2", "gzip": "zlib", "zstd": "zstd"}
"""What z5 writes in zarr, and how zarr calls it; its gzip is zarr's zlib."""
Z5_ZARR_V3 = {"raw": "raw", "blosc": "blosc", "gzip": "gzip", "zstd": "zstd"}


def by_z5(folder: Path, compression: str, **options: Any) -> tuple[Said, dict[str, Any]]:
    """Write an array `a` with z5, as N5 or as zarr of either version; return its parameters as z5 calls them, too."""
    with z5py.File(str(folder), "a", **options) as file:
        written = file.create_dataset("a", shape=SHAPE_ZYX, chunks=CHUNK_ZYX, dtype="uint16", compression=compression)
        written[:] = VOXELS_ZYX
    with z5py.File(str(folder), "r", **options) as file:
        array = file["a"]
        said = Said(_reversed(array.shape), _reversed(array.chunks), str(array.dtype), {"type": array.compression})
        # z5 fails on the options of raw, which has none.
        return said, {} if compression == "raw" else dict(array.compression_opts)


def by_tensorstore(folder: Path, driver: str, metadata: Mapping[str, object]) -> ts.TensorStore:
    """Write an array with one of tensorstore's drivers of trees."""
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": str(folder)}, "metadata": metadata}
    store = ts.open(spec, create=True).result()
    store[...] = _numbers(store.shape, store.dtype.numpy_dtype)
    return ts.open({"driver": driver, "kvstore": spec["kvstore"]}, read=True).result()


def precomputed_by_tensorstore(folder: Path, data_type: str, scale: Mapping[str, object], channels: int = 1) -> Any:
    """Write a precomputed volume of one scale with tensorstore."""
    kind = "segmentation" if data_type == "uint64" else "image"
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": str(folder)},
        "multiscale_metadata": {"type": kind, "data_type": data_type, "num_channels": channels},
        "scale_metadata": scale,
    }
    store = ts.open(spec, create=True).result()
    store[...] = _numbers(store.shape, store.dtype.numpy_dtype)
    return ts.open({"driver": spec["driver"], "kvstore": spec["kvstore"]}, read=True).result()


def _numbers(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    return (np.arange(np.prod(shape)) % 100 + 1).astype(dtype).reshape(shape)

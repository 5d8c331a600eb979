"""What other libraries write is read here as they read it themselves: shape, blocks, type, codec and every key."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest

from mirror.formats.dataset import Array, Dataset, KeyKind, classify_key
from mirror.formats.layout import ArrayFacts
from mirror.formats.n5.attributes import DataType
from mirror.formats.n5.block import decode_block
from mirror.formats.n5.compression import GzipCompression, RawCompression
from mirror.formats.n5.grid import block_key
from tests.mirror.formats import peers
from tests.mirror.formats.buckets import Bucket, discover, local_bucket
from tests.mirror.formats.peers import Said

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # zarr 2 says that its N5 store goes with zarr 3

N5 = "d/d.n5/"
ZARR = "d/d.zarr/"
PRECOMPUTED = "d/neuroglancer/em/x.precomputed/"
BLOSC = {name: numcodecs.Blosc(name, 3, numcodecs.Blosc.BITSHUFFLE) for name in numcodecs.blosc.list_compressors()}
ZARR_COMPRESSORS = {name: codec for name, (codec, _) in peers.N5_COMPRESSORS.items()} | BLOSC


def read(folder: Path, prefix: str) -> tuple[Array, Dataset, Bucket]:
    """Return the one array below a folder, as discovery finds it in a bucket, and nothing odd."""
    objects = local_bucket(folder, prefix)
    dataset = discover(objects, "d/")
    assert dataset.findings == ()
    (array,) = (array for volume in dataset.volumes() for array in volume.arrays)
    return array, dataset, objects


def assert_read(folder: Path, prefix: str, said: Said) -> Array:
    """Assert that the array is read as its writer says, and that each object is a block or metadata."""
    array, dataset, objects = read(folder, prefix)
    assert array.facts == ArrayFacts(**{name: getattr(said, name) for name in Said.__slots__})
    kinds = [classify_key(dataset, key) for key in objects]
    assert KeyKind.STRAY not in kinds
    assert kinds.count(KeyKind.BLOCK) == array.n_blocks
    assert dataset.containers[0].version is not None or prefix == PRECOMPUTED
    return array


def voxels_zyx(array: Array, objects: Bucket, n_codec: Any) -> np.ndarray[Any, Any]:
    """Return an N5 array from its blocks, padded ones cut."""
    assert array.facts is not None
    grid, data_type = array.facts.grid, DataType(array.facts.data_type)
    whole = np.zeros(grid.shape_xyz[::-1], data_type.value)
    for index in grid.indices():
        block = decode_block(objects[array.prefix + block_key(index)], data_type, n_codec)
        cut = tuple(slice(0, side) for side in grid.block_shape_xyz(index)[::-1])
        starts = [i * side for i, side in zip(index, grid.block_size_xyz, strict=True)][::-1]
        place = tuple(slice(start, start + part.stop) for start, part in zip(starts, cut, strict=True))
        whole[place] = block[cut]
    return whole


@pytest.mark.parametrize("store", ["N5Store", "N5FSStore"])
@pytest.mark.parametrize("name", [*peers.N5_COMPRESSORS, *BLOSC])
def test_n5_of_zarr_2(tmp_path: Path, store: str, name: str) -> None:
    """Both N5 stores with each codec of numcodecs."""
    codec, expected = peers.N5_COMPRESSORS.get(name) or (BLOSC[name], {"type": "blosc", **_blosc(name)})
    array = assert_read(tmp_path, N5, peers.n5_by_zarr(tmp_path, store, codec, expected))
    if name in ("raw", "gzip"):
        block_codec = RawCompression() if name == "raw" else GzipCompression()
        np.testing.assert_array_equal(voxels_zyx(array, local_bucket(tmp_path, N5), block_codec), peers.VOXELS_ZYX)


def _blosc(name: str) -> dict[str, object]:
    config: dict[str, object] = BLOSC[name].get_config()
    return {key: value for key, value in config.items() if key != "id"}


@pytest.mark.parametrize("name", peers.Z5_N5)
def test_n5_of_z5(tmp_path: Path, name: str) -> None:
    """N5 of z5, which cuts blocks at the edges, with each codec that it offers."""
    folder = tmp_path / "d.n5"
    said, parameters = peers.by_z5(folder, name)
    names = peers.Z5_N5[name]
    spelled = {names.get(key, key): value for key, value in parameters.items()}
    added = {"useZlib": False} if name == "gzip" else {}
    array = assert_read(folder, N5, replace(said, compression={**said.compression, **spelled, **added}))
    if name in ("raw", "gzip"):
        block_codec = RawCompression() if name == "raw" else GzipCompression()
        np.testing.assert_array_equal(voxels_zyx(array, local_bucket(folder, N5), block_codec), peers.VOXELS_ZYX)


N5_OF_TENSORSTORE: list[dict[str, Any]] = [
    {"type": "raw"},
    {"type": "gzip"},
    {"type": "gzip", "level": 3, "useZlib": True},
    {"type": "bzip2", "blockSize": 4},
    {"type": "xz", "preset": 2},
    {"type": "zstd", "level": 7},
    *(
        {"type": "blosc", "cname": name, "clevel": 3, "shuffle": 2}
        for name in ("blosclz", "lz4", "lz4hc", "zlib", "zstd")
    ),
]


@pytest.mark.parametrize("compression", N5_OF_TENSORSTORE, ids=lambda one: f"{one['type']}-{one.get('cname', '')}")
def test_n5_of_tensorstore(tmp_path: Path, compression: dict[str, object]) -> None:
    """N5 of tensorstore, which writes no document above the array, with each codec that it offers."""
    metadata = {"dimensions": [7, 6, 5], "blockSize": [4, 3, 2], "dataType": "uint16", "compression": compression}
    store = peers.by_tensorstore(tmp_path / "a", "n5", metadata)
    (tmp_path / "attributes.json").write_text('{"n5": "4.0.0"}')
    own = store.spec().to_json()["metadata"]
    assert_read(tmp_path, N5, _said(store, own["compression"]))


def _said(store: Any, compression: dict[str, object], *, ordered: type | Any = tuple, inner: bool = False) -> Said:
    layout = store.chunk_layout
    inner_block = ordered(layout.read_chunk.shape) if inner else None
    return Said(ordered(store.shape), ordered(layout.write_chunk.shape), store.dtype.name, compression, inner_block)


def backwards(values: Any) -> tuple[int, ...]:
    """Return values of axes with the last one first."""
    return tuple(reversed(tuple(values)))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("store", ["DirectoryStore", "NestedDirectoryStore", "FSStore"])
@pytest.mark.parametrize("name", ZARR_COMPRESSORS)
def test_zarr_of_zarr_2(tmp_path: Path, store: str, name: str, order: str) -> None:
    """Each store, so both separators, each codec of numcodecs, and both orders of voxels in a chunk."""
    assert_read(tmp_path, ZARR, peers.zarr_by_zarr(tmp_path, store, ZARR_COMPRESSORS[name], order=order))


@pytest.mark.parametrize("dtype", ["|u1", "|b1", "<i2", ">f4", "<f8", "<c8", "<M8[ns]", ">u8", "<m8[us]"])
def test_types_of_zarr_2(tmp_path: Path, dtype: str) -> None:
    """Types have the name that numpy gives them, whichever byte comes first."""
    assert_read(tmp_path, ZARR, peers.zarr_by_zarr(tmp_path, "DirectoryStore", None, dtype=dtype))


def test_filters_of_zarr_2(tmp_path: Path) -> None:
    """What comes before the compressor is told with it."""
    filters = [numcodecs.Delta("<u2")]
    assert_read(tmp_path, ZARR, peers.zarr_by_zarr(tmp_path, "DirectoryStore", numcodecs.Zlib(1), filters=filters))


@pytest.mark.parametrize("separator", [".", "/"])
@pytest.mark.parametrize("name", peers.Z5_ZARR_V2)
def test_zarr_2_of_z5(tmp_path: Path, name: str, separator: str) -> None:
    """Zarr v2 of z5 with each codec that it offers."""
    folder = tmp_path / "d.zarr"
    said, parameters = peers.by_z5(folder, name, dimension_separator=separator)
    names = peers.Z5_N5["blosc"] if name == "blosc" else {}
    spelled = {names.get(key, key): value for key, value in parameters.items() if key != "nthreads"}
    assert_read(folder, ZARR, replace(said, compression={"type": peers.Z5_ZARR_V2[name], **spelled}))


ZARR_OF_TENSORSTORE: list[dict[str, Any] | None] = [
    None,
    {"id": "gzip", "level": 4},
    {"id": "zlib", "level": 4},
    {"id": "bz2", "level": 4},
    {"id": "zstd", "level": 4},
    *(
        {"id": "blosc", "cname": name, "clevel": 3, "shuffle": 1}
        for name in ("blosclz", "lz4", "lz4hc", "zlib", "zstd")
    ),
]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("separator", [".", "/"])
@pytest.mark.parametrize("compressor", ZARR_OF_TENSORSTORE, ids=lambda one: "-".join(map(str, (one or {}).values())))
def test_zarr_2_of_tensorstore(
    tmp_path: Path, compressor: dict[str, object] | None, separator: str, order: str
) -> None:
    """Zarr v2 of tensorstore with each codec that it offers, both separators and both orders."""
    form = {"compressor": compressor, "dimension_separator": separator, "order": order, "dtype": "<u2"}
    store = peers.by_tensorstore(
        tmp_path, "zarr", {"shape": peers.SHAPE_ZYX, "chunks": peers.CHUNK_ZYX, "fill_value": 0, **form}
    )
    own = dict(store.spec().to_json()["metadata"]["compressor"] or {"id": "raw"})
    (tmp_path / ".zgroup").unlink(missing_ok=True)
    compression = {"type": own.pop("id"), **own}
    assert_read(tmp_path, ZARR, _said(store, compression, ordered=tuple if order == "F" else backwards))


BYTES: dict[str, Any] = {"name": "bytes", "configuration": {"endian": "little"}}
CODECS_OF_V3: dict[str, list[dict[str, Any]]] = {
    "bytes": [BYTES],
    "big-endian": [{"name": "bytes", "configuration": {"endian": "big"}}],
    "gzip": [BYTES, {"name": "gzip", "configuration": {"level": 5}}],
    "zstd": [BYTES, {"name": "zstd", "configuration": {"level": 5}}],
    "crc32c": [BYTES, {"name": "crc32c"}],
    "gzip and crc32c": [BYTES, {"name": "gzip", "configuration": {"level": 5}}, {"name": "crc32c"}],
    **{
        f"blosc {name}": [BYTES, {"name": "blosc", "configuration": {"cname": name, "clevel": 3, "shuffle": "shuffle"}}]
        for name in ("blosclz", "lz4", "lz4hc", "zlib", "zstd")
    },
}
KEYS_OF_V3 = [
    {"name": "default", "configuration": {"separator": "/"}},
    {"name": "default", "configuration": {"separator": "."}},
    {"name": "default"},
    {"name": "v2", "configuration": {"separator": "/"}},
    {"name": "v2", "configuration": {"separator": "."}},
    {"name": "v2"},
]


def v3_metadata(codecs: list[dict[str, Any]], keys: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what tensorstore needs to write a zarr v3 array."""
    grid = {"name": "regular", "configuration": {"chunk_shape": list(peers.CHUNK_ZYX)}}
    form = {"shape": peers.SHAPE_ZYX, "data_type": "uint16", "chunk_grid": grid, "codecs": codecs}
    return {**form, "chunk_key_encoding": keys or KEYS_OF_V3[0]}


def compression_of_v3(codecs: list[dict[str, Any]]) -> dict[str, object]:
    """Return the compression that the codecs of a document come to."""
    compressors = [one for one in codecs if one["name"] in ("gzip", "zstd", "blosc")] or [{"name": "raw"}]
    checksums = [one for one in codecs if one["name"] == "crc32c"]
    compression = {"type": compressors[0]["name"], **compressors[0].get("configuration", {})}
    return compression | ({"filters": checksums} if checksums else {})


@pytest.mark.parametrize("codecs", CODECS_OF_V3.values(), ids=CODECS_OF_V3.keys())
def test_zarr_3_of_tensorstore(tmp_path: Path, codecs: list[dict[str, Any]]) -> None:
    """Zarr v3 of tensorstore with each codec that it offers."""
    store = peers.by_tensorstore(tmp_path, "zarr3", v3_metadata(codecs))
    own = store.spec().to_json()["metadata"]["codecs"]
    assert_read(tmp_path, ZARR, _said(store, compression_of_v3(own), ordered=backwards))


@pytest.mark.parametrize("keys", KEYS_OF_V3, ids=json.dumps)
def test_keys_of_zarr_3(tmp_path: Path, keys: dict[str, Any]) -> None:
    """Chunks lie under `c/0/0/0`, `c.0.0.0`, `0/0/0` or `0.0.0`, as the document says."""
    store = peers.by_tensorstore(tmp_path, "zarr3", v3_metadata([BYTES], keys))
    assert_read(tmp_path, ZARR, _said(store, {"type": "raw"}, ordered=backwards))


@pytest.mark.parametrize(
    "order",
    [[2, 1, 0], [0, 1, 2], [1, 2, 0], [0, 2, 1]],
    ids=str,
)
@pytest.mark.parametrize("is_sharded", [False, True], ids=["chunks", "shards"])
def test_transposed_axes_of_zarr_3(tmp_path: Path, order: list[int], is_sharded: bool) -> None:
    """The axis whose voxels lie side by side comes first, and a shard's chunks keep to their axes."""
    inner_zyx = (1, 3, 2)
    chain = [{"name": "transpose", "configuration": {"order": order}}]
    sharding = {"chunk_shape": [inner_zyx[axis] for axis in order], "codecs": [BYTES]}
    chain.append({"name": "sharding_indexed", "configuration": sharding} if is_sharded else BYTES)
    store = peers.by_tensorstore(tmp_path, "zarr3", v3_metadata(chain))

    def fastest_first(values: Any) -> tuple[int, ...]:
        return tuple(values[axis] for axis in reversed(order))

    assert_read(tmp_path, ZARR, _said(store, {"type": "raw"}, ordered=fastest_first, inner=is_sharded))


@pytest.mark.parametrize("location", ["start", "end"])
@pytest.mark.parametrize("codecs", CODECS_OF_V3.values(), ids=CODECS_OF_V3.keys())
def test_shards_of_zarr_3(tmp_path: Path, codecs: list[dict[str, Any]], location: str) -> None:
    """A shard is one object, its chunks are compressed by themselves, and the codec is theirs."""
    configuration = {"chunk_shape": [1, 3, 2], "codecs": codecs, "index_location": location}
    store = peers.by_tensorstore(
        tmp_path, "zarr3", v3_metadata([{"name": "sharding_indexed", "configuration": configuration}])
    )
    own = store.spec().to_json()["metadata"]["codecs"][0]["configuration"]["codecs"]
    assert_read(tmp_path, ZARR, _said(store, compression_of_v3(own), ordered=backwards, inner=True))


@pytest.mark.parametrize("name", peers.Z5_ZARR_V3)
def test_zarr_3_of_z5(tmp_path: Path, name: str) -> None:
    """Zarr v3 of z5 with each codec that it offers."""
    folder = tmp_path / "d.zarr"
    said, parameters = peers.by_z5(folder, name, zarr_format=3)
    array, _, _ = read(folder, ZARR)
    assert array.facts is not None
    assert (array.facts.shape_xyz, array.facts.block_size_xyz) == (said.shape_xyz, said.block_size_xyz)
    assert array.facts.data_type == said.data_type
    assert array.facts.compression["type"] == name
    assert parameters.get("level") == array.facts.compression.get("level", array.facts.compression.get("clevel"))


ENCODINGS: dict[str, tuple[str, dict[str, object]]] = {
    "raw": ("uint16", {}),
    "jpeg": ("uint8", {"jpeg_quality": 80}),
    "png": ("uint8", {"png_level": 4}),
    "compressed_segmentation": ("uint64", {"compressed_segmentation_block_size": [8, 8, 8]}),
}


def scale_of(encoding: str, **fields: object) -> dict[str, object]:
    """Return the scale that tensorstore is to write."""
    form = {"size": [7, 6, 5], "chunk_size": [4, 3, 2], "resolution": [4, 4, 5.24], "voxel_offset": [1, 2, 3]}
    return {"encoding": encoding, **form, **fields}


def sharding_of(bits: tuple[int, int, int], **fields: object) -> dict[str, object]:
    """Return a `sharding` of so many bits before, of and after the minishard."""
    names = ("preshift_bits", "minishard_bits", "shard_bits")
    form = {"@type": "neuroglancer_uint64_sharded_v1", "hash": "identity"}
    return {**form, **dict(zip(names, bits, strict=True)), **fields}


@pytest.mark.parametrize("name", ENCODINGS)
def test_precomputed_of_tensorstore(tmp_path: Path, name: str) -> None:
    """Each encoding with its parameters; chunks are boxes, those at the edges cut."""
    data_type, parameters = ENCODINGS[name]
    store = peers.precomputed_by_tensorstore(tmp_path, data_type, scale_of(name, **parameters))
    layout, own = store.chunk_layout, store.spec().to_json()["scale_metadata"]
    compression = {"type": own["encoding"], **{key: own[key] for key in parameters}}
    array, dataset, objects = read(tmp_path, PRECOMPUTED)
    expected = ArrayFacts(
        store.shape[:3], layout.write_chunk.shape[:3], store.dtype.name, compression, None, tuple("xyz")
    )
    assert array.facts == expected
    assert [classify_key(dataset, key) for key in objects].count(KeyKind.BLOCK) == array.n_blocks == len(objects) - 1


def test_channels_of_precomputed(tmp_path: Path) -> None:
    """Channels are one more axis, the slowest."""
    store = peers.precomputed_by_tensorstore(tmp_path, "uint8", scale_of("raw"), channels=3)
    array, _, _ = read(tmp_path, PRECOMPUTED)
    assert array.facts is not None
    assert array.facts.shape_xyz == store.shape
    assert array.facts.block_size_xyz == store.chunk_layout.write_chunk.shape
    assert array.facts.axes_xyz == ("x", "y", "z", "channel")
    assert array.raw_bytes == 7 * 6 * 5 * 3


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("bits", [(1, 2, 1), (0, 1, 2), (1, 1, 0), (0, 0, 5)], ids=str)
def test_sharded_precomputed_of_tensorstore(tmp_path: Path, name: str, bits: tuple[int, int, int]) -> None:
    """Shards are boxes of chunks as long as all of a chunk's number counts."""
    data_type, parameters = ENCODINGS[name]
    scale = scale_of(name, sharding=sharding_of(bits, data_encoding="gzip"), **parameters)
    store = peers.precomputed_by_tensorstore(tmp_path, data_type, scale)
    array, dataset, objects = read(tmp_path, PRECOMPUTED)
    assert array.facts is not None
    n_bits = 4  # of 2 x 2 x 3 chunks
    assert array.facts.inner_block_size_xyz == store.chunk_layout.read_chunk.shape[:3]
    kinds = [classify_key(dataset, key) for key in objects]
    assert (kinds.count(KeyKind.BLOCK), kinds.count(KeyKind.GROUP)) == (len(objects) - 1, 1)
    if n_bits <= sum(bits):
        assert array.facts.block_size_xyz == store.chunk_layout.write_chunk.shape[:3]
        assert array.n_blocks == len(objects) - 1
    else:
        assert array.n_blocks is None
    own = store.spec().to_json()["scale_metadata"]
    expected = {"type": own["encoding"], **{key: own[key] for key in parameters}, "data_encoding": "gzip"}
    assert array.facts.compression == expected


def test_hashed_shards_are_no_boxes(tmp_path: Path) -> None:
    """With a hash, a shard holds chunks from anywhere: how many shards there are, only a listing tells."""
    sharding = sharding_of((0, 1, 3), hash="murmurhash3_x86_128")
    peers.precomputed_by_tensorstore(tmp_path, "uint8", scale_of("raw", sharding=sharding))
    array, dataset, objects = read(tmp_path, PRECOMPUTED)
    assert array.n_blocks is None
    assert KeyKind.STRAY not in {classify_key(dataset, key) for key in objects}

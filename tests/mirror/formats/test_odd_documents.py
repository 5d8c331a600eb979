"""Whatever others write, no document ends discovery."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mirror.formats.dataset import classify_key
from tests.mirror.formats.buckets import array_document, discover, document, scale, zarr_v2_document, zarr_v3_document

_TRANSFORM = {"axes": ["z", "y", "x"], "scale": [5.24, 4, 4], "translate": [0, 0, 0], "units": ["nm"] * 3}
_PIXELS = {"dimensions": [4, 4, 5.24], "unit": "nm", "units": ["nm"] * 3}
_N5 = {"axes": ["x", "y", "z"], "units": ["nm"] * 3, "pixelResolution": _PIXELS, "transform": _TRANSFORM}
_CROP = {"resolution": [2, 2, 2], "resolution_unit": "nm", "offset": [1, 2, 3], "offset_unit": "nm"}
_STEPS = [{"type": "scale", "scale": [5.24, 4, 4]}, {"type": "translation", "translation": [0, 0, 0]}]
_LEVELS = [{"path": "s0", "transform": _TRANSFORM, "coordinateTransformations": _STEPS}]
_AXES = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
_PYRAMIDS = [{"axes": _AXES, "datasets": _LEVELS, "coordinateTransformations": _STEPS, "version": "0.4"}]
_LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
_SHARDING = {"chunk_shape": [32, 32, 32], "codecs": [{"name": "bytes"}, "crc32c"], "index_codecs": [_LITTLE]}
_CODECS = [
    {"name": "transpose", "configuration": {"order": [2, 1, 0]}},
    {"name": "sharding_indexed", "configuration": _SHARDING},
]
_BITS = {"@type": "x", "hash": "identity", "preshift_bits": 1, "minishard_bits": 2, "shard_bits": 3}
_SCALES = [scale("s0", voxel_offset=[1, 2, 3], sharding=_BITS), scale("s1", voxel_offset=[1, 2, 3])]


def _read(body: bytes, **more: object) -> dict[str, Any]:
    return {**json.loads(body), **more}


DOCUMENTS: dict[str, dict[str, Any]] = {
    "d.n5/attributes.json": {"n5": "4.0.0"},
    "d.n5/em/attributes.json": {**_N5, **_CROP, "scales": [[1, 1, 1]], "multiscales": _PYRAMIDS},
    "d.n5/em/s0/attributes.json": _read(array_document(), **_N5, downsamplingFactors=[1, 1, 1]),
    "d.n5/crop/all/attributes.json": _read(array_document(), **_CROP),
    "d.zarr/.zgroup": {"zarr_format": 2},
    "d.zarr/em/.zattrs": {"multiscales": _PYRAMIDS},
    "d.zarr/em/s0/.zarray": _read(zarr_v2_document([30, 70, 100]), dimension_separator="/"),
    "d.zarr/em/s0/.zattrs": {"_ARRAY_DIMENSIONS": ["z", "y", "x"], "transform": _TRANSFORM},
    "d.zarr/v3/zarr.json": {"node_type": "group", "attributes": {"ome": {"multiscales": _PYRAMIDS}}},
    "d.zarr/v3/s0/zarr.json": _read(
        zarr_v3_document([30, 70, 100], data_type="uint8", codecs=_CODECS, dimension_names=["z", "y", "x"])
    ),
    "neuroglancer/em/x/info": {"data_type": "uint8", "num_channels": 1, "scales": _SCALES},
    "neuroglancer/mesh/m/info": {"@type": "neuroglancer_legacy_mesh", "sharding": _BITS},
}
BLOCKS = ("d.n5/em/s0/0/0/0", "d.zarr/em/s0/0/0/0", "d.zarr/v3/s0/c/0/0/0", "neuroglancer/em/x/s0/0.shard")
_odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["x", "nm", "s0", "", "C", "raw", "1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "name", "type"]), inner),
    max_leaves=4,
)


def paths_of(value: object) -> list[tuple[str | int, ...]]:
    """Return the path to each part of a document, the document itself among them."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [()] + [(name, *below) for name, part in parts for below in paths_of(part)]


def replaced(value: Any, path: tuple[str | int, ...], by: object) -> object:
    """Return the document with another value at a path."""
    if not path:
        return by
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


def test_nothing_is_odd_about_the_documents_themselves() -> None:
    """What is replaced below is sound at first, and each array has facts and a place."""
    objects = {f"d/{key}": document(**fields) for key, fields in DOCUMENTS.items()}
    objects |= {f"d/{key}": b"" for key in (*BLOCKS, "neuroglancer/em/x/s1/x")}
    dataset = discover(objects, "d/")
    assert dataset.findings == ()
    arrays = [array for volume in dataset.volumes() for array in volume.arrays]
    assert len(arrays) == 6
    assert all(array.facts and array.placement for array in arrays)


@given(st.data())
def test_nothing_that_others_write_ends_in_a_failure(data: st.DataObject) -> None:
    """Whatever stands in whatever place of any document, all volumes are there, and each key is told what it is."""
    key = data.draw(st.sampled_from(sorted(DOCUMENTS)))
    path = data.draw(st.sampled_from(paths_of(DOCUMENTS[key])))
    odd = replaced(DOCUMENTS[key], path, data.draw(_odd))
    objects = {f"d/{name}": json.dumps(odd if name == key else sound).encode() for name, sound in DOCUMENTS.items()}
    objects |= {f"d/{name}": b"" for name in BLOCKS}
    dataset = discover(objects, "d/")
    assert [classify_key(dataset, name) for name in objects]
    assert {volume.format for volume in dataset.volumes()} == {container.format for container in dataset.containers}

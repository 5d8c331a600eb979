"""attributes.json in every variant that the buckets hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mirror.errors import MalformedDocumentError
from mirror.formats.n5 import compression as codecs
from mirror.formats.n5.attributes import ArrayAttributes, DataType, GroupAttributes, parse_attributes

PLACE = "s3://bucket/x.n5/attributes.json"
ARRAY: dict[str, Any] = {
    "dataType": "uint16",
    "dimensions": [12000, 1600, 6368],
    "blockSize": [64, 64, 64],
    "compression": {"type": "gzip", "level": -1, "useZlib": False},
}


def array_of(**fields: object) -> ArrayAttributes:
    """Return the attributes of an array with some fields of its document replaced."""
    attributes = parse_attributes(json.dumps({**ARRAY, **fields}).encode(), PLACE)
    assert isinstance(attributes, ArrayAttributes)
    return attributes


def group_of(**fields: object) -> GroupAttributes:
    """Return the attributes of a group."""
    attributes = parse_attributes(json.dumps(fields).encode(), PLACE)
    assert isinstance(attributes, GroupAttributes)
    return attributes


def test_an_array_has_its_shape_blocks_and_type_in_the_documents_order() -> None:
    """`dimensions` and `blockSize` are x,y,z and stay so."""
    attributes = array_of()
    assert attributes.shape_xyz == (12000, 1600, 6368)
    assert attributes.block_size_xyz == (64, 64, 64)
    assert attributes.data_type is DataType.UINT16
    assert attributes.n_bytes == 12000 * 1600 * 6368 * 2
    assert attributes.grid.n_blocks == 470_000


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"type": "raw"}, codecs.RawCompression(), id="raw"),
        pytest.param({"type": "gzip", "level": 6, "useZlib": True}, ("GzipCompression", 6, True), id="gzip"),
        pytest.param({"type": "gzip"}, ("GzipCompression", -1, False), id="gzip by default"),
        pytest.param({"type": "bzip2", "blockSize": 5}, ("Bzip2Compression", 5), id="bzip2"),
        pytest.param({"type": "lz4", "blockSize": 131072}, ("JavaLz4Compression", 131072), id="lz4 of Java"),
        pytest.param(
            {"type": "lz4", "id": "lz4", "acceleration": 1}, ("ZarrLz4Compression", "lz4", 1), id="lz4 of zarr"
        ),
        pytest.param({"type": "xz", "preset": 3}, ("XzCompression", 3), id="xz"),
        pytest.param(
            {"type": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 9},
            ("BloscCompression", "lz4", 5, 1, 9),
            id="blosc",
        ),
        pytest.param({"type": "zstd", "level": 7}, ("ZstdCompression", 7), id="zstd"),
        pytest.param({"type": "jpeg"}, ("OtherCompression", "jpeg"), id="one that we do not know"),
    ],
)
def test_each_compression_is_told_with_its_parameters(document: dict[str, object], expected: object) -> None:
    """The variant follows from the document, the two that are called lz4 told apart."""
    codec = array_of(compression=document).compression
    if isinstance(expected, tuple):
        name, *parameters = expected
        assert type(codec).__name__ == name
        fields = dict(codec)
        kept = {key: value for key, value in fields.items() if key != "type" or name == "OtherCompression"}
        assert list(kept.values()) == parameters
    else:
        assert codec == expected


def test_the_compression_word_of_old_files_is_understood() -> None:
    """`compressionType` of N5 before 2.0 is the compression; the field itself is kept."""
    document = {key: value for key, value in ARRAY.items() if key != "compression"}
    attributes = parse_attributes(json.dumps({**document, "compressionType": "bzip2"}).encode(), PLACE)
    assert isinstance(attributes, ArrayAttributes)
    assert isinstance(attributes.compression, codecs.Bzip2Compression)
    assert attributes.model_extra == {"compressionType": "bzip2"}


@pytest.mark.parametrize(
    ("value", "unit", "units"),
    [
        pytest.param({"dimensions": [4.0, 4.0, 5.24], "unit": "nm"}, "nm", None, id="unit"),
        pytest.param({"dimensions": [4.0, 4.0, 5.24], "units": ["nm"] * 3}, None, ("nm",) * 3, id="units"),
        pytest.param([4.0, 4.0, 5.24], None, None, id="bare list"),
    ],
)
def test_pixel_resolution_is_read_in_each_of_its_shapes(value: object, unit: object, units: object) -> None:
    """An object with `unit`, one with `units` and a bare list all give the size of a voxel."""
    resolution = array_of(pixelResolution=value).pixel_resolution
    assert resolution is not None
    assert resolution.resolution_xyz == (4.0, 4.0, 5.24)
    assert (resolution.unit, resolution.units) == (unit, units)


def test_a_group_of_bucket_a_is_read_whole() -> None:
    """Axes, units, scales, resolution and multiscales with their transforms come through."""
    transform = {"axes": ["z", "y", "x"], "scale": [5.24, 4, 4], "translate": [0, 0, 0], "units": ["nm"] * 3}
    group = group_of(
        axes=["x", "y", "z"],
        units=["nm"] * 3,
        scales=[[1, 1, 1], [2, 2, 2]],
        multiscales=[{"datasets": [{"path": "s0", "transform": transform}]}],
    )
    assert group.axes_xyz == ("x", "y", "z")
    assert group.scales_xyz == ((1, 1, 1), (2, 2, 2))
    assert group.multiscales is not None
    level = group.multiscales[0].datasets[0]
    assert level.transform is not None
    assert level.transform.scale == (5.24, 4, 4)
    assert group.faults == ()


def test_fields_that_we_do_not_know_are_kept() -> None:
    """A crop's own attributes stay as they are, whatever their names."""
    extra = {"type": "training", "name": "Crop1", "faults": "ours?", "shape_xyz": 3}
    attributes = array_of(**extra)
    assert attributes.model_extra == extra
    assert attributes.shape_xyz == (12000, 1600, 6368)


@pytest.mark.parametrize("field", ["transform", "multiscales", "axes", "units", "scales", "pixelResolution", "n5"])
def test_an_odd_part_is_named_and_hides_no_array(field: str) -> None:
    """Parts that nothing depends on are left empty where they are odd, and the fault is told."""
    attributes = array_of(**{field: 7})
    assert attributes.shape_xyz == (12000, 1600, 6368)
    assert len(attributes.faults) == 1
    assert "7" in attributes.faults[0]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param(b"", "an empty file", id="empty"),
        pytest.param(b'{"n5": ', "line 1", id="cut off"),
        pytest.param(b"\xff\xfe\x00", "codec", id="not text"),
        pytest.param(b"[1, 2]", "a JSON list", id="list"),
        pytest.param(b"[" * 100_000, "recursion", id="too deep"),
        pytest.param(json.dumps({**ARRAY, "dataType": "uint17"}).encode(), "uint17", id="type"),
        pytest.param(json.dumps({**ARRAY, "blockSize": [64, 64]}).encode(), "2", id="axes differ"),
        pytest.param(json.dumps({**ARRAY, "blockSize": [0, 64, 64]}).encode(), "blockSize", id="empty block"),
        pytest.param(json.dumps({**ARRAY, "dimensions": "big"}).encode(), "big", id="shape"),
        pytest.param(b'{"dimensions": [7, 5], "dataType": "uint8"}', "blockSize", id="no block size"),
    ],
)
def test_a_malformed_document_is_refused_with_its_place(body: bytes, found: str) -> None:
    """The error says where, what was expected and what was found."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_attributes(body, PLACE)
    assert caught.value.thing == PLACE
    assert caught.value.expected
    assert found in caught.value.found


def test_one_field_of_an_array_alone_is_a_groups_own() -> None:
    """A group may have an attribute called `dimensions`."""
    assert group_of(dimensions=[1, 2]).model_extra == {"dimensions": [1, 2]}


@pytest.mark.parametrize(
    ("data_type", "n_bytes"), [("int8", 1), ("uint16", 2), ("float32", 4), ("float64", 8), ("object", None)]
)
def test_a_type_knows_its_bytes(data_type: str, n_bytes: int | None) -> None:
    """Types of fixed size know it; objects have none."""
    assert DataType(data_type).n_bytes == n_bytes


def test_the_shared_values_come_without_pydantic() -> None:
    """Importing keys, grids and folders stays cheap: no pydantic, which costs a tenth of a second."""
    code = "import sys, mirror.keys, mirror.formats.folder, mirror.formats.dataset; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.samples
@pytest.mark.parametrize("version", ["1.5.0", "2.5.1", "3.1.3"])
def test_containers_written_by_java_are_read(samples: Path, version: str) -> None:
    """Root and array of three eras of the Java library give version, shape, blocks and compression."""
    container = samples / "n5_written_by_java" / f"data-{version}.n5"
    root = parse_attributes((container / "attributes.json").read_bytes(), str(container))
    raw = parse_attributes((container / "raw" / "attributes.json").read_bytes(), str(container))
    assert root.n5 == {"3.1.3": "4.0.0"}.get(version, version)
    assert isinstance(raw, ArrayAttributes)
    assert (raw.shape_xyz, raw.block_size_xyz) == ((7, 5), (5, 4))
    assert isinstance(raw.compression, codecs.RawCompression)

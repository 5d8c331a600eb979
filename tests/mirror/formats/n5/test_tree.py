"""N5 containers as Java wrote them in three eras, found and read whole."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mirror.formats.dataset import FindingCode, KeyKind, classify_key
from mirror.formats.layout import ArrayFacts
from mirror.formats.n5.attributes import DataType
from mirror.formats.n5.block import decode_block
from mirror.formats.n5.compression import RawCompression
from tests.mirror.formats.buckets import Bucket, discover, document, local_bucket

ROOT = "d/d.n5/"
SHAPE_XYZ = (7, 5)
BLOCK_XYZ = (5, 4)
FORM = {"dataType": "uint8", "blockSize": BLOCK_XYZ, "dimensions": SHAPE_XYZ}


def block(value: int, *size_xyz: int) -> bytes:
    """Return a block of two axes whose voxels all have one value, as Java writes it: cut at the edge."""
    return struct.pack(">HHII", 0, 2, *size_xyz) + bytes([value]) * (size_xyz[0] * size_xyz[1])


def written_by_java(version: str) -> Bucket:
    """Return a container in the shape of one of the Java library's eras."""
    compression = {"compressionType": "raw"} if version < "2" else {"compression": {"type": "raw"}}
    return {
        f"{ROOT}attributes.json": document(n5=version),
        f"{ROOT}raw/attributes.json": document(**FORM, **compression),
        f"{ROOT}raw/0/0": block(0, 5, 4),
        f"{ROOT}raw/0/1": block(1, 5, 1),
        f"{ROOT}raw/1/0": block(2, 2, 4),
        f"{ROOT}raw/1/1": block(3, 2, 1),
    }


def assert_java(objects: Bucket, version: str) -> None:
    """Assert that a container of Java is read whole: version, facts, keys and voxels."""
    dataset = discover(objects, "d/")
    assert dataset.findings == ()
    (container,) = dataset.containers
    assert container.version == version
    ((array,),) = [volume.arrays for volume in container.volumes]
    assert array.facts == ArrayFacts(SHAPE_XYZ, BLOCK_XYZ, "uint8", {"type": "raw"})
    assert (array.n_blocks, array.raw_bytes) == (4, 35)
    kinds = {key: classify_key(dataset, key) for key in objects}
    assert sorted(kinds.values()) == [KeyKind.ARRAY, *[KeyKind.BLOCK] * 4, KeyKind.CONTAINER]
    for index in array.facts.grid.indices():
        body = objects[array.prefix + "/".join(map(str, index))]
        voxels_yx = decode_block(body, DataType.UINT8, RawCompression())
        assert voxels_yx.shape[::-1] == array.facts.grid.block_shape_xyz(index)


@pytest.mark.parametrize("version", ["1.5.0", "2.5.1", "4.0.0"])
def test_three_eras_of_java(version: str) -> None:
    """Arrays of two axes, with the old word for their compression as with the new one."""
    assert_java(written_by_java(version), version)


@pytest.mark.samples
@pytest.mark.parametrize(("name", "version"), [("1.5.0", "1.5.0"), ("2.5.1", "2.5.1"), ("3.1.3", "4.0.0")])
def test_three_eras_as_java_wrote_them(samples: Path, name: str, version: str) -> None:
    """The library's own files are read like those in their shape."""
    assert_java(local_bucket(samples / "n5_written_by_java" / f"data-{name}.n5", ROOT), version)


@pytest.mark.parametrize(("version", "is_odd"), [("1.0.0", False), ("4.9.9", False), ("5.0.0", True), ("odd", False)])
def test_versions_up_to_4_are_read(version: str, is_odd: bool) -> None:
    """A newer version is a finding; its arrays are read all the same."""
    dataset = discover(written_by_java(version), "d/")
    assert [finding.code for finding in dataset.findings] == [FindingCode.NEWER_FORMAT] * is_odd
    assert all(array.facts for volume in dataset.volumes() for array in volume.arrays)

"""The sample buckets hold what the real ones hold, in small."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from mirror.demo.buckets import B_PREFIX, SampleObject, sample_objects
from mirror.demo.specimen import RIBOSOME_ID, SHELLS, Scale, Specimen, grow
from mirror.errors import UnknownNameError
from mirror.formats.n5.attributes import ArrayAttributes, parse_attributes
from mirror.formats.n5.block import BlockHeader, decode_block
from mirror.formats.n5.grid import block_key
from tests.servers import Bucket

Samples = Mapping[tuple[str, str], SampleObject]
A = "jrc_hela-2/jrc_hela-2.n5/"
B = f"{B_PREFIX}jrc_hela-2/jrc_hela-2.n5/volumes/"


def _attributes(samples: Samples, bucket: str, prefix: str) -> ArrayAttributes:
    parsed = parse_attributes(samples[bucket, f"{prefix}attributes.json"].body, prefix)
    assert isinstance(parsed, ArrayAttributes)
    assert not parsed.faults
    return parsed


def _array(samples: Samples, bucket: str, prefix: str) -> np.ndarray[Any, Any]:
    """Read an array block by block, the plainest way."""
    attributes = _attributes(samples, bucket, prefix)
    whole_zyx = np.zeros(tuple(reversed(attributes.shape_xyz)), str(attributes.data_type))
    for index in attributes.grid.indices():
        sample = samples.get((bucket, prefix + block_key(index)))
        if sample is None:
            continue
        block_zyx = decode_block(sample.body, attributes.data_type, attributes.compression)
        at = [i * side for i, side in zip(reversed(index), reversed(attributes.block_size_xyz), strict=True)]
        inside = tuple(reversed(attributes.grid.block_shape_xyz(index)))
        target = tuple(slice(start, start + side) for start, side in zip(at, inside, strict=True))
        whole_zyx[target] = block_zyx[tuple(slice(side) for side in inside)]
    return whole_zyx


def _stored_blocks(samples: Samples, bucket: str, prefix: str) -> set[tuple[int, ...]]:
    grid = _attributes(samples, bucket, prefix).grid
    return {index for index in grid.indices() if (bucket, prefix + block_key(index)) in samples}


@pytest.fixture(scope="module")
def hela() -> Specimen:
    """The sample cell from which the buckets are written."""
    return grow("jrc_hela-2", Scale.TINY)


def test_the_same_bytes_each_time(samples: Samples) -> None:
    """Two runs yield equal objects in equal order."""
    again = list(sample_objects(scale=Scale.TINY))
    assert again == list(samples.values())
    assert len(again) == len(samples)


def test_tiny_is_a_few_hundred_objects(samples: Samples) -> None:
    """The variant for tests stays small, both buckets together."""
    assert 500 < len(samples) < 1500
    assert sum(len(sample.body) for sample in samples.values()) < 25_000_000


def test_an_unknown_dataset_names_those_that_exist() -> None:
    """Asking for a sample that does not exist says which do."""
    with pytest.raises(UnknownNameError, match="jrc_hela-2 or jrc_macrophage-2"):
        next(itertools.islice(sample_objects(["jrc_hela-9"], scale=Scale.TINY), 2, None))


@pytest.mark.parametrize("bucket", ["a", "b"])
def test_raw_is_what_was_grown(samples: Samples, hela: Specimen, bucket: str) -> None:
    """Raw s0 holds the specimen's image, 16 bits in A and 8 in B."""
    path, expected = (
        (f"{A}em/fibsem-uint16/s0/", hela.raw_uint16()) if bucket == "a" else (f"{B}raw/s0/", hela.raw_uint8())
    )
    np.testing.assert_array_equal(_array(samples, bucket, path), expected)


def test_raw_is_inverted_with_its_own_noise(samples: Samples, hela: Specimen) -> None:
    """A and B show one cell with opposite signs; what remains beside it is unrelated."""
    a = _array(samples, "a", f"{A}em/fibsem-uint16/s0/").astype(float)
    b = _array(samples, "b", f"{B}raw/s0/").astype(float)
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] < -0.7
    clean = hela.cell.clean
    flat = (clean > 60) & (clean < 200)
    rest_a, rest_b = a - (36_000 - 50.0 * clean), b - clean
    assert abs(np.corrcoef(rest_a[flat], rest_b[flat])[0, 1]) < 0.05


@pytest.mark.parametrize(("bucket", "prefix"), [("a", f"{A}em/fibsem-uint16/"), ("b", f"{B}raw/")])
def test_raw_has_five_levels_each_half_the_one_before(samples: Samples, bucket: str, prefix: str) -> None:
    """Level n has ceil(shape / 2^n) voxels, and lies at (2^n - 1)/2 base voxels, z,y,x."""
    finest = _attributes(samples, bucket, f"{prefix}s0/")
    for level in range(5):
        attributes = _attributes(samples, bucket, f"{prefix}s{level}/")
        assert attributes.shape_xyz == tuple(-(-side // 2**level) for side in finest.shape_xyz)
        assert attributes.transform is not None
        shift = (2**level - 1) / 2
        assert attributes.transform.translate == pytest.approx((5.24 * shift, 4 * shift, 4 * shift))
    assert (bucket, f"{prefix}s5/attributes.json") not in samples


def test_edges_are_padded_in_a_and_truncated_in_b(samples: Samples) -> None:
    """The header of a block at the edge has the block size in A and what is left in B."""
    for bucket, prefix in (("a", f"{A}em/fibsem-uint16/s0/"), ("b", f"{B}raw/s0/")):
        grid = _attributes(samples, bucket, prefix).grid
        for index in grid.indices():
            header = BlockHeader.parse(samples[bucket, prefix + block_key(index)].body, prefix)
            expected = grid.block_size_xyz if bucket == "a" else grid.block_shape_xyz(index)
            assert header.size_xyz == expected
        assert any(grid.is_edge(index) for index in grid.indices())


def test_blocks_of_zeros_are_stored_in_a_and_absent_in_b(samples: Samples) -> None:
    """The same segmentation has all its blocks in A, and in B only those that hold something."""
    a, b = f"{A}labels/vesicle_seg/s0/", f"{B}labels/mito_seg/s0/"
    assert len(_stored_blocks(samples, "a", a)) == _attributes(samples, "a", a).grid.n_blocks
    assert 0 < len(_stored_blocks(samples, "b", b)) < _attributes(samples, "b", b).grid.n_blocks
    same = f"{A}labels/mito_seg/s0/"
    np.testing.assert_array_equal(_array(samples, "a", same), _array(samples, "b", b))


def test_predictions_of_a_are_mirrored_in_y(samples: Samples) -> None:
    """B's prediction lies on its segmentation, A's is the same turned over in y, and A's manifest says so."""
    a = _array(samples, "a", f"{A}labels/mito_pred/s0/")
    b = _array(samples, "b", f"{B}labels/mito_pred/s0/")
    inside = _array(samples, "b", f"{B}labels/mito_seg/s0/") > 0
    np.testing.assert_array_equal(a[:, ::-1, :], b)
    assert (b[inside] >= 127).all()
    sources = json.loads(samples["a", "jrc_hela-2/index.json"].body)["sources"]
    height = a.shape[1]
    assert sources["mito_pred"]["transform"]["scale"] == [5.24, -4.0, 4.0]
    assert sources["mito_pred"]["transform"]["translate"] == [0.0, height * 4.0, 0.0]
    assert sources["mito_seg"]["transform"]["scale"] == [5.24, 4.0, 4.0]


def test_one_level_has_blocks_of_96(samples: Samples) -> None:
    """mito_pred/s2 of A is cut otherwise than the rest."""
    assert _attributes(samples, "a", f"{A}labels/mito_pred/s2/").block_size_xyz == (96, 96, 96)
    assert _attributes(samples, "a", f"{A}labels/mito_pred/s1/").block_size_xyz == (64, 64, 64)


def _ground_truth(samples: Samples) -> tuple[np.ndarray[Any, Any], tuple[int, int, int]]:
    prefix = f"{B}groundtruth/0003/crop1/labels/all/"
    document = json.loads(samples["b", f"{prefix}attributes.json"].body)
    x, y, z = (int(nm / 4) for nm in document["offset"])
    return _array(samples, "b", prefix), (z, y, x)


def test_ground_truth_is_as_the_paper_stores_it(samples: Samples) -> None:
    """Crop 1: uint64 in 128³ blocks of 2 nm, its offset the paper's less whole blocks of raw, which its name says."""
    prefix = f"{B}groundtruth/0003/crop1/labels/all/"
    attributes = _attributes(samples, "b", prefix)
    document = json.loads(samples["b", f"{prefix}attributes.json"].body)
    moved = [paper - demo for paper, demo in zip((25864, 900, 2400), document["offset"], strict=True)]
    assert (str(attributes.data_type), attributes.block_size_xyz) == ("uint64", (128, 128, 128))
    assert [nm % (64 * 4) for nm in moved] == [0, 0, 0]
    assert all(str(int(-nm / 256)) in document["name"] for nm in moved)
    assert document["resolution"] == [2.0, 2.0, 2.0]


_CLEFT = 21


def _membrane_contrast(raw: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], start: tuple[int, ...]) -> float:
    """Return how dark raw is under the membranes of the labels, when index i lies at start + i // 2."""
    coarse = labels[::2, ::2, ::2]
    box = raw[tuple(slice(a, a + n) for a, n in zip(start, coarse.shape, strict=True))].astype(float)
    dark = np.isin(coarse, [*(number for *_, number in SHELLS if number != _CLEFT), RIBOSOME_ID])
    return float(box[~dark].mean() - box[dark].mean())


def test_ground_truth_lies_on_the_structures_of_raw(samples: Samples) -> None:
    """Index i of the crop is raw voxel start + i // 2: a shift by two voxels along any axis fits clearly worse."""
    raw = _array(samples, "b", f"{B}raw/s0/")
    labels, start = _ground_truth(samples)
    np.testing.assert_array_equal(labels[::2], labels[1::2])
    here = _membrane_contrast(raw, labels, start)
    for axis, step in itertools.product(range(3), (-2, 2)):
        moved = tuple(at + step * (i == axis) for i, at in enumerate(start))
        assert _membrane_contrast(raw, labels, moved) < 0.85 * here


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        ("a", "jrc_hela-2/"),
        ("a", f"{A}labels/"),
        ("a", f"{A}labels/masks/foreground/s0/attributes.json"),
        ("a", "jrc_hela-2/README.json"),
        ("a", "jrc_hela-2/README.md"),
        ("a", "jrc_hela-2/thumbnail.jpg"),
        ("a", "jrc_hela-2/neuroglancer/em/fibsem-uint8.precomputed/info"),
        ("a", "jrc_hela-2/neuroglancer/mesh/mito_seg/info"),
        ("a", "jrc_hela-2/neuroglancer/viewer_states/default.json"),
        ("a", "jrc_hela-2/jrc_hela-2.zarr/recon-1/em/fibsem-uint8/.zattrs"),
        ("a", "jrc_macrophage-2/jrc_macrophage-2.n5/em/fibsem-uint16/s4/attributes.json"),
        ("b", f"{B_PREFIX}README.md"),
        ("b", f"{B_PREFIX}evaluations/results.csv"),
        ("b", f"{B_PREFIX}jrc_hela-2/"),
        ("b", f"{B_PREFIX}jrc_hela-2/skeletons/mt/block_1.nml"),
        ("b", f"{B}masks/foreground/attributes.json"),
        ("b", f"{B}masks/groundtruth/0003/attributes.json"),
        ("b", f"{B}subsampled/raw/8nm/attributes.json"),
        ("b", f"{B}groundtruth/0003/crop1/labels/ribosomes/attributes.json"),
        ("b", f"{B_PREFIX}jrc_macrophage-2/jrc_macrophage-2.n5/volumes/raw/s4/attributes.json"),
    ],
)
def test_the_real_layouts_are_there(samples: Samples, bucket: str, key: str) -> None:
    """Markers, loose files, masks, subsampled raw, viewer formats: each has its place."""
    assert (bucket, key) in samples


@pytest.mark.parametrize(("bucket", "group"), [("a", f"{A}labels/er_seg/"), ("b", f"{B}labels/nucleus_seg/")])
def test_a_group_may_lack_attributes(samples: Samples, bucket: str, group: str) -> None:
    """One group in each bucket has levels and no attributes.json."""
    assert (bucket, f"{group}attributes.json") not in samples
    assert (bucket, f"{group}s0/attributes.json") in samples


def test_the_buckets_stand_on_a_server(samples: Samples, sample_buckets: Mapping[str, Bucket]) -> None:
    """What is listed is what was made: every object with its size, under the real bucket names."""
    for letter, bucket in sample_buckets.items():
        pages = bucket.client.get_paginator("list_objects_v2").paginate(Bucket=bucket.name)
        listed = {entry["Key"]: entry["Size"] for page in pages for entry in page["Contents"]}
        made = {sample.key: len(sample.body) for (made_in, _), sample in samples.items() if made_in == letter}
        assert listed == made

"""Pairs of volumes that show the same in both buckets."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mirror.explain.pairs import LevelGrid, NoPair, Pair, find_block_pair, find_pair

GRID = LevelGrid((12000, 1600, 6368), (64, 64, 64), None)
PAIRS = [
    ("em/fibsem-uint16", "volumes/raw"),
    ("labels/er_pred", "volumes/labels/er_pred"),
    ("labels/mito-mem_seg", "volumes/labels/mito-mem_seg"),
    ("labels/er_mito_contacts", "volumes/labels/er_mito_contacts"),
    ("labels/er_curvature", "volumes/labels/er_curvature"),
    ("labels/masks/foreground", "volumes/masks/foreground"),
    ("lm/er_palm", "volumes/lm/er_palm"),
    ("recon-1/labels/groundtruth/crop1/all", "volumes/groundtruth/0003/crop1/labels/all"),
    ("recon-1/labels/groundtruth/crop1/ribo", "volumes/groundtruth/0003/crop1/labels/ribosomes"),
    ("recon-1/labels/groundtruth/crop1/cent", "volumes/groundtruth/0003/crop1/labels/centrosome"),
]


@pytest.mark.parametrize(("in_a", "in_b"), PAIRS)
def test_a_pair_is_one_from_either_side(in_a: str, in_b: str) -> None:
    """Who asks in one bucket is led to the other, and back."""
    there, back = find_pair(in_a), find_pair(in_b)
    assert isinstance(there, Pair)
    assert isinstance(back, Pair)
    assert (there.path, back.path) == (in_b, in_a)
    assert there.reason == back.reason


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("em/other", "only em/fibsem-uint16"),
        ("em/tem-uint8", "FIB-SEM only"),
        ("volumes/subsampled/raw/8nm", "subsampled-em"),
        ("volumes/groundtruth/0003/crop1/masks/ribosomes", "masks of single crops"),
        ("volumes/masks/groundtruth/0003", "where crops were annotated"),
        ("labels/gt", "ground-truth"),
        ("neuroglancer/mesh/mito_seg", "mesh"),
        ("labels/odd", "unknown"),
    ],
)
def test_what_has_no_pair_says_why(path: str, words: str) -> None:
    """Where no rule fits, the reason is told."""
    found = find_pair(path)
    assert isinstance(found, NoPair)
    assert words in found.reason


@pytest.mark.parametrize(
    ("there", "words"),
    [
        pytest.param(LevelGrid((12000, 1600, 6367), (64, 64, 64), None), "shapes", id="shape"),
        pytest.param(LevelGrid((12000, 1600, 6368), (96, 96, 96), None), "block sizes", id="block size"),
        pytest.param(LevelGrid((12000, 1600, 6368), (64, 64, 64), is_mirrored_y=True), "mirrored in y", id="mirrored"),
    ],
)
def test_blocks_pair_only_in_equal_grids(there: LevelGrid, words: str) -> None:
    """The index of a block is the same where grids are equal; elsewhere there is no such block, and why."""
    for pair in ((GRID, there), (there, GRID)):
        found = find_block_pair(*pair, (1, 2, 3))
        assert isinstance(found, NoPair)
        assert words in found.reason
    assert find_block_pair(there, there, (1, 2, 3)) == (1, 2, 3)
    straight = LevelGrid(GRID.shape_xyz, GRID.block_size_xyz, is_mirrored_y=False)
    assert find_block_pair(GRID, straight, (1, 2, 3)) == (1, 2, 3)


@pytest.mark.samples
@pytest.mark.skipif("OOMIRROR_TEST_SAMPLES" not in os.environ, reason="samples are not ours to ship")
def test_real_volumes_pair_back_to_themselves() -> None:
    """Each real volume of bucket A that has a pair is the pair of its pair."""
    listing = json.loads((Path(os.environ["OOMIRROR_TEST_SAMPLES"]) / "bucket_a_volume_listing.json").read_text())
    paths = {path for some in listing.values() for path in some}
    pairs = {path: found for path in paths if isinstance(found := find_pair(path), Pair)}
    assert len(pairs) > len(paths) / 2
    for path, pair in pairs.items():
        back = find_pair(pair.path)
        assert isinstance(back, Pair)
        assert back.path == path

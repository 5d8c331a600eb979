"""Paths of raw and of ground truth in both buckets."""

from __future__ import annotations

import pytest

from mirror.crops.paths import GroundTruthPath, frame_of, parse_ground_truth_path, raw_rank
from mirror.crops.place import Frame
from mirror.formats.folder import Format


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("volumes/groundtruth/0003/crop1/labels/all", ("1", "0003", "all"), id="b"),
        pytest.param("volumes/groundtruth/0003/Crop1/labels/ribosomes", ("1", "0003", "ribosomes"), id="upper case"),
        pytest.param("recon-1/labels/groundtruth/crop113/mito_mem", ("113", None, "mito_mem"), id="a"),
        pytest.param("volumes/groundtruth/0003/crop007/labels/all", ("7", "0003", "all"), id="padded"),
        pytest.param("volumes/groundtruth/0003/crop1/masks/ribosomes", None, id="mask"),
        pytest.param("volumes/masks/groundtruth/0003", None, id="mask of all"),
        pytest.param("volumes/groundtruth/0003/crop1/labels/all/s0", None, id="deeper"),
        pytest.param("labels/gt", None, id="all crops in one"),
    ],
)
def test_ground_truth(path: str, found: tuple[str, str | None, str] | None) -> None:
    """Number, version and label come from the path; masks are no ground truth."""
    assert parse_ground_truth_path(path) == (None if found is None else GroundTruthPath(*found))


def test_raw_of_bucket_a() -> None:
    """N5 before zarr before viewers' formats, 16-bit FIB-SEM before other EM; whose raw it is."""
    paths = [
        ("neuroglancer/em/fibsem-uint8.precomputed", Format.PRECOMPUTED),
        ("recon-1/em/fibsem-uint8", Format.ZARR),
        ("em/fibsem-uint8", Format.N5),
        ("em/fibsem-uint16", Format.N5),
    ]
    ranked = sorted(paths, key=lambda one: raw_rank(*one) or (9, 9, ""))
    assert ranked == paths[::-1]
    assert raw_rank("volumes/subsampled/raw/8nm", Format.N5) is None
    assert {frame_of(path) for path, _ in paths} == {Frame.A}

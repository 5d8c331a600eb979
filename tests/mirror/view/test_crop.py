"""A crop of the share: its labels lie where the structures of raw are, to the voxel."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from mirror.app.sync import SyncRequest
from mirror.crops.box import Box
from mirror.crops.spec import CropSpec
from mirror.demo.specimen import Scale, grow
from mirror.errors import MirrorError, UnknownNameError, UsageError
from mirror.view import BlockNotMirroredError, CropView, NotOnShareError, open_crop, open_volume
from tests.labs import HELA, Lab

MEMBRANES = (3, 8, 16, 20)
"""Dark in bucket B."""
SHIFTS = [tuple(sign * 2 if axis == other else 0 for other in range(3)) for axis in range(3) for sign in (-1, 1)]


def opened(lab: Lab, number: str | int = 1, **knobs: Any) -> CropView:
    """Open a crop."""
    return open_crop(number, config=lab.config, **knobs)


def contrast(raw: Any, labels: Any, shift: tuple[int, ...] = (0, 0, 0)) -> float:
    """Return how much darker raw is where labels say membrane than elsewhere, had raw been moved by a shift."""
    inner = tuple(slice(4, n - 4) for n in labels.shape)
    moved = tuple(slice(4 + a, n - 4 + a) for n, a in zip(labels.shape, shift, strict=True))
    at, is_membrane = raw[moved].astype(float), np.isin(labels[inner], MEMBRANES)
    is_labelled = labels[inner] != 0
    return float(at[is_labelled & ~is_membrane].mean() - at[is_membrane].mean())


def test_labels_coincide_with_the_structure_in_raw(mirrored: Lab) -> None:
    """On either grid: moved by two voxels along any axis, in either direction, they fit clearly less."""
    crop = opened(mirrored)
    for raw, labels, step in (
        (crop.raw, crop.labels_on_raw_grid(), 1),
        (crop.raw_on_label_grid(), crop.labels, 2),
    ):
        assert raw.shape == labels.shape
        best = contrast(raw, labels)
        for shift in SHIFTS:
            assert contrast(raw, labels, tuple(step * a for a in shift)) < 0.7 * best, shift


def test_a_shift_by_one_voxel_would_be_seen_too(mirrored: Lab) -> None:
    """Of all shifts by up to one voxel along each axis none fits better than none."""
    crop = opened(mirrored)
    labels = crop.labels_on_raw_grid()
    shifts = itertools.product((-1, 0, 1), repeat=3)
    assert max(shifts, key=lambda shift: contrast(crop.raw, labels, shift)) == (0, 0, 0)


def test_it_holds_what_was_sampled(mirrored: Lab) -> None:
    """Raw and labels of the specimen, its box, its ground truth's shape, and what says where it lies."""
    crop, specimen = opened(mirrored), grow(HELA, Scale.TINY)
    assert specimen.crop is not None
    box = Box(specimen.crop.start_zyx, specimen.crop.shape_zyx)
    np.testing.assert_array_equal(crop.raw, specimen.raw_uint8()[box.slices_zyx])
    np.testing.assert_array_equal(crop.labels, specimen.ground_truth())
    np.testing.assert_array_equal(crop.labels_on_raw_grid(), specimen.ground_truth()[::2, ::2, ::2])
    np.testing.assert_array_equal(crop.raw_on_label_grid()[::2, ::2, ::2], crop.raw)
    assert crop.labels.dtype == np.uint64
    assert (crop.boxes.raw, crop.boxes.at_level, crop.box) == (box, box, box)
    assert crop.boxes.ground_truth_shape_zyx == tuple(2 * n for n in box.shape_zyx)
    assert (crop.number, crop.dataset, crop.bucket, crop.source) == ("1", HELA, "b", "b_attribute")
    assert (crop.volume, crop.level, crop.version) == ("volumes/raw", "s0", "0003")
    assert crop.voxel_size_nm_zyx == (5.24, 4.0, 4.0)
    assert crop.names[3] == "Mito membrane"
    assert crop.label_states == {}
    assert "crop" in repr(crop).lower()


def test_padding_shows_raw_around_and_no_labels_there(mirrored: Lab) -> None:
    """As far as raw reaches: on the tiny sample the crop begins two voxels from its edge."""
    bare, padded = opened(mirrored), opened(mirrored, padding=5)
    start, first = bare.box.start_zyx, padded.box.start_zyx
    assert first == tuple(max(a - 5, 0) for a in start)
    inner = tuple(slice(a - b, a - b + n) for a, b, n in zip(start, first, bare.shape, strict=True))
    np.testing.assert_array_equal(padded.raw[inner], bare.raw)
    labels = padded.labels_on_raw_grid()
    np.testing.assert_array_equal(labels[inner], bare.labels_on_raw_grid())
    labels[inner] = 0
    assert not labels.any()
    np.testing.assert_array_equal(padded.raw_on_label_grid(), bare.raw_on_label_grid())


def test_coarser_levels_fit_as_well(mirrored: Lab) -> None:
    """At s1 a voxel shows the label at its centre."""
    crop = opened(mirrored, level="s1")
    labels, fine = crop.labels_on_raw_grid(), opened(mirrored).labels_on_raw_grid()
    assert crop.raw.shape == labels.shape
    start = opened(mirrored).box.start_zyx
    inner = (slice(3, 18),) * 3
    # The centre of a voxel of s1 is a corner of eight of s0; the later one along each axis counts.
    at = [2 * (np.arange(3, 18) + a) + 1 - b for a, b in zip(crop.box.start_zyx, start, strict=True)]
    np.testing.assert_array_equal(labels[inner], fine[np.ix_(*at)])
    assert crop.raw_on_label_grid().shape == crop.labels.shape


def test_labels_are_found_by_number_name_and_class(mirrored: Lab) -> None:
    """As the paper, its evaluations and the volumes call them."""
    crop = opened(mirrored)
    assert crop.label_ids(["mito", "ER membrane", "ne-mem", 35]) == {3, 4, 5, 16, 20, 35}
    with pytest.raises(UnknownNameError, match="mito"):
        crop.label_ids(["mitto"])


@pytest.mark.parametrize(
    ("knobs", "error", "words"),
    [
        ({"number": "999"}, UnknownNameError, "crop 999"),
        ({"level": "s9"}, UnknownNameError, "s0, s1"),
        ({"padding": -1}, UsageError, "padding"),
        ({"dataset": "jrc_hela-3"}, UnknownNameError, "jrc_hela-2"),
    ],
    ids=["number", "level", "padding", "dataset"],
)
def test_what_is_not_there_is_told(mirrored: Lab, knobs: dict[str, Any], error: type[MirrorError], words: str) -> None:
    """Each with exit code 2."""
    with pytest.raises(error) as caught:
        opened(mirrored, **knobs)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_was_not_mirrored_names_the_crops_command(empty_lab: Lab) -> None:
    """The error says what fetches just the crop."""
    empty_lab.scan()
    with pytest.raises(NotOnShareError, match="oomirror sync jrc_hela-2 --crops 1"):
        opened(empty_lab)


def test_a_share_of_nothing_but_the_crop_shows_it_and_no_more(empty_lab: Lab, mirrored: Lab) -> None:
    """After `sync --crops 1` the crop is whole, the level is partial, and raw outside of it raises."""
    empty_lab.sync(SyncRequest((HELA,), "b", crops=CropSpec(("1",))))
    crop = opened(empty_lab)
    np.testing.assert_array_equal(crop.raw, opened(mirrored).raw)
    np.testing.assert_array_equal(crop.labels, opened(mirrored).labels)
    with pytest.raises(BlockNotMirroredError) as caught:
        _ = open_volume(f"{HELA}/raw", config=empty_lab.config)[:, :, 140]
    assert caught.value.missing_xyz[0][0] == 2


def test_a_crop_is_fetched_block_by_block(empty_lab: Lab, mirrored: Lab) -> None:
    """On a share with nothing: the dataset is described, and what the crop touches is fetched."""
    crop = opened(empty_lab, dataset=HELA, fetch_missing=True)
    np.testing.assert_array_equal(crop.raw, opened(mirrored).raw)
    np.testing.assert_array_equal(crop.labels, opened(mirrored).labels)
    blocks = {path.parent.parent.name for path in crop.raw_view.path.glob("*/*/*")}
    assert "2" not in blocks

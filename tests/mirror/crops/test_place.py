"""What sources say of a crop's place, and which of them rules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.crops.box import Box
from mirror.crops.lattice import Lattice
from mirror.crops.place import (
    Claim,
    CropSource,
    Frame,
    agrees,
    claim_of_offset,
    claim_of_translation,
    claim_of_voxels,
    is_integral,
    opinion_of,
    rounded,
    rule,
    voxel_size_by_ground_truth,
)

RAW = Lattice((6368, 1600, 12000), (5.24, 4.0, 4.0), (0.0, 0.0, 0.0))
MANIFEST, B_ATTRIBUTE = CropSource.CELLMAP_MANIFEST, CropSource.B_ATTRIBUTE
SPACINGS = st.tuples(*[st.sampled_from([3.24, 3.36, 3.44, 4.0, 4.56, 5.24])] * 3)
STARTS = st.tuples(*[st.integers(0, 12_000)] * 3)


def test_the_offset_of_b_is_nominal_on_every_axis() -> None:
    """Crop 1 of jrc_hela-2 begins at z 600, y 225, x 6466."""
    claim = claim_of_offset((25864.0, 900.0, 2400.0), (1000, 1000, 200))
    assert rounded(claim) == Box((600, 225, 6466), (100, 500, 500))


def test_the_true_z_spacing_has_no_part_in_it() -> None:
    """The mistake that everybody makes, 2400 nm / 5.24 nm, gives z 458: another slice than the one that is answered."""
    mistaken = 2400.0 / 5.24
    claim = claim_of_offset((25864.0, 900.0, 2400.0), (1000, 1000, 200))
    assert round(mistaken) == 458
    assert claim.start_zyx[0] == 600.0
    assert not agrees(
        Claim(B_ATTRIBUTE, (mistaken, 225.0, 6466.0), (100, 500, 500)), Box((600, 225, 6466), (100, 500, 500))
    )


@pytest.mark.parametrize("index", range(5))
def test_ground_truth_voxel_i_lies_in_raw_voxel_start_plus_half_of_i(index: int) -> None:
    """Raw covers all of an odd ground truth, its last half voxel too."""
    claim = claim_of_offset((40.0, 0.0, 0.0), (5, 2, 2))
    box = Box((0, 0, 10), claim.shape_zyx)
    assert box.start_zyx[2] <= 10 + index // 2 < box.stop_zyx[2]


def test_mongo_counts_raw_voxels() -> None:
    """Crop 113 of jrc_hela-2: nothing is divided."""
    claim = claim_of_voxels((3125, 25, 2975), (500, 500, 250))
    assert rounded(claim) == Box((2975, 25, 3125), (250, 500, 500))


@settings(max_examples=50)
@given(STARTS, SPACINGS, st.sampled_from([1, 2, 4]), st.tuples(*[st.integers(1, 300)] * 3))
def test_a_translation_is_the_centre_of_the_first_voxel(
    start: tuple[int, int, int], voxel: tuple[float, ...], per_raw: int, shape: tuple[int, int, int]
) -> None:
    """Wherever ground truth begins in the corner of a raw voxel, whatever its own voxel size, that voxel is found."""
    fine = tuple(v / per_raw for v in voxel)
    # The corner of raw voxel `start` lies half a raw voxel before its centre.
    centre = tuple(a * v - v / 2 + w / 2 for a, v, w in zip(start, voxel, fine, strict=True))
    ground_truth = Lattice(tuple(n * per_raw for n in shape), fine, centre)
    claim = claim_of_translation(MANIFEST, ground_truth, Lattice((1, 1, 1), voxel))
    assert claim is not None
    assert rounded(claim) == Box(start, shape)
    if per_raw == 2:
        quarter = tuple(a * v - v / 4 for a, v in zip(start, voxel, strict=True))
        assert centre == pytest.approx(quarter, abs=1e-6)


def test_a_translation_counts_from_that_of_raw() -> None:
    """Raw that begins elsewhere has the crop so much further in."""
    ground_truth = Lattice((8, 8, 8), (2.0, 2.0, 2.0), (39.0, 39.0, 39.0))
    raw = Lattice((100, 100, 100), (4.0, 4.0, 4.0), (-8.0, 0.0, 4.0))
    claim = claim_of_translation(MANIFEST, ground_truth, raw)
    assert claim is not None
    assert claim.start_zyx == (12.0, 10.0, 9.0)


def test_without_a_voxel_size_a_translation_places_nothing() -> None:
    """Neither raw's size nor the ground truth's place may be missing."""
    ground_truth = Lattice((8, 8, 8), (2.0, 2.0, 2.0), (39.0, 39.0, 39.0))
    assert claim_of_translation(MANIFEST, ground_truth, Lattice((9, 9, 9))) is None
    assert claim_of_translation(MANIFEST, Lattice((8, 8, 8), (2.0, 2.0, 2.0)), RAW) is None


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        pytest.param((4, 4, 4), (4.0, 4.0, 5.0), id="dimensions confirm"),
        pytest.param((4, 4, 5), None, id="they do not"),
        pytest.param(None, None, id="not known"),
    ],
)
def test_the_size_of_a_raw_voxel_by_ground_truth(
    shape: tuple[int, ...] | None, sizes: tuple[float, ...] | None
) -> None:
    """It is twice that of ground truth where the crop's own shape is half of the ground truth's."""
    assert voxel_size_by_ground_truth(Lattice((8, 8, 8), (2.0, 2.0, 2.5)), shape) == sizes


@pytest.mark.parametrize(
    ("start", "box"),
    [
        pytest.param((10.004, 9.996, 3.0), (10, 10, 3), id="whole, but for rounding"),
        pytest.param((10.3, 9.7, 3.0), (10, 10, 3), id="nearest"),
        pytest.param((10.5, 9.0, 3.0), None, id="half-way"),
        pytest.param((10.495, 9.0, 3.0), None, id="as good as half-way"),
        pytest.param((float("nan"), 9.0, 3.0), None, id="nowhere"),
        pytest.param((-0.004, 9.0, 3.0), (0, 9, 3), id="just below 0"),
    ],
)
def test_rounding(start: tuple[float, ...], box: tuple[int, ...] | None) -> None:
    """To the nearest voxel; half-way between two would be a guess."""
    found = rounded(Claim(B_ATTRIBUTE, start, (1, 1, 1)))
    assert (None if found is None else found.start_zyx) == box


def test_only_whole_starts_are_integral() -> None:
    """A hundredth of a voxel is what documents may be off by."""
    assert is_integral(Claim(B_ATTRIBUTE, (1.009, 2.0, 3.0), (1, 1, 1)))
    assert not is_integral(Claim(B_ATTRIBUTE, (1.02, 2.0, 3.0), (1, 1, 1)))


@pytest.mark.parametrize(
    ("other", "may_place", "is_comparable"),
    [
        pytest.param(None, False, True, id="not known"),
        pytest.param(RAW, True, True, id="one grid"),
        pytest.param(Lattice((6368, 1600, 12001), (5.24, 4.0, 4.0)), False, False, id="other shape"),
        pytest.param(Lattice(RAW.shape_zyx, (4.0, 4.0, 4.0)), False, False, id="other voxels"),
        pytest.param(Lattice(RAW.shape_zyx), False, True, id="voxels not known"),
    ],
)
def test_a_source_of_the_other_bucket_needs_one_grid(
    other: Lattice | None, may_place: bool, is_comparable: bool
) -> None:
    """It places only where both raw are known to have one grid, and contradicts unless they are known not to."""
    claim = Claim(MANIFEST, (598.0, 225.0, 6466.0), (100, 500, 500))
    opinion = opinion_of(claim, Frame.B, RAW, other)
    assert (opinion.may_place, opinion.is_comparable) == (may_place, is_comparable)


def test_voxels_of_a_shifted_raw_are_counted_anew() -> None:
    """The same crop has other indices in raw that begins 8 nm earlier in y."""
    shifted = Lattice(RAW.shape_zyx, RAW.voxel_size_nm_zyx, (0.0, -8.0, 0.0))
    claim = Claim(CropSource.MONGO_OFFSET, (2975.0, 25.0, 3125.0), (250, 500, 500))
    assert opinion_of(claim, Frame.A, shifted, RAW).claim.start_zyx == (2975.0, 27.0, 3125.0)
    assert opinion_of(claim, Frame.B, RAW, shifted).claim.start_zyx == (2975.0, 25.0, 3125.0)


@pytest.mark.parametrize(
    ("frame", "sources", "ruling"),
    [
        pytest.param(Frame.B, tuple(CropSource), B_ATTRIBUTE, id="b: its attribute"),
        pytest.param(Frame.A, tuple(CropSource), CropSource.A_ATTRIBUTE, id="a: its attribute"),
        pytest.param(Frame.B, (MANIFEST, CropSource.MONGO_OFFSET), CropSource.MONGO_OFFSET, id="b: mongo"),
        pytest.param(Frame.A, (CropSource.MONGO_OFFSET, MANIFEST), MANIFEST, id="a: manifest"),
        pytest.param(Frame.A, (B_ATTRIBUTE, CropSource.MONGO_OFFSET), CropSource.MONGO_OFFSET, id="a: mongo"),
        pytest.param(Frame.B, (MANIFEST,), MANIFEST, id="b: manifest"),
    ],
)
def test_who_rules(frame: Frame, sources: tuple[CropSource, ...], ruling: CropSource) -> None:
    """What lies beside the raw comes before what was written down elsewhere."""
    opinions = [opinion_of(Claim(one, (1.0, 2.0, 3.0), (4, 4, 4)), frame, RAW, RAW) for one in sources]
    found = rule(opinions, frame)
    assert found is not None
    assert found[0].claim.source is ruling


def test_a_source_that_is_half_a_voxel_off_leaves_it_to_the_next() -> None:
    """Where neither of two voxels is nearer, another source is asked; without one, none places the crop."""
    claims = [
        Claim(B_ATTRIBUTE, (600.5, 2.0, 3.0), (4, 4, 4)),
        Claim(CropSource.MONGO_OFFSET, (600.0, 2.0, 3.0), (4, 4, 4)),
    ]
    opinions = [opinion_of(one, Frame.B, RAW, None) for one in claims]
    found = rule(opinions, Frame.B)
    assert found is not None
    assert found[0].claim.source is CropSource.MONGO_OFFSET
    assert rule(opinions[:1], Frame.B) is None

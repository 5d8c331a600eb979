"""Datasets in two buckets: every byte has its cause, from blocks up to the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from decimal import Context, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.explain.causes import Cause, Place, Side
from mirror.explain.dataset import explain_dataset
from mirror.explain.overlap import INTERIOR
from mirror.explain.ranking import CauseLine, dataset_causes, sum_causes
from mirror.explain.result import DatasetExplanation
from mirror.explain.stored import OtherObjects, StoredArray, StoredDataset, StoredVolume
from mirror.formats.folder import Format
from mirror.formats.layout import ArrayFacts
from mirror.formats.n5.grid import Grid
from mirror.objects import Tally
from tests.mirror.explain.builders import (
    DOCUMENT,
    GZIP,
    HEADER_BYTES,
    alike,
    check_sums,
    dataset,
    facts,
    level,
    volume,
)

RAW_A, RAW_B = "em/fibsem-uint16", "volumes/raw"


def _pyramid(path: str, n_levels: int, size: int, *, data_type: str = "uint8") -> StoredVolume:
    levels = []
    for index in range(n_levels):
        known = facts((16 >> index, 16 >> index, 16 >> index), data_type=data_type)
        levels.append(level(known, alike(known, size), index=index))
    return volume(path, *levels)


def _lines(explained: DatasetExplanation, cause: Cause) -> list[CauseLine]:
    return [line for line in dataset_causes(explained) if line.cause is cause]


def test_a_level_that_one_lacks_is_exactly_its_bytes() -> None:
    """One more level in A: `only_in_a`, with its documents; nothing else differs."""
    a, b = dataset(_pyramid(RAW_A, 3, 90)), dataset(_pyramid(RAW_B, 2, 90))
    explained = explain_dataset(a, b)
    check_sums(explained)
    (line,) = [one for one in _lines(explained, Cause.ONLY_IN_A) if one.place is Place.LEVEL]
    assert (line.bytes, line.where, line.objects) == (90 + DOCUMENT.bytes, f"{RAW_A}/s2", 2)
    assert explained.difference_bytes == line.bytes


def test_strays_loose_files_and_formats_are_exactly_their_bytes() -> None:
    """What only one bucket has is told by what kind of thing it is, and where."""
    raw = _pyramid(RAW_A, 1, 90)
    strays = replace(raw.arrays[0], listed=raw.arrays[0].listed + Tally(2, 33), stray_examples=(f"{RAW_A}/s0/x.tmp",))
    meshes = StoredVolume("neuroglancer/mesh/mito_seg", Format.MESH, (), Tally(9, 900))
    pictures = [_pyramid(f"neuroglancer/em/{name}.precomputed", 1, 50) for name in ("x", "y")]
    precomputed = [replace(one, format=Format.PRECOMPUTED) for one in pictures]
    loose = OtherObjects(Place.LOOSE_FILE, "README.json", Tally(1, 77))
    a = dataset(replace(raw, arrays=(strays,)), meshes, *precomputed, others=(loose,))
    b = dataset(_pyramid(RAW_B, 1, 90), volume("volumes/subsampled/raw/8nm", rest=Tally(3, 44)))
    explained = explain_dataset(a, b)
    check_sums(explained)
    lines = [line for line in dataset_causes(explained) if line.place is not Place.METADATA]
    assert {(line.place, line.where): line.bytes for line in lines} == {
        (Place.FORMAT, "precomputed"): sum(one.listed.bytes for one in precomputed),
        (Place.FORMAT, "mesh"): 900,
        (Place.LOOSE_FILE, "README.json"): 77,
        (Place.STRAY, f"{RAW_A}/s0 with {RAW_B}/s0"): 33,
        (Place.VOLUME, "volumes/subsampled/raw/8nm"): -44,
    }
    assert explained.unexplained_bytes == 0


def test_a_dataset_of_one_bucket_is_only_there() -> None:
    """Without a partner all is `only_in_a`, or `only_in_b`."""
    a = dataset(_pyramid(RAW_A, 2, 90))
    for explained, cause, sign in (
        (explain_dataset(a, None), Cause.ONLY_IN_A, 1),
        (explain_dataset(None, a), Cause.ONLY_IN_B, -1),
    ):
        check_sums(explained)
        (line,) = dataset_causes(explained)
        assert (line.cause, line.bytes, line.place) == (cause, sign * a.total.bytes, Place.DATASET)


def test_neither_bucket_is_an_error() -> None:
    """Nothing cannot be explained."""
    with pytest.raises(ValueError, match="no dataset"):
        explain_dataset(None, None)


def test_a_listing_that_counts_more_than_its_parts_is_unexplained() -> None:
    """What no place holds is said to be unexplained, with its bytes and its bucket."""
    a, b = dataset(_pyramid(RAW_A, 1, 90)), dataset(_pyramid(RAW_B, 1, 90))
    explained = explain_dataset(replace(a, total=a.total + Tally(1, 5)), replace(b, total=b.total + Tally(1, 7)))
    check_sums(explained)
    assert [one.bytes for one in explained.all_unexplained] == [-7, 5]


def test_the_em_kept_twice_is_a_note() -> None:
    """A's EM as zarr beside N5 has no partner, its bytes count, and it is said that it is there twice."""
    zarr = replace(_pyramid("recon-1/em/fibsem-uint8", 1, 40), format=Format.ZARR)
    explained = explain_dataset(dataset(_pyramid(RAW_A, 1, 90), zarr), dataset(_pyramid(RAW_B, 1, 90)))
    check_sums(explained)
    assert [(note.code, "2 times" in note.text) for note in explained.notes] == [("em-more-than-once", True)]


def test_no_pair_is_explained_by_what_each_has() -> None:
    """Volumes that no rule pairs are `only_in_a` and `only_in_b`."""
    a, b = dataset(_pyramid("labels/gt", 1, 90)), dataset(_pyramid(RAW_B, 1, 90))
    explained = explain_dataset(a, b)
    check_sums(explained)
    assert [(line.cause, line.bytes) for line in dataset_causes(explained)] == [
        (Cause.ONLY_IN_A, a.total.bytes),
        (Cause.ONLY_IN_B, -b.total.bytes),
    ]


REAL = {
    # Shape x,y,z and whether it fits 64-voxel blocks, of DOMAIN.md; payload over voxel bytes as measured on real EM.
    "jrc_hela-2": (12000, 1600, 6368),
    "jrc_macrophage-2": (10000, 2000, 11087),
}


def _real(shape_xyz: tuple[int, ...], data_type: str, per_mille: int) -> StoredArray:
    known = ArrayFacts(shape_xyz, (64, 64, 64), data_type, GZIP)
    width = 2 if data_type == "uint16" else 1
    payload = 64**3 * width * per_mille // 1000

    def rows() -> Iterator[tuple[int, ...]]:
        return ((*index, HEADER_BYTES + payload) for index in known.grid.indices())

    n_blocks = known.grid.n_blocks
    stored = Tally(n_blocks, n_blocks * (HEADER_BYTES + payload))
    return StoredArray("s0", 0, known, stored + DOCUMENT, DOCUMENT, rows)


@pytest.mark.parametrize("shape_xyz", REAL.values(), ids=REAL.keys())
def test_the_real_datasets_are_explained_by_their_type_and_by_compression(shape_xyz: tuple[int, ...]) -> None:
    """`bytes_per_voxel` carries ln 2 of the logarithmic ratio of raw in A and B, and `compression` all the rest."""
    a = dataset(volume(RAW_A, _real(shape_xyz, "uint16", 825)))
    b = dataset(volume(RAW_B, _real(shape_xyz, "uint8", 932)))
    explained = explain_dataset(a, b)
    check_sums(explained)
    (only,) = explained.pairs[0].levels
    logs = {share.cause: share.log_ratio for share in only.shares if share.group == INTERIOR}
    assert logs[Cause.VOXELS] == 0
    assert logs[Cause.BYTES_PER_VOXEL] == Decimal(2).ln(Context(prec=50))
    payload_a, payload_b = 64**3 * 2 * 825 // 1000, 64**3 * 932 // 1000
    whole = math.log(payload_a / payload_b)
    assert float(logs[Cause.COMPRESSION] or 0) == pytest.approx(whole - math.log(2), rel=1e-12)
    moved = only.contributions
    difference = only.difference_bytes
    assert moved[Cause.BYTES_PER_VOXEL] == pytest.approx(difference * math.log(2) / whole, rel=1e-9)
    assert moved[Cause.BYTES_PER_VOXEL] + moved[Cause.COMPRESSION] == difference
    assert not any(moved[cause] for cause in (Cause.VOXELS, Cause.HEADERS, Cause.ONE_SIDED_BLOCKS))
    assert only.a.blocks.objects == Grid(shape_xyz, (64, 64, 64)).n_blocks


_sizes = st.integers(0, 300)
_paths = st.lists(st.sampled_from(["er_pred", "mito_seg", "er_mito_contacts", "odd"]), unique=True, max_size=3)


@st.composite
def _datasets(draw: st.DrawFn, prefix: str, raw: str) -> StoredDataset:
    volumes = []
    for path in [raw, *(f"{prefix}labels/{name}" for name in draw(_paths))]:
        levels = []
        for index in range(draw(st.integers(1, 2))):
            known = facts(
                draw(st.sampled_from([(8, 8, 8), (9, 5, 4)])),
                data_type=draw(st.sampled_from(["uint8", "uint16", "odd"])),
                block_size_xyz=draw(st.sampled_from([(4, 4, 4), (3, 3, 3)])),
            )
            blocks = draw(st.dictionaries(st.tuples(*[st.integers(0, 3)] * 3), _sizes, max_size=6))
            is_read = draw(st.integers(0, 9)) > 0
            strays = Tally(1, draw(_sizes))
            levels.append(level(known if is_read else None, blocks, index=index, strays=strays))
        volumes.append(volume(path, *levels))
    loose = OtherObjects(Place.LOOSE_FILE, "README.json", Tally(1, draw(_sizes)))
    whole = dataset(*volumes, others=(loose,))
    return replace(whole, total=whole.total + Tally(1, draw(st.integers(0, 9))))


@settings(max_examples=60, deadline=None)
@given(_datasets("", RAW_A), _datasets("volumes/", RAW_B))
def test_any_two_datasets_sum_exactly_at_every_height(a: StoredDataset, b: StoredDataset) -> None:
    """Levels sum to volumes and volumes to datasets, to the byte, whatever the two store."""
    check_sums(explain_dataset(a, b))


@settings(max_examples=60, deadline=None)
@given(_datasets("", RAW_A), _datasets("", RAW_A))
def test_swapping_the_buckets_turns_every_sign(a: StoredDataset, b: StoredDataset) -> None:
    """B less A is A less B with every sign turned, `only_in_a` and `only_in_b` swapped."""
    there, back = explain_dataset(a, b), explain_dataset(b, a)
    swapped = {Cause.ONLY_IN_A: Cause.ONLY_IN_B, Cause.ONLY_IN_B: Cause.ONLY_IN_A}
    totals = sum_causes(dataset_causes(there))
    turned = {swapped.get(cause, cause): -n_bytes for cause, n_bytes in totals.items()}
    assert sum_causes(dataset_causes(back)) == turned
    assert back.unexplained_bytes == -there.unexplained_bytes


def _labels_explained(names: list[str]) -> DatasetExplanation:
    return explain_dataset(
        dataset(*[_pyramid(f"labels/{name}", 1, len(name) * 20) for name in names]),
        dataset(*[_pyramid(f"volumes/labels/{name}", 1, 70) for name in names]),
    )


@settings(deadline=None)
@given(st.permutations(["er_pred", "mito_seg", "er_seg"]))
def test_the_order_of_volumes_does_not_matter(names: list[str]) -> None:
    """The same volumes in another order are explained alike."""
    assert _labels_explained(names) == _labels_explained(sorted(names))


def test_a_pair_in_the_configuration_beats_the_rules() -> None:
    """What the configuration pairs is a pair, and None is no partner, with that as its reason."""
    a, b = dataset(_pyramid(RAW_A, 1, 90)), dataset(_pyramid(RAW_B, 1, 90), _pyramid("volumes/other", 1, 20))
    other = explain_dataset(a, b, {RAW_A: "volumes/other"})
    none = explain_dataset(a, b, {RAW_A: None})
    for explained in (other, none):
        check_sums(explained)
    assert [(pair.b_volume, pair.reason) for pair in other.pairs] == [("volumes/other", "the configuration says so")]
    assert not none.pairs
    assert [one.reason for one in none.only if one.side is Side.A] == ["the configuration says that it has no partner"]

"""What crops choose of a dataset: exactly the blocks that hold one of their voxels, and their ground truth whole."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.crops.box import Box
from mirror.crops.spec import CropSpec
from mirror.errors import UnknownNameError, UsageError
from mirror.formats.block_keys import BoxKeys, GridKeys
from mirror.formats.folder import Format
from mirror.formats.layout import Array, ArrayFacts, Placement, Volume
from mirror.formats.n5.grid import Grid
from mirror.selection import (
    ChosenCrop,
    CropChoice,
    Selection,
    SelectionSpec,
    parse_formats,
    parse_scales,
    parse_volumes,
    select_crops,
)
from mirror.selection.crops import wanted_of
from tests.mirror.formats.buckets import Bucket, array, bucket_b, discover, pyramid

ROOT = "jrc_hela-2/jrc_hela-2.n5"
RAW = f"{ROOT}/volumes/raw/"
TRUTH = f"{ROOT}/volumes/groundtruth/0003/crop1/"
B = bucket_b()


def volume_of(shape_zyx: tuple[int, ...], block_zyx: tuple[int, ...], n_levels: int, kind: Format) -> Volume:
    """Return a pyramid of levels that are half the one before, rounded up."""

    def level(n: int) -> Array:
        shape_xyz = tuple(-(-side // 2**n) for side in reversed(shape_zyx))
        facts = ArrayFacts(shape_xyz, block_zyx[::-1], "uint8", {"type": "raw"})
        counts = facts.grid.shape_in_blocks_xyz
        keys = GridKeys(counts) if kind is Format.N5 else GridKeys(counts[::-1], leading="c")
        placement = Placement((4.0 * 2**n, 4.0 * 2**n, 5.24 * 2**n), None, "transform")
        return Array(kind, f"raw/s{n}", f"x/raw/s{n}/", n, f"s{n}", facts, placement, keys)

    return Volume("raw", "x/", "x/raw/", kind, tuple(map(level, range(n_levels))))


_boxes = st.lists(
    st.builds(Box, st.tuples(*[st.integers(-4, 14)] * 3), st.tuples(*[st.integers(0, 8)] * 3)), min_size=1, max_size=3
)


@given(
    shape_zyx=st.tuples(*[st.integers(1, 11)] * 3),
    block_zyx=st.tuples(*[st.integers(1, 4)] * 3),
    boxes=_boxes,
    padding=st.integers(0, 3),
    kind=st.sampled_from([Format.N5, Format.ZARR]),
)
def test_the_blocks_are_those_of_each_voxel(
    shape_zyx: tuple[int, ...], block_zyx: tuple[int, ...], boxes: list[Box], padding: int, kind: Format
) -> None:
    """At each level, whatever the boxes and the padding, the keys are those that a walk over all voxels finds."""
    volume = volume_of(shape_zyx, block_zyx, 3, kind)
    padded = [box.padded(padding) for box in boxes]
    voxels = [at for at in product(*map(range, shape_zyx)) if any(_holds(box, at) for box in padded)]
    for n, level in enumerate(volume.arrays):
        assert level.facts is not None
        wanted = wanted_of(volume, level, padded)
        touched = {tuple(i // 2**n // size for i, size in zip(at, block_zyx, strict=True)) for at in voxels}
        order = [index[::-1] for index in touched] if kind is Format.N5 else touched
        lead = "" if kind is Format.N5 else "c/"
        keys = {lead + "/".join(map(str, index)) for index in order}
        every = {lead + "/".join(map(str, index)) for index in product(*map(range, _counts(level.facts.grid, kind)))}
        assert {key for key in every if wanted.takes(key)} == keys
        assert wanted.blocks.n_blocks == len(keys)
        assert {index[::-1] for index in touched} == {
            index for index in level.facts.grid.indices() if index in wanted.blocks_xyz
        }


def _holds(box: Box, at: tuple[int, ...]) -> bool:
    return all(a <= i < b for a, i, b in zip(box.start_zyx, at, box.stop_zyx, strict=True))


def _counts(grid: Grid, kind: Format) -> tuple[int, ...]:
    counts = grid.shape_in_blocks_xyz
    return counts if kind is Format.N5 else counts[::-1]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({"block_keys": BoxKeys((Grid((8, 8, 8), (4, 4, 4)),), (0, 0, 0))}, "boxes or shards", id="boxes"),
        pytest.param({"block_keys": GridKeys((1, 2, 3))}, "another order", id="keys in another order than is known"),
        pytest.param({"facts": None, "block_keys": None}, "could not be read", id="not understood"),
        pytest.param({"axes": 4}, "4 axes", id="channels"),
        pytest.param({"inner": (2, 2, 2)}, "shards", id="sharded"),
    ],
)
def test_an_array_whose_blocks_cannot_be_told_by_place_is_refused(changes: dict[str, object], found: str) -> None:
    """The error names the array, what is there, and what to do instead."""
    n = changes.pop("axes", 3)
    assert isinstance(n, int)
    inner = changes.pop("inner", None)
    facts = ArrayFacts((8,) * n, (4,) * n, "uint8", {"type": "raw"}, inner)  # type: ignore[arg-type]
    given_one = {"facts": facts, "block_keys": GridKeys((2,) * n), **changes}
    odd = Array(Format.ZARR, "raw/s0", "x/raw/s0/", 0, "s0", **given_one)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=rf"cannot be told: x/raw/s0/; .*{found}.*--scales"):
        wanted_of(Volume("raw", "x/", "x/raw/", Format.ZARR, (odd,)), odd, [Box((0, 0, 0), (1, 1, 1))])


def choice_of(*boxes: Box, padding: int = 0, truth: bool = True) -> CropChoice:
    """Return crops with these boxes in raw of B, of which the first has ground truth."""
    whole = tuple(f"{TRUTH}{name}/" for name in ("labels/all", "masks/ribosomes")) if truth else ()
    crops = [ChosenCrop(str(n), "b_attribute", RAW, box, () if n else whole) for n, box in enumerate(boxes)]
    return CropChoice(CropSpec(None, padding), tuple(crops))


def objects_of_b() -> Bucket:
    """Return B with masks beside the labels of crop 1."""
    return {**B, **array(f"{TRUTH}labels/all"), **array(f"{TRUTH}masks/ribosomes"), **pyramid(RAW[:-1], 3)}


def spec_of(
    scales: str = "all", *volumes: str, formats: str | None = None, with_unscaled: bool = True
) -> SelectionSpec:
    """Return the spec that a command line spells."""
    chosen = None if formats is None else parse_formats(formats)
    return SelectionSpec(parse_scales(scales), parse_volumes(volumes), chosen, with_unscaled)


def keys_of(selection: Selection, objects: Bucket) -> set[str]:
    """Return every key that the selection takes, as the engine would."""
    keys = {one.key for one in selection.objects}
    for one in selection.arrays:
        below = {key for key in objects if key.startswith(one.prefix)}
        wanted = selection.wanted.get(one.prefix)
        keys |= {key for key in below if wanted is None or wanted.takes(key.removeprefix(one.prefix))}
    return keys | {key for prefix in selection.subtrees for key in objects if key.startswith(prefix)}


CORNER = Box((0, 0, 0), (10, 10, 10))


def test_crops_take_blocks_of_raw_all_of_their_ground_truth_and_loose_files() -> None:
    """Of raw the touched blocks at the chosen scales, of ground truth all, metadata above them, and loose files."""
    objects = objects_of_b()
    taken = keys_of(select_crops(discover(objects), spec_of("s0-s1"), choice_of(CORNER)), objects)
    inside = {f"{RAW}{level}/{name}" for level in ("s0", "s1") for name in ("attributes.json", "0/0/0")}
    inside |= {key for key in objects if key.startswith(TRUTH)}
    above = {f"{ROOT}/attributes.json", f"{RAW}attributes.json"}
    loose = {key for key in objects if ".n5/" not in key}
    assert taken == inside | above | loose


def test_of_a_level_that_boxes_cover_nothing_is_left_out_and_it_counts_as_whole() -> None:
    """Boxes that touch each block of a level take it as a sync without crops does, strays too."""
    objects = objects_of_b()
    selection = select_crops(discover(objects), spec_of(), choice_of(Box((0, 0, 0), (30, 70, 100))))
    assert selection.wanted == {}
    assert {one.path for one in selection.arrays} >= {f"volumes/raw/s{n}" for n in range(3)}


def test_overlapping_crops_are_described_with_their_boxes() -> None:
    """The run's record names crops, padding, and of each array that is not taken whole the boxes of its blocks."""
    both = choice_of(CORNER, Box((0, 0, 0), (5, 5, 5)), padding=2)
    described = select_crops(discover(objects_of_b()), spec_of("s0"), both).describe()
    assert [one["number"] for one in described["crops"]] == ["0", "1"]
    assert (described["padding"], described["crops_asked"]) == (2, "all")
    assert described["blocks_xyz"] == {f"{RAW}s0/": [[[0, 0, 0], [1, 1, 1]]]}


def test_volumes_and_unscaled_narrow_what_crops_choose() -> None:
    """`--volumes raw` leaves ground truth out, `--no-unscaled` too; a volume that is not of the crops is exit 2."""
    dataset = discover(objects_of_b())
    for spec in (spec_of("s0", "raw"), spec_of("s0", with_unscaled=False)):
        assert [one.path for one in select_crops(dataset, spec, choice_of(CORNER)).arrays] == ["volumes/raw/s0"]
    with pytest.raises(UnknownNameError, match=r"the crops have no such volume: .*labels/er_seg"):
        select_crops(dataset, spec_of("all", "volumes/labels/er_seg"), choice_of(CORNER))
    with pytest.raises(UnknownNameError, match="no chosen volume has the scale"):
        select_crops(dataset, spec_of("s7"), choice_of(CORNER))


def test_crops_that_nothing_places_choose_nothing() -> None:
    """Without one crop that has a place not even loose files are chosen."""
    nothing = CropChoice(CropSpec(("9",)), (), (("9", "no source places it"),))
    selection = select_crops(discover(objects_of_b()), spec_of(), nothing)
    assert (selection.arrays, selection.objects, selection.subtrees) == ((), (), ())


def test_without_a_document_that_says_so_levels_are_halves() -> None:
    """Where nothing tells voxel sizes, and even where the finest level is gone, level n has voxels 2^n as large."""
    volume = volume_of((64, 64, 64), (4, 4, 4), 3, Format.N5)
    bare = tuple(replace(one, placement=None) for one in volume.arrays)
    for arrays in (bare, bare[1:]):
        wanted = wanted_of(Volume("raw", "x/", "x/raw/", Format.N5, arrays), bare[2], [Box((16, 0, 32), (16, 1, 1))])
        assert [(box.first_xyz, box.stop_xyz) for box in wanted.blocks_xyz.boxes] == [((2, 0, 1), (3, 1, 2))]


def test_a_document_is_no_part_of_the_grid() -> None:
    """Metadata of any format is taken with the blocks; a stray, and a block outside of the grid, is not."""
    volume = volume_of((8, 8, 8), (4, 4, 4), 1, Format.N5)
    wanted = wanted_of(volume, volume.arrays[0], [Box((0, 0, 0), (8, 8, 8))])
    taken = [wanted.takes(key) for key in ("attributes.json", "0/0/1", "2/0/0", "00/0/1", "0/0/1/x", "notes.txt")]
    assert taken == [True, True, False, False, False, False]

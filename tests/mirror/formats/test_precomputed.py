"""Precomputed volumes: where their scales lie, and what is odd."""

from __future__ import annotations

from typing import Any

import pytest

from mirror.formats.dataset import Array, FindingCode
from mirror.formats.layout import Placement
from mirror.formats.precomputed_info import Info, Scale, Sharding
from tests.mirror.formats.buckets import discover, document, scale

PLACE = "d/neuroglancer/em/x.precomputed/"


def scales_of(*scales: dict[str, Any]) -> tuple[list[Array], list[FindingCode]]:
    """Return the arrays of a volume with these scales, and what was found to be odd."""
    objects = {f"{PLACE}info": document(data_type="uint8", type="image", scales=scales)}
    objects |= {f"{PLACE}{one['key']}/x": b"" for one in scales}
    dataset = discover(objects, "d/")
    (volume,) = dataset.volumes()
    return list(volume.arrays), [finding.code for finding in dataset.findings]


def test_scales_lie_where_their_first_voxel_has_its_centre() -> None:
    """Voxel 0 begins at 0: the centre of the first voxel of a pyramid's levels moves as means of voxels do."""
    base = scale("s0", (100, 70, 30), voxel_offset=[10, 0, 0])
    half = scale("s1", (50, 35, 15), voxel_offset=[5, 0, 0], resolution=[8, 8, 10.48])
    (s0, s1), odd = scales_of(base, half)
    assert odd == []
    assert s0.placement == Placement((4.0, 4.0, 5.24), (42.0, 2.0, 2.62), "scales")
    assert s1.placement == Placement((8.0, 8.0, 10.48), (44.0, 4.0, 5.24), "scales")


@pytest.mark.parametrize(
    ("fields", "code", "is_understood"),
    [
        ({"resolution": [4, 4]}, FindingCode.ODD_METADATA, True),
        ({"resolution": [0, 4, 4]}, FindingCode.ODD_METADATA, True),
        ({"size": [1, 1]}, FindingCode.MALFORMED_METADATA, False),
        ({"chunk_sizes": []}, FindingCode.MALFORMED_METADATA, False),
        ({"chunk_sizes": [[0, 1, 1]]}, FindingCode.MALFORMED_METADATA, False),
        ({"voxel_offset": "here"}, FindingCode.MALFORMED_METADATA, False),
        ({"encoding": None}, FindingCode.MALFORMED_METADATA, False),
        ({"sharding": {"hash": "identity"}}, FindingCode.MALFORMED_METADATA, False),
    ],
    ids=str,
)
def test_an_odd_scale_is_a_finding_and_hides_no_other(
    fields: dict[str, Any], code: FindingCode, is_understood: bool
) -> None:
    """It stays the level that it is, so that it can be chosen; only what depends on the fault is not known."""
    arrays, odd = scales_of(scale("s0", **fields), scale("s1"))
    assert odd == [code]
    assert [(array.level_index, array.is_understood) for array in arrays] == [(0, is_understood), (1, True)]
    assert arrays[0].placement is None


def test_a_scale_without_resolution_is_not_placed() -> None:
    """It is not odd enough to be told, for nothing is read wrongly."""
    one = scale("s0")
    del one["resolution"]
    (array,), odd = scales_of(one)
    assert (array.placement, odd) == (None, [])


@pytest.mark.parametrize(
    ("counts", "bits", "box"),
    [
        ((8, 8, 8), (3, 0, 6), (2, 2, 2)),
        ((8, 8, 8), (2, 2, 5), (4, 2, 2)),
        ((8, 8, 8), (2, 2, 4), None),
        ((8, 1, 2), (1, 1, 2), (2, 1, 2)),
        ((1, 1, 1), (0, 0, 0), (1, 1, 1)),
        ((0, 4, 4), (1, 0, 3), (1, 2, 1)),
    ],
    ids=str,
)
def test_a_shard_is_a_box_along_the_curve(
    counts: tuple[int, ...], bits: tuple[int, int, int], box: tuple[int, ...] | None
) -> None:
    """The lowest bits of a chunk's number go to x, y, z in turn, as long as an axis needs them."""
    preshift, minishard, shard = bits
    sharding = Sharding(preshift_bits=preshift, minishard_bits=minishard, shard_bits=shard, hash="identity")
    assert sharding.box_in_chunks(counts) == box


def test_fields_that_we_do_not_know_are_kept() -> None:
    """Compresso, and what others add, come through the models."""
    one = scale("s0", encoding="compresso", mine={"a": 1})
    read = Scale.read(one, "place", "a scale")
    assert read.facts("uint32", 1).compression == {"type": "compresso"}
    assert read.model_extra == {"mine": {"a": 1}}
    info = Info.read({"data_type": "uint8", "scales": [one], "@type": "x", "skeletons": "s"}, "place", "an info")
    assert info.model_extra == {"@type": "x", "skeletons": "s"}

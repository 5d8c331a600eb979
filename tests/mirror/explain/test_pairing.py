"""Which volumes and levels of a dataset are laid side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from mirror.explain.causes import Side
from mirror.explain.pairing import pair_levels, pair_volumes
from mirror.explain.stored import StoredVolume
from mirror.formats.folder import Format
from tests.mirror.explain.builders import facts, level, volume

N5, ZARR, PRECOMPUTED = Format.N5, Format.ZARR, Format.PRECOMPUTED
Named = tuple[str, Format]


def _volume(named: Named) -> StoredVolume:
    return volume(named[0], level(facts(), {(0, 0, 0): 20}), volume_format=named[1])


CASES: dict[str, tuple[list[Named], list[Named], Mapping[str, str | None], list[tuple[str, str]], dict[str, str]]] = {
    "the 16-bit EM first": (
        [("em/fibsem-uint8", N5), ("em/fibsem-uint16", N5)],
        [("volumes/raw", N5)],
        {},
        [("em/fibsem-uint16", "volumes/raw")],
        {"em/fibsem-uint8": "volumes/raw is paired with em/fibsem-uint16 already"},
    ),
    "8-bit EM where there is no other": (
        [("em/fibsem-uint8", N5)],
        [("volumes/raw", N5)],
        {},
        [("em/fibsem-uint8", "volumes/raw")],
        {},
    ),
    "zarr where N5 is gone": (
        [("recon-1/em/fibsem-uint8", ZARR)],
        [("volumes/raw", N5)],
        {},
        [("recon-1/em/fibsem-uint8", "volumes/raw")],
        {},
    ),
    "N5 before zarr": (
        [("recon-1/em/fibsem-uint8", ZARR), ("em/fibsem-uint8", N5)],
        [("volumes/raw", N5)],
        {},
        [("em/fibsem-uint8", "volumes/raw")],
        {"recon-1/em/fibsem-uint8": "bucket B has no zarr of this dataset"},
    ),
    "one layout in both": (
        [("em/fibsem-uint16", N5), ("labels/gt", N5)],
        [("em/fibsem-uint16", N5), ("labels/gt", N5)],
        {},
        [("em/fibsem-uint16", "em/fibsem-uint16"), ("labels/gt", "labels/gt")],
        {},
    ),
    "crops whatever the case of their names": (
        [("recon-1/labels/groundtruth/crop1/all", ZARR)],
        [("volumes/groundtruth/0003/Crop1/labels/all", N5), ("volumes/groundtruth/0003/crop2/labels/all", N5)],
        {},
        [("recon-1/labels/groundtruth/crop1/all", "volumes/groundtruth/0003/Crop1/labels/all")],
        {"volumes/groundtruth/0003/crop2/labels/all": "bucket A has no recon-1/labels/groundtruth/crop2/all"},
    ),
    "light microscopy by its method": (
        [("lm/er", N5)],
        [("volumes/lm/er_palm", N5)],
        {},
        [("lm/er", "volumes/lm/er_palm")],
        {},
    ),
    "a volume that the other lacks": (
        [("labels/er_pred", N5)],
        [("volumes/raw", N5)],
        {},
        [],
        {
            "labels/er_pred": "bucket B has no volumes/labels/er_pred",
            "volumes/raw": "bucket A has no em/fibsem-uint16",
        },
    ),
    "the viewer's EM": (
        [("neuroglancer/em/fibsem-uint8.precomputed", PRECOMPUTED)],
        [("volumes/raw", N5)],
        {},
        [],
        {
            "neuroglancer/em/fibsem-uint8.precomputed": "bucket B has no precomputed of this dataset",
            "volumes/raw": "bucket A has no em/fibsem-uint16",
        },
    ),
    "a partner of the configuration": (
        [("labels/gt", N5)],
        [("volumes/groundtruth/0003/crop1/labels/all", N5)],
        {"labels/gt": "volumes/groundtruth/0003/Crop1/labels/all"},
        [("labels/gt", "volumes/groundtruth/0003/crop1/labels/all")],
        {},
    ),
    "a partner of the configuration that is not there": (
        [("labels/er_pred", N5)],
        [],
        {"labels/er_pred": "volumes/x"},
        [],
        {"labels/er_pred": "the configuration pairs it with volumes/x, which bucket B does not have"},
    ),
}


@pytest.mark.parametrize(("a", "b", "overrides", "pairs", "reasons"), CASES.values(), ids=CASES.keys())
def test_volumes_pair(
    a: list[Named],
    b: list[Named],
    overrides: Mapping[str, str | None],
    pairs: list[tuple[str, str]],
    reasons: dict[str, str],
) -> None:
    """Each volume is in one pair, or has a reason for being in none."""
    pairing = pair_volumes(map(_volume, a), map(_volume, b), overrides)
    assert [(pair.a.path, pair.b.path) for pair in pairing.pairs] == pairs
    assert {one.volume.path: one.reason for one in pairing.unpaired} == reasons
    assert 2 * len(pairing.pairs) + len(pairing.unpaired) == len(a) + len(b)
    assert all(pair.reason for pair in pairing.pairs)


def test_levels_pair_by_their_index() -> None:
    """Levels of one index are laid side by side, whatever their folders are called; the others are left."""
    fine, coarse = level(facts(), {}, index=0), level(facts(), {}, index=1)
    renamed = replace(fine, path="scale0")
    paired = pair_levels(volume("labels/er_pred", fine, coarse), volume("volumes/labels/er_pred", renamed))
    assert [(one.path, other.path) for one, other in paired.pairs] == [
        ("labels/er_pred/s0", "volumes/labels/er_pred/scale0")
    ]
    assert [(side, array.path) for side, array in paired.unpaired] == [(Side.A, "labels/er_pred/s1")]


def test_an_array_without_levels_is_the_finest() -> None:
    """Ground truth of B has no levels: it is laid beside the finest of A's."""
    paired = pair_levels(
        volume("recon-1/labels/groundtruth/crop1/all", level(facts(), {}, index=0), level(facts(), {}, index=1)),
        volume("volumes/groundtruth/0003/crop1/labels/all", level(facts(), {}, index=None)),
    )
    assert [one.level_index for one, _ in paired.pairs] == [0]
    assert [array.level_index for _, array in paired.unpaired] == [1]

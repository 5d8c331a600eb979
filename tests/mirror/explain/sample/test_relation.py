"""Each constructed relation is recognised, and none is claimed of what chance or plain blocks can make."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mirror.explain.sample.align import shifted
from mirror.explain.sample.relation import Match, NoMatch, Relation, compare
from tests.mirror.explain.sample.textures import TEXTURES, Texture, cell, em_uint8, em_uint16, noise

SHAPE = (32, 32, 32)
RADIUS = (8, 8, 8)
LARGE = (64, 64, 64)
WIDE = (16, 16, 16)
JURKAT = (-1.45, -8.75, 0.0)


def _chance(seed: int) -> np.random.Generator:
    return np.random.default_rng((seed, 5))


def _scaled(a: Any, slope: float, offset: float) -> Any:
    return np.rint(slope * a.astype(float) + offset).clip(0, 255).astype("uint8")


def _parts(a: Any, b: Any) -> tuple[Relation, ...]:
    verdict = compare(a, b, RADIUS)
    assert isinstance(verdict, Match), verdict
    return verdict.parts


def test_values_are_related() -> None:
    """Same in another type, inverted, scaled with rounding, and inverted and scaled are each told."""
    a8, a16 = em_uint8(_chance(1), SHAPE), em_uint16(_chance(1), SHAPE)
    assert _parts(a8, a8.astype("uint16")) == (Relation.SAME,)
    assert _parts(a8, 255 - a8) == (Relation.INVERTED,)
    assert _parts(a16, 65_535 - a16) == (Relation.INVERTED,)
    assert _parts(a16, _scaled(a16, 1 / 130, -115)) == (Relation.LINEAR,)
    assert _parts(a16, _scaled(a16, -0.02, 720)) == (Relation.INVERTED,)


def test_two_products_of_one_acquisition_are_inverted() -> None:
    """16 bits, and 8 bits inverted with noise of their own: the line between them is found within 3 %."""
    chance = _chance(2)
    clean = cell(chance, SHAPE)
    a = np.rint(36_000 - 50 * clean + 300 * chance.standard_normal(SHAPE)).astype("uint16")
    b = np.rint(clean + 6 * chance.standard_normal(SHAPE)).clip(0, 255).astype("uint8")
    verdict = compare(a, b, RADIUS)
    assert isinstance(verdict, Match)
    assert verdict.relation is Relation.INVERTED
    # Noise of A lowers the slope by its part of A's variance.
    expected = -1 / 50 * np.var(50 * clean) / (np.var(50 * clean) + 300**2)
    assert verdict.fit.slope == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("is_inverted", [False, True])
def test_the_shift_of_jurkat_is_found(is_inverted: bool) -> None:
    """(-5, -35, 0) nm of 3.44, 4, 4 are told to a tenth of a voxel; also of inverted 16 bits with other noise."""
    chance = _chance(3)
    clean = cell(chance, (96, 96, 96))
    inner = (slice(16, -16),) * 3
    moved, still = shifted(clean, JURKAT)[inner], clean[inner]
    if is_inverted:
        a = np.rint(36_000 - 50 * moved + 800 * chance.standard_normal(LARGE)).astype("uint16")
        b = np.rint(still + 16 * chance.standard_normal(LARGE)).clip(0, 255).astype("uint8")
    else:
        a, b = (np.rint(one).clip(0, 255).astype("uint8") for one in (moved, still))
    verdict = compare(a, b, WIDE)
    assert isinstance(verdict, Match)
    assert verdict.parts == ((Relation.INVERTED, Relation.SHIFTED) if is_inverted else (Relation.SHIFTED,))
    assert verdict.shift_zyx == pytest.approx(JURKAT, abs=0.1)


def test_whole_voxels_are_compared_one_by_one() -> None:
    """Shifted by whole voxels, blocks are only shifted where every voxel is the same, else linear as well."""
    large = em_uint8(_chance(4), (40, 40, 40))
    a, b = large[3:35, 4:36, 4:36], large[4:36, 4:36, 2:34]
    verdict = compare(a, b, RADIUS)
    assert isinstance(verdict, Match)
    assert (verdict.parts, verdict.shift_zyx, verdict.fit.n_different) == ((Relation.SHIFTED,), (1.0, 0.0, -2.0), 0)
    other = b.copy()
    other[16, 16, 16] ^= 1
    assert _parts(a, other) == (Relation.LINEAR, Relation.SHIFTED)


@pytest.mark.parametrize("texture", TEXTURES, ids=lambda one: one.__name__)
def test_one_voxel_is_not_the_same(texture: Texture) -> None:
    """Blocks that differ by one voxel are never called the same."""
    a = texture(_chance(6), SHAPE)
    b = a.copy()
    b[7, 8, 9] ^= 1
    assert Relation.SAME not in getattr(compare(a, b, RADIUS), "parts", ())


@pytest.mark.parametrize("texture", TEXTURES, ids=lambda one: one.__name__)
def test_unrelated_blocks_of_one_kind_are_never_matched(texture: Texture) -> None:
    """Two blocks of the same statistics that show other things match in nothing."""
    for seed in range(12):
        chance = _chance(100 + seed)
        assert isinstance(compare(texture(chance, SHAPE), texture(chance, SHAPE), RADIUS), NoMatch)


@pytest.mark.soak
def test_no_relation_is_claimed_of_unrelated_blocks() -> None:
    """Of 4500 pairs of unrelated blocks of each other's kind, none is matched."""
    n_claims = 0
    for seed in range(500):
        chance = _chance(20_000 + seed)
        for texture in TEXTURES:
            pair = texture(chance, SHAPE), texture(chance, SHAPE)
            n_claims += isinstance(compare(*pair, RADIUS), Match)
    if place := os.environ.get("OOMIRROR_TEST_FIGURES"):
        file = Path(place)
        figures = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps(figures | {"false relations, of 4500 pairs": n_claims}, indent=2) + "\n")
    assert n_claims == 0


@pytest.mark.parametrize("texture", [em_uint8, em_uint16, noise], ids=lambda one: one.__name__)
def test_other_voxels_are_told(texture: Texture) -> None:
    """Blocks with structure enough are said to differ, not only to be undecided."""
    chance = _chance(7)
    verdict = compare(texture(chance, LARGE), texture(chance, LARGE), WIDE)
    assert verdict.relation is Relation.DIFFERENT


def _one_voxel() -> Any:
    block = np.zeros(SHAPE, "uint8")
    block[3, 4, 5] = 9
    return block


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(np.zeros(SHAPE, "uint8"), id="zeros"),
        pytest.param(np.full(SHAPE, 77, "uint16"), id="constant"),
        pytest.param(np.array([[[0, 1], [1, 0]]], "uint8"), id="tiny"),
        pytest.param(np.zeros((0, 4, 4), "uint8"), id="empty"),
        pytest.param(np.repeat(np.array([0, 1], "uint8"), 16)[None, :, None].repeat(32, 0).repeat(32, 2), id="halves"),
        pytest.param(_one_voxel(), id="one voxel"),
        pytest.param(np.full(SHAPE, np.nan), id="not finite"),
    ],
)
def test_blocks_that_tell_nothing_are_undecided(block: Any) -> None:
    """Equal blocks that chance makes equal are not called the same."""
    assert compare(block, block.copy(), (0, 0, 0)).relation is Relation.UNDECIDED


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["uint8", "uint16", "int16", "uint64"]))
def test_same_is_said_only_of_equal_voxels(data: st.DataObject, kind: str) -> None:
    """Whatever two blocks hold, SAME means that every voxel is equal, and INVERTED without rest that all sums are."""
    shape = data.draw(arrays.array_shapes(min_dims=3, max_dims=3, max_side=6))
    values = arrays.from_dtype(np.dtype(kind)) | st.integers(0, 2)
    a, b = (data.draw(arrays.arrays(np.dtype(kind), shape, elements=values)) for _ in range(2))
    b = data.draw(st.sampled_from([a, b]))
    verdict = compare(a, b, (1, 1, 1))
    if isinstance(verdict, Match) and verdict.relation is Relation.SAME:
        assert (a == b).all()

"""Pairs of levels that differ in one thing: that cause gets all of it, and the others nothing."""

from __future__ import annotations

import gzip
import math
import random
from fractions import Fraction
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.explain.causes import CONTRIBUTING, Cause, Place
from mirror.explain.headers import EdgeStyle, HeaderEvidence
from mirror.explain.laying import LevelInput
from mirror.explain.level import ExplainedLevel, explain_level
from mirror.explain.stored import StoredArray
from mirror.formats.data_type import element_bytes
from mirror.formats.layout import ArrayFacts
from mirror.formats.n5.block import BlockMode
from mirror.formats.n5.grid import BlockIndex, Grid
from mirror.objects import Tally
from tests.mirror.explain.builders import DOCUMENT, HEADER_BYTES, RAW, alike, facts, full, level

COUNTED = HeaderEvidence(BlockMode.COUNTED, EdgeStyle.NONE, 4)


def _explain(a: StoredArray, b: StoredArray, *, has_headers: bool = True) -> ExplainedLevel:
    return explain_level(LevelInput(a, has_headers), LevelInput(b, has_headers), "a with b")


def _moved(explained: ExplainedLevel) -> dict[Cause, int]:
    level_ = explained.level
    assert sum(level_.contributions.values()) + level_.unexplained_bytes == level_.difference_bytes
    assert set(level_.contributions) == set(CONTRIBUTING)
    return {cause: n_bytes for cause, n_bytes in level_.contributions.items() if n_bytes}


def _raw(known: ArrayFacts, *, is_padded: bool = False, header_bytes: int = HEADER_BYTES) -> StoredArray:
    """Return a level whose blocks are stored as they are."""
    n_bytes = cast("int", element_bytes(known.data_type))

    def size(grid: Grid, index: BlockIndex) -> int:
        shape = grid.block_size_xyz if is_padded else grid.block_shape_xyz(index)
        return header_bytes + n_bytes * math.prod(shape)

    return level(known, full(known, size))


@pytest.mark.parametrize("shape_xyz", [(8, 8, 8), (9, 8, 7), (3, 2, 1)], ids=str)
def test_another_type_is_all_bytes_per_voxel(shape_xyz: tuple[int, ...]) -> None:
    """The same voxels in two bytes and in one, not compressed: `bytes_per_voxel` alone."""
    a = _raw(facts(shape_xyz, data_type="uint16", compression=RAW))
    b = _raw(facts(shape_xyz, data_type="uint8", compression=RAW))
    assert _moved(_explain(a, b)) == {Cause.BYTES_PER_VOXEL: math.prod(shape_xyz)}


def test_other_dimensions_are_all_voxels() -> None:
    """More blocks, and fuller ones at the edge: `voxels` alone, with the headers of the blocks that only A has."""
    a = _raw(facts((13, 8, 9), compression=RAW))
    b = _raw(facts((10, 8, 7), compression=RAW))
    explained = _explain(a, b)
    assert _moved(explained) == {Cause.VOXELS: explained.level.difference_bytes}
    assert explained.level.difference_bytes == 13 * 8 * 9 - 10 * 8 * 7 + (4 * 2 * 3 - 3 * 2 * 2) * HEADER_BYTES


def test_padding_is_all_edge_padding() -> None:
    """Whole blocks at the edge against truncated ones, not compressed: `edge_padding` alone."""
    known = facts((9, 8, 7), compression=RAW)
    explained = _explain(_raw(known, is_padded=True), _raw(known))
    assert _moved(explained) == {Cause.EDGE_PADDING: 12 * 8 * 8 - 9 * 8 * 7}


def test_padding_that_compression_takes_away_is_no_term() -> None:
    """Under gzip nobody knows what padding costs unless a sample shows it."""
    known = facts((9, 8, 7))
    a, b = alike(known, 90), alike(known, 70)
    assert set(_moved(_explain(level(known, a), level(known, b)))) == {Cause.COMPRESSION}
    shown = _explain(level(known, a, padding=Fraction(11, 10)), level(known, b, padding=Fraction(1)))
    assert set(_moved(shown)) == {Cause.COMPRESSION, Cause.EDGE_PADDING}
    assert _moved(shown)[Cause.EDGE_PADDING] > 0


def test_longer_headers_are_all_headers() -> None:
    """Headers with a count of elements, 4 bytes a block: `headers` alone."""
    known = facts()
    a = level(known, alike(known, 124), headers=COUNTED)
    b = level(known, alike(known, 120))
    assert _moved(_explain(a, b)) == {Cause.HEADERS: 8 * 4}


def test_formats_without_headers_have_none() -> None:
    """Zarr chunks beside N5 blocks: what N5 has more are its headers."""
    known = facts()
    a, b = level(known, alike(known, 100)), level(known, alike(known, 116))
    explained = explain_level(LevelInput(a, has_headers=False), LevelInput(b, has_headers=True), "a with b")
    assert _moved(explained) == {Cause.HEADERS: -8 * HEADER_BYTES}


def test_blocks_on_one_side_are_exactly_their_bytes() -> None:
    """Tiny blocks of zeros that only A stores count whole, and no share of the grid stands for them."""
    known = facts((16, 16, 16))
    large = alike(known, 200_000)
    zeros: dict[BlockIndex, int] = dict.fromkeys([(0, 0, 0), (1, 2, 3), (3, 3, 3)], 50)
    b = {index: size for index, size in large.items() if index not in zeros}
    explained = _explain(level(known, {**large, **zeros}), level(known, b))
    assert _moved(explained) == {Cause.ONE_SIDED_BLOCKS: 150}
    assert explained.level.a.one_sided == Tally(3, 150)
    back = _explain(level(known, b), level(known, {**large, **zeros}))
    assert _moved(back) == {Cause.ONE_SIDED_BLOCKS: -150}


def _voxels(index: BlockIndex, data_type: str) -> bytes:
    noise = random.Random(str(index))
    width = cast("int", element_bytes(data_type))
    return b"".join(noise.randrange(60, 90).to_bytes(width, "big") for _ in range(4096))


def _gzipped(data_type: str, gzip_level: int) -> StoredArray:
    known = facts((32, 32, 32), block_size_xyz=(16, 16, 16), data_type=data_type)
    voxels = {index: _voxels(index, data_type) for index in known.grid.indices()}
    return level(known, {index: HEADER_BYTES + len(gzip.compress(some, gzip_level)) for index, some in voxels.items()})


def test_another_level_of_gzip_is_all_compression() -> None:
    """The same voxels, packed more loosely: `compression` alone."""
    explained = _explain(_gzipped("uint16", 1), _gzipped("uint16", 9))
    assert _moved(explained) == {Cause.COMPRESSION: explained.level.difference_bytes}
    assert explained.level.difference_bytes > 0


def test_another_type_under_gzip_is_within_bounds() -> None:
    """Two bytes of which one is always 0 take little more: `compression` takes back most of what the type adds."""
    explained = _explain(_gzipped("uint16", 6), _gzipped("uint8", 6))
    moved = _moved(explained)
    assert set(moved) == {Cause.BYTES_PER_VOXEL, Cause.COMPRESSION}
    payload = explained.level.a.blocks.bytes - 8 * HEADER_BYTES, explained.level.b.blocks.bytes - 8 * HEADER_BYTES
    assert math.log(2) * min(payload) <= moved[Cause.BYTES_PER_VOXEL] <= math.log(2) * max(payload)
    assert moved[Cause.COMPRESSION] < 0
    assert sum(moved.values()) == payload[0] - payload[1]


def test_other_block_sizes_are_compared_in_cells() -> None:
    """Blocks of 2 and of 3 voxels meet in cells of 6; not compressed, all that differs are the headers."""
    a = _raw(facts((12, 12, 12), block_size_xyz=(2, 2, 2), compression=RAW))
    b = _raw(facts((12, 12, 12), block_size_xyz=(3, 3, 3), compression=RAW))
    explained = _explain(a, b)
    assert _moved(explained) == {Cause.HEADERS: (6**3 - 4**3) * HEADER_BYTES}
    assert "cells" in explained.level.notes[0]
    assert not explained.level.is_approximate


def test_blocks_without_places_are_compared_as_whole_levels() -> None:
    """Shards that are no boxes: exact in the sum, and said to be approximate."""
    known = facts()
    shards = StoredArray("s0", 0, known, Tally(2, 1000) + DOCUMENT, DOCUMENT)
    explained = _explain(shards, level(known, alike(known, 100)), has_headers=False)
    assert _moved(explained) == {Cause.COMPRESSION: 200}
    assert explained.level.is_approximate


def test_damaged_blocks_and_strays_are_places_of_their_own() -> None:
    """An object shorter than its header, one outside the grid and a stray are no part of the level's difference."""
    known = facts()
    blocks = alike(known, 100)
    odd = {**blocks, (0, 0, 0): 7, (9, 9, 9): 30}
    explained = _explain(level(known, odd, strays=Tally(1, 5)), level(known, blocks))
    assert _moved(explained) == {Cause.ONE_SIDED_BLOCKS: -100}
    beside = {one.place: one.listed for one in explained.only if one.side == "a"}
    assert beside == {Place.METADATA: DOCUMENT, Place.DAMAGED: Tally(1, 7), Place.STRAY: Tally(2, 35)}
    assert not explained.unexplained


def test_metadata_that_cannot_be_read_leaves_the_level_unexplained() -> None:
    """Malformed attributes: the level's bytes are known, and why they differ is not."""
    known = facts()
    blocks = alike(known, 100)
    explained = _explain(level(None, {(0, 0, 0): 300}), level(known, blocks))
    assert not _moved(explained)
    assert [(one.bytes, "not JSON" in one.reason) for one in explained.unexplained] == [(300 - 800, True)]


def test_a_type_of_unknown_size_is_explained_as_far_as_it_goes() -> None:
    """Headers, blocks of one side and voxels are told; what is left of the payload is unexplained."""
    a = level(facts(data_type="odd"), alike(facts(), 104), headers=COUNTED)
    b = level(facts(), {index: 90 for index in facts().grid.indices() if index != (0, 0, 0)})
    explained = _explain(a, b)
    assert _moved(explained) == {Cause.HEADERS: 7 * 4, Cause.ONE_SIDED_BLOCKS: 104}
    assert explained.level.unexplained_bytes == 7 * (84 - 74)


def test_an_unknown_codec_is_explained_like_any_other() -> None:
    """How well a codec packs is seen from sizes, whatever it is called."""
    known = facts(compression={"type": "odd"})
    explained = _explain(level(known, alike(known, 80)), level(facts(), alike(known, 100)))
    assert _moved(explained) == {Cause.COMPRESSION: -160}


def test_rows_that_contradict_the_sums_of_the_listing_are_unexplained() -> None:
    """More blocks than objects were listed: the sum is kept, and the contradiction is told."""
    known = facts()
    honest = level(known, alike(known, 100))
    contradicted = StoredArray("s0", 0, known, Tally(2, 900), DOCUMENT, honest.blocks)
    explained = _explain(contradicted, honest)
    assert not _moved(explained)
    assert sum(one.bytes for one in explained.unexplained) == 900 - 400 - 800


def test_empty_payloads_go_to_compression() -> None:
    """Blocks that are headers and nothing else: the factor that is 0 takes all."""
    known = facts()
    a, b = alike(known, HEADER_BYTES), alike(known, 100)
    assert _moved(_explain(level(known, a), level(known, b))) == {Cause.COMPRESSION: -8 * 84}
    assert not _moved(_explain(level(known, a), level(known, a)))


_blocks = st.dictionaries(st.tuples(*[st.integers(0, 3)] * 3), st.integers(0, 2**40), max_size=30)
_facts = st.builds(
    facts,
    st.tuples(st.integers(1, 14), st.integers(1, 9), st.integers(1, 6)),
    block_size_xyz=st.sampled_from([(4, 4, 4), (3, 4, 4)]),
    data_type=st.sampled_from(["uint8", "uint16", "odd"]),
    compression=st.sampled_from([RAW, {"type": "gzip"}]),
)


@settings(deadline=None)
@given(_facts, _facts, _blocks, _blocks)
def test_any_two_levels_sum_exactly_and_swap(
    facts_a: ArrayFacts, facts_b: ArrayFacts, a: dict[BlockIndex, int], b: dict[BlockIndex, int]
) -> None:
    """Whatever two levels are, their causes sum to the byte, and the other way round every sign turns."""
    here, there = level(facts_a, a), level(facts_b, b)
    explained, back = _explain(here, there), _explain(there, here)
    assert _moved(back) == {cause: -n_bytes for cause, n_bytes in _moved(explained).items()}
    assert back.level.unexplained_bytes == -explained.level.unexplained_bytes
    beside = sum(one.bytes for one in explained.only)
    assert explained.level.difference_bytes + beside == here.listed.bytes - there.listed.bytes

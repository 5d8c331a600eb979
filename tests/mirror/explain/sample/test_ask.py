"""Blocks are asked for one step after the other, and only as long as nothing is decided."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.explain.sample.ask import Question, Verdict, Wanted, answer
from mirror.explain.sample.boxes import Blocks, Box, block_box, blocks_of, cut_out
from mirror.explain.sample.decode import Undecodable, Voxels, Why
from mirror.explain.sample.relation import Match, Relation
from mirror.formats.n5.grid import BlockIndex, Grid
from tests.mirror.explain.sample.textures import em_uint8

BLOCK = (32, 32, 32)


def _cut(array_zyx: Voxels, grid: Grid, index: BlockIndex) -> Voxels:
    box = block_box(grid, index)
    axes = zip(box.start_xyz[::-1], box.stop_xyz[::-1], strict=True)
    return array_zyx[tuple(slice(start, stop) for start, stop in axes)]


def _ask(a: Voxels, b: Voxels, index: BlockIndex, radius: int) -> tuple[Verdict, list[Wanted]]:
    a_grid, b_grid = (Grid(one.shape[::-1], BLOCK) for one in (a, b))
    asked: list[Wanted] = []

    def fetch(wanted: Wanted) -> tuple[Blocks, Blocks]:
        asked.append(wanted)
        return {one: _cut(a, a_grid, one) for one in wanted.a}, {one: _cut(b, b_grid, one) for one in wanted.b}

    return answer(Question(a_grid, b_grid, block_box(a_grid, index), (radius,) * 3), fetch), asked


@pytest.mark.parametrize("n_y", [96, 100])
def test_mirrored_arrays_are_told_by_the_opposite_block(n_y: int) -> None:
    """The opposite place is asked for, two blocks of it where rows do not fill them; also of scaled voxels."""
    a = em_uint8(np.random.default_rng(1), (32, n_y, 32))
    verdict, asked = _ask(a, a[:, ::-1], (0, 0, 0), 4)
    assert isinstance(verdict, Match)
    assert verdict.parts == (Relation.MIRRORED_Y,)
    opposite = ((0, 2, 0),) if n_y == 96 else ((0, 2, 0), (0, 3, 0))
    assert asked == [Wanted(((0, 0, 0),), ((0, 0, 0),)), Wanted((), opposite)]
    verdict, _ = _ask(a, (a[:, ::-1] // 2).astype("uint8"), (0, 0, 0), 4)
    assert isinstance(verdict, Match)
    assert verdict.parts == (Relation.LINEAR, Relation.MIRRORED_Y)


def test_what_is_decided_asks_no_more() -> None:
    """Equal blocks, and one that is constant in A, are one step."""
    a = em_uint8(np.random.default_rng(2), (32, 96, 32))
    assert len(_ask(a, a, (0, 0, 0), 20)[1]) == 1
    verdict, asked = _ask(np.zeros_like(a), a, (0, 0, 0), 20)
    assert (verdict.relation, len(asked)) == (Relation.UNDECIDED, 1)


def test_a_larger_radius_asks_for_neighbours() -> None:
    """A shift beyond a quarter of a block is found with the neighbours, and not without."""
    large = em_uint8(np.random.default_rng(3), (96, 96, 120))
    a, b = large[:, :, 24:], large[:, :, :96]
    verdict, asked = _ask(a, b, (1, 1, 1), 28)
    assert isinstance(verdict, Match)
    assert (verdict.parts, verdict.shift_zyx) == ((Relation.SHIFTED,), (0.0, 0.0, -24.0))
    assert len(asked[-1].a) == 26
    assert not isinstance(_ask(a, b, (1, 1, 1), 8)[0], Match)


def test_what_cannot_be_read_is_undecided() -> None:
    """A damaged block ends the questions with its reason."""
    grid = Grid((32, 96, 32), BLOCK)
    broken = Undecodable(Why.DAMAGED, "broken")
    question = Question(grid, grid, block_box(grid, (0, 0, 0)), (0, 0, 0))
    verdict = answer(question, lambda wanted: (dict.fromkeys(wanted.a, broken), dict.fromkeys(wanted.b, broken)))
    assert (verdict.relation, getattr(verdict, "reason", "")) == (Relation.UNDECIDED, "broken")


BOXES = st.tuples(*[st.tuples(st.integers(0, 9), st.integers(0, 9))] * 3)


@given(BOXES, st.tuples(*[st.integers(1, 4)] * 3))
def test_a_box_is_cut_out_of_its_blocks(sides: tuple[tuple[int, int], ...], block: tuple[int, int, int]) -> None:
    """Blocks laid together give the array's own voxels; what is not stored is 0; mirrored twice is the box."""
    array = np.arange(10 * 9 * 8).reshape(10, 9, 8)
    grid = Grid((8, 9, 10), block)
    box = Box(tuple(min(one) for one in sides), tuple(max(one) for one in sides)).within(grid.shape_xyz)
    inner = tuple(slice(a, b) for a, b in zip(box.start_xyz[::-1], box.stop_xyz[::-1], strict=True))
    found = cut_out(box, grid, {one: _cut(array, grid, one) for one in blocks_of(box, grid)})
    np.testing.assert_array_equal(found, array[inner])
    empty = cut_out(box, grid, dict.fromkeys(blocks_of(box, grid)))
    assert not isinstance(empty, Undecodable)
    assert not empty.any()
    assert box.mirrored_y(9).mirrored_y(9) == box

"""How finely two levels can be laid side by side."""

from __future__ import annotations

import pytest

from mirror.explain.laying import LevelInput, lay_levels
from mirror.explain.overlap import WHOLE
from mirror.formats.layout import ArrayFacts
from mirror.formats.n5.grid import BlockIndex
from mirror.objects import Tally
from tests.mirror.explain.builders import alike, facts, level

FITTING, CUT = (8, 8, 8), (8, 7, 8)


def _input(known: ArrayFacts, blocks: dict[BlockIndex, int], *, is_mirrored_y: bool | None = None) -> LevelInput:
    return LevelInput(level(known, blocks), has_headers=True, is_mirrored_y=is_mirrored_y)


@pytest.mark.parametrize("turned", ["a", "b"])
def test_a_mirrored_level_is_turned_first(turned: str) -> None:
    """Blocks that show the same voxels lie on each other, whichever side is stored mirrored in y."""
    lower, upper = _input(facts(), {(0, 0, 0): 90}), _input(facts(), {(0, 1, 0): 90}, is_mirrored_y=True)
    laid = lay_levels(upper, lower) if turned == "a" else lay_levels(lower, upper)
    assert laid.overlap.n_common == {"interior": 1, "edge": 0}
    assert laid.overlap.a.one_sided == laid.overlap.b.one_sided == Tally()
    assert f"mirrored in y in {turned.upper()}" in laid.notes[0]
    assert not laid.is_approximate


def test_mirrored_blocks_that_do_not_fit_are_approximate() -> None:
    """Where the array ends within a block, blocks of the two show the same voxels only in part."""
    known = facts(CUT)
    laid = lay_levels(_input(known, alike(known, 90), is_mirrored_y=True), _input(known, alike(known, 80)))
    assert laid.is_approximate
    assert "only in part" in laid.notes[0]
    assert laid.overlap.a.sound.bytes == 8 * 90


def test_two_that_are_both_mirrored_lie_as_they_are() -> None:
    """What is mirrored in both is turned in neither."""
    known = facts(CUT)
    sides = [_input(known, {(0, 0, 0): 90}, is_mirrored_y=True) for _ in range(2)]
    laid = lay_levels(sides[0], sides[1])
    assert laid.overlap.n_common == {"interior": 1, "edge": 0}
    assert not laid.notes


def test_other_numbers_of_axes_are_compared_as_wholes() -> None:
    """A plane beside a volume: whole levels, and that is said."""
    plane = facts((8, 8), block_size_xyz=(4, 4))
    laid = lay_levels(_input(plane, alike(plane, 90)), _input(facts(), alike(facts(), 90)))
    assert laid.overlap.n_common is None
    assert laid.overlap.a.groups[WHOLE].n_voxels == 64
    assert "2 axes in A, 3 in B" in laid.notes[0]


def test_an_array_of_no_axis_is_compared_as_a_whole() -> None:
    """A single value has no grid; that is a note, not a failure."""
    value = facts((), block_size_xyz=())
    laid = lay_levels(_input(value, {}), _input(facts(), alike(facts(), 90)))
    assert laid.overlap.n_common is None
    assert laid.is_approximate

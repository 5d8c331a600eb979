"""Which blocks are needed to tell how a place of A and B are related: asked for step by step, decided without I/O."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np

from mirror.explain.sample.boxes import Blocks, Box, blocks_of, cut_out
from mirror.explain.sample.decode import Undecodable, Voxels
from mirror.explain.sample.relation import Match, NoMatch, Relation, compare, is_constant
from mirror.formats.n5.grid import BlockIndex, Grid

_ROOM = 4
"""Shifts of up to a quarter of a block are seen in the block alone; for more, its neighbours are asked for."""
_Y_FROM_LAST = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """Blocks to fetch and decode; blocks that are not stored are answered with None."""

    a: tuple[BlockIndex, ...]
    b: tuple[BlockIndex, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A place of two arrays."""

    a_grid: Grid
    b_grid: Grid
    box: Box
    """Voxels of the place: as `block_box`."""
    radius_xyz: tuple[int, ...]
    """Voxels by which A may be shifted against B."""


@dataclass(frozen=True, slots=True)
class _Look:
    a_box: Box
    b_box: Box
    is_mirrored_y: bool
    radius_xyz: tuple[int, ...]


Verdict = Match | NoMatch


def relate(question: Question) -> Generator[Wanted, tuple[Blocks, Blocks], Verdict]:
    """Yield what is wanted of A and B, take the blocks, and at last return how the place is related.

    Asked for in this order, each only if what came before tells nothing: 1. the place in both; 2. B's opposite place,
    where row j = ny - 1 - i; 3. with a radius beyond a quarter of the place, the neighbours of 1 and 2 within it.
    Nothing is asked for twice. A place that is constant in A ends the questions: nothing would tell.

    >>> from mirror.formats.n5.grid import Grid
    >>> grid = Grid((8, 32, 8), (8, 8, 8))
    >>> steps = relate(Question(grid, grid, Box((0, 0, 0), (8, 8, 8)), (0, 0, 0)))
    >>> next(steps)
    Wanted(a=((0, 0, 0),), b=((0, 0, 0),))
    """
    a_blocks: dict[BlockIndex, Voxels | Undecodable | None] = {}
    b_blocks: dict[BlockIndex, Voxels | Undecodable | None] = {}
    verdicts: list[NoMatch] = []
    for look in _looks(question):
        wanted = Wanted(
            tuple(index for index in blocks_of(look.a_box, question.a_grid) if index not in a_blocks),
            tuple(index for index in blocks_of(look.b_box, question.b_grid) if index not in b_blocks),
        )
        if wanted.a or wanted.b:
            a_new, b_new = yield wanted
            a_blocks.update(a_new)
            b_blocks.update(b_new)
        verdict = _judge(look, question, a_blocks, b_blocks)
        if isinstance(verdict, Match):
            return verdict
        verdicts.append(verdict)
        if _tells_nothing(cut_out(question.box, question.a_grid, a_blocks)):
            break
    return _summary(verdicts)


def _tells_nothing(a_zyx: Voxels | Undecodable) -> bool:
    return isinstance(a_zyx, Undecodable) or is_constant(a_zyx)


def answer(question: Question, fetch: Callable[[Wanted], tuple[Blocks, Blocks]]) -> Verdict:
    """Return how the place is related, with a function that fetches what is wanted."""
    steps = relate(question)
    try:
        wanted = next(steps)
        while True:
            wanted = steps.send(fetch(wanted))
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict


def _looks(question: Question) -> Iterator[_Look]:
    near = tuple(min(r, n // _ROOM) for r, n in zip(question.radius_xyz, question.box.shape_xyz, strict=True))
    yield from _both_ways(question, question.box, near)
    if near != question.radius_xyz:
        yield from _both_ways(question, question.box.grown(question.radius_xyz), question.radius_xyz)


def _both_ways(question: Question, box: Box, radius_xyz: tuple[int, ...]) -> Iterator[_Look]:
    shared = box.within(question.a_grid.shape_xyz).within(question.b_grid.shape_xyz)
    yield _Look(shared, shared, is_mirrored_y=False, radius_xyz=radius_xyz)
    if len(radius_xyz) >= _Y_FROM_LAST:
        n_y = question.b_grid.shape_xyz[1]
        opposite = box.within(question.a_grid.shape_xyz).mirrored_y(n_y).within(question.b_grid.shape_xyz)
        yield _Look(opposite.mirrored_y(n_y), opposite, is_mirrored_y=True, radius_xyz=radius_xyz)


def _judge(look: _Look, question: Question, a_blocks: Blocks, b_blocks: Blocks) -> Verdict:
    a_zyx = cut_out(look.a_box, question.a_grid, a_blocks)
    b_zyx = cut_out(look.b_box, question.b_grid, b_blocks)
    for block in (a_zyx, b_zyx):
        if isinstance(block, Undecodable):
            return NoMatch(Relation.UNDECIDED, block.reason)
    assert not isinstance(a_zyx, Undecodable)
    assert not isinstance(b_zyx, Undecodable)
    radius_zyx = tuple(min(r, (n - 1) // 2) for r, n in zip(look.radius_xyz[::-1], a_zyx.shape, strict=True))
    if look.is_mirrored_y:
        b_zyx = np.flip(b_zyx, -_Y_FROM_LAST)
    verdict = compare(a_zyx, b_zyx, radius_zyx)
    return replace(verdict, is_mirrored_y=look.is_mirrored_y) if isinstance(verdict, Match) else verdict


def _summary(verdicts: list[NoMatch]) -> NoMatch:
    """Return DIFFERENT only if every look could tell: one that could not may have missed the relation."""
    undecided = [one for one in verdicts if one.relation is Relation.UNDECIDED]
    return (undecided or verdicts)[0]

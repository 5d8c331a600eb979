"""Blocks in several boxes: each once."""

from __future__ import annotations

from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from mirror.crops.blocks import BlockBox, BlockUnion

_side = st.tuples(st.integers(0, 4), st.integers(0, 3))
_boxes = st.lists(st.tuples(_side, _side, _side), max_size=4)


def box_of(sides: tuple[tuple[int, int], ...]) -> BlockBox:
    """Return a box from its start and length along each axis."""
    return BlockBox(tuple(a for a, _ in sides), tuple(a + n for a, n in sides))


@given(_boxes)
def test_a_union_is_the_set_of_its_blocks(sides: list[tuple[tuple[int, int], ...]]) -> None:
    """Count, membership and rows are those of the set of places; boxes without blocks leave no trace."""
    boxes = [box_of(one) for one in sides]
    union = BlockUnion.of(boxes)
    places = {index for box in boxes for index in box.indices()}
    every = list(product(range(8), repeat=3))
    assert union.n_blocks == len(places)
    assert {index for index in every if index in union} == places
    assert {(*row, z) for row, spans in union.rows.items() for a, b in spans for z in range(a, b)} == places
    assert all(b < c for spans in union.rows.values() for (_, b), (c, _) in pairwise(spans))
    assert {index[::-1] for index in every if index in union.turned()} == places
    assert union == BlockUnion.of(reversed(boxes))

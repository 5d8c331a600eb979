"""The way from B's size to A's, and the axis that it is drawn on."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.explain.causes import Cause
from mirror.report.waterfall import Axis, Bar, waterfall_bars
from tests.mirror.report.differences import realistic_report

SIZES = st.integers(-(2**63), 2**63)


def test_the_bars_lead_from_b_to_a() -> None:
    """Each begins where the one before ended; the first is B's size, the last A's."""
    for one in realistic_report().datasets:
        first, *steps, last = waterfall_bars(one.b.bytes, one.a.bytes, one.waterfall)
        assert (first.bytes, last.bytes) == (one.b.bytes, one.a.bytes)
        for before, after in pairwise([first, *steps]):
            assert after.start_bytes == before.end_bytes
        assert [first, *steps][-1].end_bytes == one.a.bytes


@pytest.mark.parametrize(
    ("sizes", "low"),
    [
        pytest.param((100, 200), 0, id="steps that can be seen"),
        pytest.param((1000, 1010), 990, id="small steps beside large sizes"),
        pytest.param((1000, 1000), 0, id="no difference"),
        pytest.param((0, 5), 0, id="nothing in B"),
        pytest.param((-5, 5), -5, id="below 0"),
    ],
)
def test_where_a_waterfall_s_axis_begins(sizes: tuple[int, int], low: int) -> None:
    """At 0, so that bars tell sizes; near the sizes where steps would be invisible."""
    bars = (Bar("B's size", 0, sizes[0], None), Bar("x", sizes[0], sizes[1], Cause.VOXELS))
    assert Axis.of_waterfall(bars).low == low


@given(st.lists(SIZES))
def test_an_axis_holds_its_values(values: list[int]) -> None:
    """Every value has its place between the ends, 0 too; an axis is never empty."""
    axis = Axis.over(values)
    assert axis.low <= 0 <= axis.high
    assert axis.low < axis.high
    assert all(0 <= axis.place(value) <= 1 for value in [0, *values])


@given(st.lists(SIZES), st.integers(2, 8))
def test_ticks_are_few_round_and_on_the_axis(values: list[int], most: int) -> None:
    """At most as many as asked for, in even steps, between the ends; 0 is one of them where there are two."""
    axis = Axis.over(values)
    ticks = axis.ticks(most)
    assert len(ticks) <= most
    assert all(axis.low <= tick <= axis.high for tick in ticks)
    assert len({after - before for before, after in pairwise(ticks)}) <= 1
    assert 0 in ticks

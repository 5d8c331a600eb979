"""Charts: bars lie where their numbers say."""

from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from lxml import html

from mirror.explain.causes import Cause
from mirror.report.explanation import CauseTotal
from mirror.report.html.charts import axis_svg, stack, stacked_axis, stacked_svg, waterfall_svg
from mirror.report.waterfall import Axis, Bar

TOTALS = st.lists(
    st.builds(
        CauseTotal,
        cause=st.sampled_from(Cause),
        title=st.just("x"),
        bytes=st.integers(-(2**50), 2**50),
        share=st.none(),
    )
)


def shapes(drawing: str, name: str) -> list[html.HtmlElement]:
    """Return the shapes of one name in a drawing."""
    return cast("list[html.HtmlElement]", html.fromstring(drawing).xpath(f".//{name}"))


@given(TOTALS)
def test_a_stack_goes_both_ways_from_zero(totals: list[CauseTotal]) -> None:
    """Causes above 0 fill the right side without a gap, those below the left; the ends sum to the difference."""
    segments = stack(totals)
    assert [one.bytes for one in segments] == [total.bytes for total in totals]
    right = max((one.end_bytes for one in segments), default=0)
    left = min((one.end_bytes for one in segments), default=0)
    assert max(right, 0) + min(left, 0) == sum(total.bytes for total in totals)
    for one in segments:
        assert min(one.start_bytes, one.end_bytes) >= min(left, 0)
        assert max(one.start_bytes, one.end_bytes) <= max(right, 0)


def test_a_negative_cause_lies_left_of_zero() -> None:
    """Zero has a line, the difference a dot."""
    totals = (
        CauseTotal(cause=Cause.BYTES_PER_VOXEL, title="bytes", bytes=300, share=1.5),
        CauseTotal(cause=Cause.COMPRESSION, title="compression", bytes=-100, share=-0.5),
    )
    drawing = str(stacked_svg("jrc_x", totals, 200, stacked_axis([totals])))
    more, less = shapes(drawing, "rect")
    assert (more.get("x"), more.get("width")) == ("25%", "75%")
    assert (less.get("x"), less.get("width")) == ("0%", "25%")
    assert [one.get("x1") for one in shapes(drawing, "line[@class='zero']")] == ["25%"]
    assert [one.get("cx") for one in shapes(drawing, "circle")] == ["75%"]


def test_a_step_begins_where_the_last_ended() -> None:
    """Its bar spans what it adds; a line leads down from the bar above."""
    bars = (Bar("B's size", 0, 50, None), Bar("voxels", 50, 100, Cause.VOXELS), Bar("A's size", 0, 100, None))
    drawing = str(waterfall_svg(bars, 1, Axis(0, 100)))
    (bar,) = shapes(drawing, "rect")
    assert (bar.get("x"), bar.get("width"), bar.get("class")) == ("50%", "50%", "more")
    assert [one.get("x1") for one in shapes(drawing, "line[@class='lead']")] == ["50%", "100%"]
    assert [one.text for one in shapes(drawing, "title")] == ["voxels: +50 B, from 50 B to 100 B"]


def test_an_axis_tells_round_numbers() -> None:
    """At the ends the words are turned inwards, so that none is cut."""
    words = shapes(str(axis_svg(Axis(0, 200))), "text")
    assert [(one.text, one.get("x"), one.get("text-anchor")) for one in words] == [
        ("0 B", "0%", "start"),
        ("50 B", "25%", "middle"),
        ("100 B", "50%", "middle"),
        ("150 B", "75%", "middle"),
        ("200 B", "100%", "end"),
    ]

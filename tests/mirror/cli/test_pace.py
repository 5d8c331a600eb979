"""The pace of a transfer, in numbers."""

from __future__ import annotations

import pytest

from mirror.cli.pace import Pace
from mirror.objects import Tally


def test_rates_are_those_of_the_last_half_minute() -> None:
    """A slow start is forgotten after the window."""
    pace = Pace(Tally(1000, 1000), started=0)
    pace.add(Tally(1, 1), now=100)
    for second in range(101, 151):
        pace.add(Tally(10, 20), now=second)
    assert pace.rates(150) == pytest.approx((10, 20), rel=0.1)


def test_a_transfer_that_stands_still_slows_down() -> None:
    """Without news the rates fall, and the time left grows."""
    pace = Pace(Tally(100, 100), started=0)
    pace.add(Tally(10, 10), now=10)
    soon, late = pace.seconds_left(10), pace.seconds_left(100)
    assert soon is not None
    assert late is not None
    assert soon < late


def test_nothing_is_said_before_anything_is_known() -> None:
    """At the start there is neither a rate nor a time left."""
    pace = Pace(Tally(100, 100), started=5)
    assert pace.rates(5) == (0, 0)
    assert pace.seconds_left(5) is None


@pytest.mark.parametrize(
    ("planned", "done", "fraction"),
    [
        pytest.param(Tally(10, 100), Tally(5, 100), 0.75, id="objects and bytes count half each"),
        pytest.param(Tally(10, 0), Tally(5, 0), 0.5, id="empty objects"),
        pytest.param(Tally(), Tally(), 1.0, id="nothing planned"),
        pytest.param(Tally(1, 10), Tally(1, 30), 1.0, id="more than planned"),
    ],
)
def test_fraction(planned: Tally, done: Tally, fraction: float) -> None:
    """The fraction lies between 0 and 1 and counts objects and bytes."""
    pace = Pace(planned, started=0)
    pace.add(done, now=1)
    assert pace.fraction == fraction

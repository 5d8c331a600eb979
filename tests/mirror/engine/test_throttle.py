"""The bandwidth limit by a clock that is moved by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.engine.throttle import BURST_SECONDS, UNTHROTTLED, Bandwidth, minute_of_day
from mirror.quantities import Timetable, parse_timetable


@dataclass
class Hands:
    """Of two clocks."""

    seconds: float = 0.0
    minute: int = 0

    def throttle(self, timetable: Timetable) -> Bandwidth:
        """Return a limit that goes by them."""
        return Bandwidth(timetable, clock=lambda: self.seconds, minute=lambda: self.minute)


@given(sizes=st.lists(st.integers(0, 5_000), min_size=50, max_size=200))
def test_what_comes_is_never_ahead_by_more_than_an_object(sizes: list[int]) -> None:
    """Taken as soon as it opens, bytes come at the rate, but for the last object and the burst."""
    hands, rate = Hands(), 1000.0
    throttle = hands.throttle(Timetable(otherwise=rate))
    taken = 0
    for size in sizes:
        while throttle.is_closed():
            hands.seconds += 0.01
        taken += size
        throttle.take(size)
        assert taken <= rate * (hands.seconds + BURST_SECONDS) + 5_000 + 1e-6
    assert taken >= rate * (hands.seconds - 0.01) - 1e-6


def test_the_rate_follows_the_clock_on_the_wall() -> None:
    """Closed in the day, open at night, however much is taken then."""
    hands = Hands(minute=12 * 60)
    throttle = hands.throttle(parse_timetable("08:00-18:00 1kB/s, else off"))
    throttle.take(10_000)
    assert throttle.is_closed()
    hands.minute = 18 * 60
    assert not throttle.is_closed()
    throttle.take(10**9)
    assert not throttle.is_closed()
    hands.minute = 8 * 60
    throttle.take(1)
    assert throttle.is_closed()


@pytest.mark.parametrize("idle_seconds", [0.0, 3600.0])
def test_what_was_not_used_is_not_saved_up(idle_seconds: float) -> None:
    """After an hour of silence no more comes at once than after a tenth of a second."""
    hands = Hands()
    throttle = hands.throttle(Timetable(otherwise=1000.0))
    hands.seconds += idle_seconds
    assert not throttle.is_closed()
    throttle.take(1100)
    assert throttle.is_closed()


def test_without_a_limit_nothing_is_closed() -> None:
    """Whatever is taken; and the real clock gives a minute of the day."""
    UNTHROTTLED.take(10**12)
    assert not UNTHROTTLED.is_closed()
    assert 0 <= minute_of_day() < 24 * 60

"""Spans of time, rates and timetables: what is understood, and what is refused in one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import UsageError
from mirror.quantities import Hours, Limit, Timetable, parse_duration, parse_limit, parse_rate, parse_timetable


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("7d", 604_800), (" 1.5H ", 5400)]
)
def test_spans(text: str, seconds: float) -> None:
    """Numbers with units, one behind the other."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "bytes_per_second"),
    [
        ("200MB/s", 200e6),
        ("200 MB/s", 200e6),
        ("1GiB/s", 2**30),
        ("1.5kB/s", 1500),
        ("800bit/s", 100),
        ("100Mbit/s", 12.5e6),
        ("7B/s", 7),
    ],
)
def test_rates(text: str, bytes_per_second: float) -> None:
    """Powers of 1000 and of 1024, bytes and bits."""
    assert parse_rate(text) == bytes_per_second


@pytest.mark.parametrize(
    ("text", "timetable"),
    [
        pytest.param("", Timetable(), id="empty"),
        pytest.param("off", Timetable(), id="off"),
        pytest.param("1MB/s", Timetable(otherwise=1e6), id="rate"),
        pytest.param("else 1MB/s", Timetable(otherwise=1e6), id="else alone"),
        pytest.param("08:00-18:00 1MB/s", Timetable((Hours(480, 1080, 1e6),)), id="hours alone"),
        pytest.param("22:00-06:00 off, else 1MB/s", Timetable((Hours(1320, 360, None),), 1e6), id="past midnight"),
        pytest.param("00:00-24:00 1MB/s", Timetable((Hours(0, 1440, 1e6),)), id="all day"),
        pytest.param("24:00-06:00 1MB/s", Timetable((Hours(0, 360, 1e6),)), id="from midnight"),
    ],
)
def test_timetables(text: str, timetable: Timetable) -> None:
    """Hours with rates, and the rest."""
    assert parse_timetable(text) == timetable
    assert timetable.is_limit == ("MB" in text)


@pytest.mark.parametrize(
    "text",
    [
        *("fast", "200", "200MB", "0MB/s", "100Mb/s", "1MB/s, 2MB/s", ","),
        *(
            "8-18 1MB/s",
            "08:00-18:00",
            "25:00-26:00 1MB/s",
            "08:61-09:00 1MB/s",
            "08:00-08:00 1MB/s",
            "24:00-00:00 1MB/s",
        ),
        *("else off, 08:00-18:00 1MB/s", "08:00-18:00 1MB/s,"),
    ],
)
def test_what_is_no_timetable(text: str) -> None:
    """It is refused, named, and what would be one is said."""
    with pytest.raises(UsageError) as told:
        parse_timetable(text, "--max-bandwidth")
    assert told.value.thing == "--max-bandwidth"
    assert told.value.expected
    assert told.value.found


@pytest.mark.parametrize("text", ["", "10", "m", "10 minutes", "-5m"])
def test_what_is_no_span(text: str) -> None:
    """It is refused."""
    with pytest.raises(UsageError, match="not a span of time"):
        parse_duration(text, "--max-age")


@given(start=st.integers(0, 1439), stop=st.integers(0, 1440), minute=st.integers(0, 1439))
def test_hours_against_counting_the_minutes(start: int, stop: int, minute: int) -> None:
    """The minutes from the start up to the stop, round midnight where the stop comes first."""
    end = stop if stop > start else stop + 1440
    naive = minute in {one % 1440 for one in range(start, end)}
    assert Hours(start, stop, 1.0).has(minute) == naive


@pytest.mark.parametrize(
    ("text", "limit"),
    [("0", Limit(objects=0)), (" 500 ", Limit(objects=500)), ("25%", Limit(percent=25)), ("2.5 %", Limit(percent=2.5))],
)
def test_limits(text: str, limit: Limit) -> None:
    """A number of objects, or a percentage."""
    assert parse_limit(text) == limit


@pytest.mark.parametrize("text", ["", "-1", "101%", "many", "1.5", "%", "٣"])
def test_what_is_no_limit(text: str) -> None:
    """It is refused with the option and what is expected."""
    with pytest.raises(UsageError, match="--max-delete"):
        parse_limit(text, "--max-delete")

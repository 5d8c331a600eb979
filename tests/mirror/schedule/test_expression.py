"""Cron's expressions: what they mean, beside a walk over all minutes, and beside systemd's own reading."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.errors import UsageError
from mirror.schedule import Expression

START = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
EXPRESSIONS = (
    "0 3 * * *",
    "*/20 1-5/2 * * mon-fri",
    "15 3 1,15 * *",
    "0 3 13 * fri",
    "0 3 */2 * 0,7",
    "59 23 29 2 *",
    "0 0 1 jan-mar sun",
    "@daily",
    "@monthly",
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("0 3 * *", "found 4 fields", id="too-few"),
        pytest.param("0 3 * * * *", "found 6 fields", id="too-many"),
        pytest.param("", "found 0 fields", id="empty"),
        pytest.param("60 3 * * *", "found 60 as minute", id="minute"),
        pytest.param("0 24 * * *", "found 24 as hour", id="hour"),
        pytest.param("0 3 0 * *", "found 0 as day of the month", id="day"),
        pytest.param("0 3 * * mun", "found mun as day of the week", id="name"),
        pytest.param("0 5-1 * * *", "found 5-1 as hour", id="backwards"),
        pytest.param("*/0 * * * *", "found */0 as minute", id="no-step"),
        pytest.param("5/10 * * * *", "found 5/10 as minute", id="step-of-a-number"),
        pytest.param("> 3 * * *", "found > as minute", id="of-the-library"),
        pytest.param("~ 3 * * *", "found ~ as minute", id="random"),
        pytest.param("1, 3 * * *", "found 1, as minute", id="comma"),
        pytest.param("@often", "found 1 fields", id="word"),
        pytest.param("0 3 31 2 *", "a moment that never comes", id="never"),
        pytest.param("0 3 * * *\n* * * * * rm x", "found 12 fields", id="two-lines"),
    ],
)
def test_what_cron_would_not_take_is_refused_with_a_reason(text: str, words: str) -> None:
    """The error names the field and what was found."""
    with pytest.raises(UsageError) as error:
        Expression.parse(text)
    assert words in str(error.value)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda pair: "{}-{}".format(*sorted(pair)))
    stepped = st.tuples(st.just("*") | span, st.integers(1, high)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    item = number.map(str) | span | st.just("*") | stepped
    return st.lists(item, min_size=1, max_size=2).map(",".join)


def _naive(field: str, value: int, low: int, high: int, *, sunday: bool = False) -> bool:
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        numbers = range(low, high + 1) if span == "*" else range(int(first), int(last or first) + 1)
        chosen = set(numbers[:: int(step or 1)])
        if value in chosen or (sunday and value == 0 and 7 in chosen):
            return True
    return False


@settings(max_examples=40, deadline=None)
@given(_field(0, 59), _field(0, 23), _field(1, 28), _field(1, 12), _field(0, 6))
def test_the_next_times_are_those_of_a_walk_over_all_minutes(
    minute: str, hour: str, day: str, month: str, weekday: str
) -> None:
    """The first time after a moment is the first minute that all fields have, days as cron joins them."""
    (found,) = Expression.parse(f"{minute} {hour} {day} {month} {weekday}").next_times(START, 1)

    def has(at: datetime) -> bool:
        """Return whether a day is one."""
        by_day = _naive(day, at.day, 1, 31)
        by_weekday = _naive(weekday, at.isoweekday() % 7, 0, 6)
        is_star = day.startswith("*") or weekday.startswith("*")
        return _naive(month, at.month, 1, 12) and (by_day and by_weekday if is_star else by_day or by_weekday)

    at = START + timedelta(minutes=1)
    while not (has(at) and _naive(hour, at.hour, 0, 23) and _naive(minute, at.minute, 0, 59)):
        # A day, an hour or a minute on, whichever is wrong.
        if not has(at):
            at = at.replace(hour=0, minute=0) + timedelta(days=1)
        elif not _naive(hour, at.hour, 0, 23):
            at = at.replace(minute=0) + timedelta(hours=1)
        else:
            at += timedelta(minutes=1)
    assert found == at


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_systemd_means_the_same_moments(text: str) -> None:
    """The next five times of OnCalendar=, as systemd reads it, are those of the expression."""
    expression = Expression.parse(text)
    base = START.strftime("%Y-%m-%d %H:%M:%S UTC")
    found = set()
    for moment in expression.on_calendar():
        words = ["systemd-analyze", "calendar", "--iterations=5", f"--base-time={base}", moment]
        done = subprocess.run(words, capture_output=True, text=True, env={"TZ": "UTC"}, check=True)
        lines = [line.strip() for line in done.stdout.splitlines()]
        times = [line.split(": ", 1)[1] for line in lines if line.startswith(("Next elapse:", "Iter", "Iteration"))]
        found |= {datetime.strptime(one, "%a %Y-%m-%d %H:%M:%S %Z").replace(tzinfo=UTC) for one in times}
    expected = expression.next_times(START, 5)
    assert len(expected) == (2 if text == "59 23 29 2 *" else 5)
    assert tuple(sorted(found)[: len(expected)]) == expected


def test_the_start_of_the_machine_has_no_times() -> None:
    """`@reboot` is understood, and is no moment of a calendar."""
    expression = Expression.parse("@reboot")
    assert (expression.is_at_start, expression.next_times(START, 3), expression.on_calendar()) == (True, (), ())

"""How large the catalog will be."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from catalog import queries
from catalog.growth import KEPT_SIZES, MIN_SIZES, MIN_SPAN, SIZE_COUNTER, forecast, sizes_of_runs
from catalog.records import RunState
from tests.catalog import builders
from tests.catalog.builders import START, at


def nights(*sizes: int) -> list[tuple[datetime, int]]:
    """Return sizes at the end of runs, one a night."""
    return [(START + timedelta(days=day), size) for day, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "per_day"),
    [
        pytest.param([100, 110, 120, 130], 10, id="the same each night"),
        pytest.param(
            [100, 110, 10_000_120, 10_000_130, 10_000_140, 10_000_150, 10_000_160], 10, id="a new dataset once"
        ),
        pytest.param([100, 100, 100, 100], 0, id="nothing"),
        pytest.param([400, 300, 200, 100], 0, id="a catalog that shrinks stays as it is"),
    ],
)
def test_growth_goes_on(sizes: list[int], per_day: int) -> None:
    """The usual growth of a night goes on for a year; what happened once does not."""
    found = forecast(nights(*sizes), used_bytes=1_000)
    assert found is not None
    assert found.bytes_per_day == pytest.approx(per_day, abs=3)
    assert found.bytes_in_a_year == pytest.approx(1_000 + 365 * per_day, abs=3 * 365)
    assert (found.n_sizes, found.span) == (len(sizes), timedelta(days=len(sizes) - 1))


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([], id="none"),
        pytest.param(nights(1, 2, 3), id="too few"),
        pytest.param([(at(hour), hour) for hour in range(40)], id="of too short a time"),
        pytest.param([(START, 1), (START, 2), (START, 3), (START, 4)], id="of one moment"),
    ],
)
def test_too_little_is_known(sizes: list[tuple[datetime, int]]) -> None:
    """Without enough runs of enough days there is no forecast."""
    assert forecast(sizes, used_bytes=1) is None


@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 10**12)), max_size=12).map(
        lambda rows: [(at(24 * day), size) for day, size in rows]
    ),
    st.randoms(),
)
def test_a_forecast_is_bounded_and_does_not_depend_on_order(sizes: list[tuple[datetime, int]], random: object) -> None:
    """It tells no less than there is, no more than the steepest growth that was seen; and any order tells the same."""
    found = forecast(sizes, used_bytes=10**6)
    random.shuffle(shuffled := list(sizes))  # type: ignore[attr-defined]
    assert forecast(shuffled, used_bytes=10**6) == found
    if found is None:
        assert len(sizes) < MIN_SIZES or max(sizes)[0] - min(sizes)[0] < MIN_SPAN
        return
    steepest = max((b - a) / ((then - now).total_seconds()) for now, a in sizes for then, b in sizes if then > now)
    assert 10**6 <= found.bytes_in_a_year <= 10**6 + max(0, steepest) * 365 * 86_400 + 1


def test_sizes_come_from_runs_that_kept_them(connection: Connection, bucket: int) -> None:
    """Of the newest runs, those that ended and kept the size; a run that was killed kept none."""
    for number in range(KEPT_SIZES + 5):
        run = builders.start_run(connection, bucket)
        counters = {SIZE_COUNTER: 1_000 + number} if number % 2 else {}
        queries.finish_run(connection, run, state=RunState.DONE, exit_code=0, finished_at=at(number), counters=counters)
    builders.start_run(connection, bucket)
    found = sizes_of_runs(connection)
    assert found[0] == (at(KEPT_SIZES + 3), 1_000 + KEPT_SIZES + 3)
    assert len(found) == (KEPT_SIZES - 1) // 2

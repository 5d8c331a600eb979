"""How large the catalog will be, told by how large it was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from statistics import median
from typing import Final

from sqlalchemy import Connection

from catalog.queries.runs import runs

KEPT_SIZES: Final = 30
"""Runs that a forecast looks at, the newest ones."""
MIN_SIZES: Final = 4
MIN_SPAN: Final = timedelta(days=2)
"""With fewer sizes, or of a shorter time, there is no forecast: a first mirror is no growth."""
SIZE_COUNTER: Final = "catalog_bytes"
"""Name under which a run's counters have the size of the catalog at its end."""

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Forecast:
    """How large a catalog will be if it goes on as it did."""

    n_sizes: int
    """Runs that were looked at."""
    span: timedelta
    """From the first of them to the last."""
    bytes_per_day: int
    bytes_in_a_year: int


def forecast(sizes: Iterable[tuple[datetime, int]], *, used_bytes: int) -> Forecast | None:
    """Return the growth that the sizes at the end of runs tell, or None if they are too few or of too short a time.

    The growth is the median of those between each two runs (Theil and Sen), so that one run that mirrored a new dataset
    does not make the year's forecast. A catalog that shrinks is forecast to stay as it is.

    >>> from datetime import UTC
    >>> nights = [(datetime(2026, 1, day, tzinfo=UTC), 1_000_000 + 500 * day) for day in range(1, 9)]
    >>> forecast(nights, used_bytes=1_004_000)
    Forecast(n_sizes=8, span=datetime.timedelta(days=7), bytes_per_day=500, bytes_in_a_year=1186500)
    """
    known = sorted(sizes)
    if len(known) < MIN_SIZES or known[-1][0] - known[0][0] < MIN_SPAN:
        return None
    pairs = [(then, now) for then, now in combinations(known, 2) if now[0] > then[0]]
    per_second = median((now[1] - then[1]) / (now[0] - then[0]).total_seconds() for then, now in pairs)
    per_second = max(0.0, per_second)
    return Forecast(
        len(known),
        known[-1][0] - known[0][0],
        round(per_second * timedelta(days=1).total_seconds()),
        used_bytes + round(per_second * _YEAR.total_seconds()),
    )


def sizes_of_runs(connection: Connection) -> tuple[tuple[datetime, int], ...]:
    """Return when the newest runs ended and how large the catalog was then, where they kept it."""
    known = ((one.finished_at, (one.counters or {}).get(SIZE_COUNTER)) for one in runs(connection, KEPT_SIZES))
    return tuple((moment, size) for moment, size in known if moment is not None and isinstance(size, int))

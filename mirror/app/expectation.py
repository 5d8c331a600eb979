"""How long a plan will take, at the rate that earlier runs were measured at."""

from __future__ import annotations

import math

from catalog import queries
from catalog.records import RunKind, RunRecord
from mirror.app.state import BucketState
from mirror.objects import Tally

MIN_OBJECTS = 200
"""A run of fewer objects measures the start of a program rather than a rate."""


def expected_seconds(state: BucketState, planned: Tally) -> float | None:
    """Return the expected time, from the run of this bucket whose objects were most like the planned ones in size.

    None where no run was long enough to tell, or nothing is planned.
    """
    if state.catalog is None or state.bucket_id is None or not planned.objects:
        return None
    with state.catalog.read() as connection:
        records = queries.runs(connection, 50)
    measured = [run for run in records if run.bucket_id == state.bucket_id and _transferred(run)[0].objects]
    if not measured:
        return None
    mean = _mean_bytes(planned)
    nearest = min(measured, key=lambda run: abs(math.log(mean / _mean_bytes(_transferred(run)[0]))))
    done, seconds = _transferred(nearest)
    return seconds * max(planned.objects / done.objects, planned.bytes / max(done.bytes, 1))


def _transferred(run: RunRecord) -> tuple[Tally, float]:
    if run.kind is not RunKind.SYNC or not run.counters:
        return Tally(), 0.0
    counted = run.counters.get("transferred")
    seconds = run.counters.get("seconds")
    if not isinstance(counted, dict) or not isinstance(seconds, float) or counted["objects"] < MIN_OBJECTS:
        return Tally(), 0.0
    return Tally(counted["objects"], counted["bytes"]), seconds


def _mean_bytes(tally: Tally) -> float:
    return (tally.bytes + 1) / tally.objects

"""Share and catalog of a run: what is known of runs that never ended."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from catalog.records import RunKind, RunRecord, RunState
from mirror.app.workplace import goes_on, utc_now


@pytest.mark.parametrize(
    ("pid", "hours_ago", "expected"),
    [
        pytest.param(os.getpid(), 0.0, True, id="a process that is there"),
        pytest.param(os.getpid(), -2.0, True, id="clock set back since"),
        pytest.param(os.getpid(), 0.9, True, id="clock set forward since, less than an hour"),
        pytest.param(os.getpid(), 24.0 * 365, False, id="a process that began after the run"),
        pytest.param(1 << 22, 0.0, False, id="no such process"),
    ],
)
def test_whether_a_run_of_this_machine_goes_on(pid: int, hours_ago: float, expected: bool) -> None:
    """A number of a process means nothing alone: after a restart, and in containers, it comes again."""
    begun = utc_now() - timedelta(hours=hours_ago)
    run = RunRecord(
        id=1,
        kind=RunKind.SYNC,
        bucket_id=1,
        datasets=(),
        selection={},
        started_at=begun,
        finished_at=None,
        state=RunState.RUNNING,
        exit_code=None,
        counters=None,
        host="here",
        pid=pid,
        version="0",
    )
    assert goes_on(run) is expected

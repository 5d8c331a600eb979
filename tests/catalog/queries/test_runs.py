"""Runs and findings."""

from __future__ import annotations

from sqlalchemy import Connection

from catalog import queries
from catalog.records import RunKind, RunRecord, RunState
from tests.catalog import builders
from tests.catalog.builders import DATASET, START, at


def test_a_run_is_kept_from_its_start(connection: Connection, bucket: int) -> None:
    """A run is there, as running, before it has done anything."""
    run = builders.start_run(connection, bucket)
    assert queries.runs(connection) == (
        RunRecord(
            id=run,
            kind=RunKind.SYNC,
            bucket_id=bucket,
            datasets=(DATASET,),
            selection={"scales": "s0-s2"},
            started_at=START,
            finished_at=None,
            state=RunState.RUNNING,
            exit_code=None,
            host="node1",
            pid=4711,
            version="0.1.0",
            counters=None,
        ),
    )


def test_the_end_of_a_run_is_kept_with_its_counters(connection: Connection, bucket: int) -> None:
    """State, exit code, time and counters of the end are read back."""
    run = builders.start_run(connection, bucket)
    counters = {"transferred": {"objects": 3, "bytes": 900}}
    queries.finish_run(connection, run, state=RunState.DONE, exit_code=0, finished_at=at(2), counters=counters)
    (found,) = queries.runs(connection)
    assert (found.state, found.exit_code, found.finished_at) == (RunState.DONE, 0, at(2))
    assert found.counters == counters


def test_the_newest_runs_come_first(connection: Connection, bucket: int) -> None:
    """Runs are listed from the last one back, as many as asked for."""
    ids = [builders.start_run(connection, bucket) for _ in range(4)]
    assert [run.id for run in queries.runs(connection, limit=3)] == ids[:0:-1]


def test_runs_whose_process_is_gone_are_closed(connection: Connection, bucket: int) -> None:
    """A killed run of this host becomes failed; living ones and those of other hosts stay as they are."""
    dead = builders.start_run(connection, bucket, pid=1)
    living = builders.start_run(connection, bucket, pid=2)
    elsewhere = builders.start_run(connection, bucket, pid=1, host="node2")
    closed = queries.close_dead_runs(connection, host="node1", goes_on=lambda run: run.pid == 2, finished_at=at(1))
    assert [run.id for run in closed] == [dead]
    states = {run.id: run.state for run in queries.runs(connection)}
    assert states == {dead: RunState.FAILED, living: RunState.RUNNING, elsewhere: RunState.RUNNING}


def test_the_times_of_runs(connection: Connection, bucket: int) -> None:
    """A run is of the time when it ended, or of its start while it goes on; unknown ids are left out."""
    ended, going = (builders.start_run(connection, bucket) for _ in range(2))
    queries.finish_run(connection, ended, state=RunState.DONE, exit_code=0, finished_at=at(3))
    assert queries.run_times(connection, [ended, going, 99]) == {ended: at(3), going: START}


def test_all_runs(connection: Connection, bucket: int) -> None:
    """Without a limit all runs are returned."""
    for _ in range(25):
        builders.start_run(connection, bucket)
    assert len(queries.runs(connection)) == 20
    assert len(queries.runs(connection, None)) == 25


def test_one_run_is_found_by_its_number(connection: Connection, bucket: int) -> None:
    """It is read back as the list of runs has it; a number that no run has is none."""
    run_id = builders.start_run(connection, bucket)
    assert queries.find_run(connection, run_id) == queries.runs(connection)[0]
    assert queries.find_run(connection, run_id + 1) is None

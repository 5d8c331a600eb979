"""Which blocks runs mirrored for crops: as their selections say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from catalog import queries
from catalog.records import RunKind, RunState
from tests.catalog.builders import DATASET, START, at

S0, S1 = (f"{DATASET}/{DATASET}.n5/volumes/raw/s{n}/" for n in range(2))


def run_of(connection: Connection, bucket: int, boxes: Mapping[str, Any] | None, *, exit_code: int | None = 0) -> None:
    """Keep a run that chose these boxes of blocks, or whole levels; without an exit code it was killed."""
    chosen = {"scales": "all"} if boxes is None else {"scales": "all", "blocks_xyz": boxes}
    run = queries.start_run(
        connection,
        kind=RunKind.SYNC,
        bucket_id=bucket,
        datasets=(DATASET,),
        selection={DATASET: chosen},
        started_at=START,
        host="node1",
        pid=1,
        version="0.1.0",
    )
    state = RunState.FAILED if exit_code is None else RunState.DONE
    queries.finish_run(connection, run, state=state, exit_code=exit_code, finished_at=at(1))


def test_boxes_of_all_runs_come_together_by_array(connection: Connection, bucket: int) -> None:
    """Each box once, by array; of runs without crops, and of other datasets, nothing."""
    run_of(connection, bucket, None)
    assert queries.cropped_blocks(connection, bucket, DATASET) == {}
    run_of(connection, bucket, {S0: [[[2, 0, 0], [3, 1, 1]]], S1: [[[1, 0, 0], [2, 1, 1]]]})
    run_of(connection, bucket, {S0: [[[0, 0, 0], [1, 1, 1]], [[2, 0, 0], [3, 1, 1]]]})
    assert queries.cropped_blocks(connection, bucket, DATASET) == {
        S0: (((0, 0, 0), (1, 1, 1)), ((2, 0, 0), (3, 1, 1))),
        S1: (((1, 0, 0), (2, 1, 1)),),
    }
    assert queries.cropped_blocks(connection, bucket, "jrc_other") == {}
    assert queries.cropped_blocks(connection, bucket + 1, DATASET) == {}


def test_only_a_run_that_left_nothing_out_tells_what_the_bucket_lacks(connection: Connection, bucket: int) -> None:
    """A killed run and one with failures count for what is partial, and not for what is missing upstream."""
    run_of(connection, bucket, {S0: [[[0, 0, 0], [1, 1, 1]]]}, exit_code=None)
    run_of(connection, bucket, {S0: [[[1, 0, 0], [2, 1, 1]]]}, exit_code=4)
    run_of(connection, bucket, {S0: [[[2, 0, 0], [3, 1, 1]]]})
    assert len(queries.cropped_blocks(connection, bucket, DATASET)[S0]) == 3
    finished = queries.cropped_blocks(connection, bucket, DATASET, only_finished=True)
    assert finished == {S0: (((2, 0, 0), (3, 1, 1)),)}

"""Runs: what was done, when, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from catalog.queries.rows import inserted_id
from catalog.records import RunKind, RunRecord, RunState
from catalog.tables import run


def start_run(
    connection: Connection,
    *,
    kind: RunKind,
    bucket_id: int,
    datasets: Sequence[str],
    selection: Mapping[str, Any],
    started_at: datetime,
    host: str,
    pid: int,
    version: str,
) -> int:
    """Keep a run that begins now, as `running`; return its id."""
    result = connection.execute(
        insert(run).values(
            kind=RunKind(kind).value,
            bucket_id=bucket_id,
            datasets=list(datasets),
            selection=dict(selection),
            started_at=started_at,
            state=RunState.RUNNING.value,
            host=host,
            pid=pid,
            version=version,
        )
    )
    return inserted_id(result)


def finish_run(
    connection: Connection,
    run_id: int,
    *,
    state: RunState,
    exit_code: int | None,
    finished_at: datetime,
    counters: Mapping[str, Any] | None = None,
) -> None:
    """Keep how a run ended."""
    connection.execute(
        update(run)
        .where(run.c.id == run_id)
        .values(
            state=RunState(state).value,
            exit_code=exit_code,
            finished_at=finished_at,
            counters=None if counters is None else dict(counters),
        )
    )


def close_dead_runs(
    connection: Connection, *, host: str, goes_on: Callable[[RunRecord], bool], finished_at: datetime
) -> tuple[RunRecord, ...]:
    """Mark as failed the runs of this host that still say `running` and whose process is gone; return them.

    Runs of other hosts stay: from here nobody can tell.

    Parameters
    ----------
    goes_on
        Whether the process that began such a run is still there.
    """
    query = select(run).where(run.c.state == RunState.RUNNING.value, run.c.host == host).order_by(run.c.id)
    running = [_run_record(row) for row in connection.execute(query).mappings()]
    dead = tuple(record for record in running if not goes_on(record))
    for record in dead:
        finish_run(connection, record.id, state=RunState.FAILED, exit_code=None, finished_at=finished_at)
    return dead


def runs(connection: Connection, limit: int | None = 20) -> tuple[RunRecord, ...]:
    """Return the newest runs, the last one first; all of them where `limit` is None."""
    query = select(run).order_by(run.c.id.desc()).limit(limit)
    return tuple(_run_record(row) for row in connection.execute(query).mappings())


def runs_of(connection: Connection, bucket_id: int, dataset: str, kind: RunKind) -> Iterator[RunRecord]:
    """Yield the runs of one kind on this dataset of a bucket alone, the last one first, as they are asked for."""
    ours = (run.c.kind == kind.value, run.c.bucket_id == bucket_id, run.c.datasets == [dataset])
    for row in connection.execute(select(run).where(*ours).order_by(run.c.id.desc())).mappings():
        yield _run_record(row)


def find_run(connection: Connection, run_id: int) -> RunRecord | None:
    """Return one run, or None if there is none of that number."""
    row = connection.execute(select(run).where(run.c.id == run_id)).mappings().first()
    return None if row is None else _run_record(row)


def count_runs(connection: Connection) -> int:
    """Return how many runs there were."""
    return int(connection.execute(select(func.count()).select_from(run)).scalar_one())


def run_times(connection: Connection, ids: Iterable[int]) -> dict[int, datetime]:
    """Return when each of these runs ended, or began where it has not ended; unknown ones are left out."""
    query = select(run.c.id, run.c.started_at, run.c.finished_at).where(run.c.id.in_(sorted(set(ids))))
    return {row.id: row.finished_at or row.started_at for row in connection.execute(query)}


def _run_record(row: RowMapping) -> RunRecord:
    typed = {"kind": RunKind(row["kind"]), "state": RunState(row["state"]), "datasets": tuple(row["datasets"])}
    return RunRecord(**{**row, **typed})

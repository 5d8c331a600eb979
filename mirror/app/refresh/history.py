"""What the catalog's runs tell of an entry: when it was last begun, finished, well; and what one run found upstream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from catalog import queries
from catalog.records import ChangeKind, RunKind, RunRecord, RunState
from mirror.app.content import COUNTER
from mirror.report.model import Amount
from mirror.report.refresh import Contents, Upstream

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mirror.app.refresh.entries import Entry

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class History:
    """When an entry was last at work; None is never."""

    begun_at: datetime | None = None
    ended_at: datetime | None = None
    """End of the last run, however it ended."""
    finished_at: datetime | None = None
    """End of the last run that tried all."""
    well_at: datetime | None = None
    """End of the last run that tried all and came to 0."""


def history(connection: Connection, entry: Entry) -> History:
    """Return what the runs tell of an entry: those of `sync` by hand count, too, where they chose the same."""
    bucket_id = queries.find_bucket(connection, entry.bucket_url)
    if bucket_id is None:
        return History()
    runs = queries.runs_of(connection, bucket_id, entry.dataset, RunKind.SYNC)
    return _history(run for run in runs if _chose(run, entry))


def _history(runs: Iterable[RunRecord]) -> History:
    """Return the history of runs that come newest first; no more of them are read than it takes."""
    begun_at = ended_at = finished_at = None
    for run in runs:
        begun_at = begun_at or run.started_at
        ended_at = ended_at or run.finished_at
        if run.state is not RunState.DONE:
            continue
        finished_at = finished_at or run.finished_at
        if not run.exit_code:
            return History(begun_at, ended_at, finished_at, run.finished_at)
    return History(begun_at, ended_at, finished_at)


def _chose(run: RunRecord, entry: Entry) -> bool:
    """Return whether a run chose what the entry does; of formats only where the entry names some.

    Not one for crops, which takes parts of the arrays. One may leave out less than the entry, and no more.
    """
    chosen = run.selection.get(entry.dataset)
    if not isinstance(chosen, Mapping) or "crops" in chosen:
        return False
    # Runs of earlier versions do not say what they left out.
    if not set(chosen.get("exclude", ())) <= entry.mirror.excluded().texts:
        return False
    spec = entry.mirror.spec()
    wanted: dict[str, Any] = {"scales": str(spec.scales), "with_unscaled": spec.with_unscaled}
    if any(chosen.get(name) != value for name, value in wanted.items()):
        return False
    volumes = sorted(pattern.text for pattern in spec.volumes.patterns)
    return sorted(chosen.get("volumes", ())) == volumes and (
        spec.formats is None or sorted(chosen.get("formats", ())) == sorted(map(str, spec.formats))
    )


def upstream(connection: Connection, run_id: int) -> Upstream:
    """Return what one run found changed upstream."""
    found = {kind: Amount() for kind in ChangeKind}
    for record in queries.changes(connection, run_id=run_id):
        before = found[record.kind]
        found[record.kind] = Amount(
            objects=before.objects + record.changed.objects, bytes=before.bytes + record.changed.bytes
        )
    run = queries.find_run(connection, run_id)
    counted = run.counters.get(COUNTER) if run and run.counters else None
    contents = Contents.model_validate(counted) if isinstance(counted, Mapping) else Contents()
    return Upstream(
        new=found[ChangeKind.NEW],
        changed=found[ChangeKind.CHANGED],
        vanished=found[ChangeKind.VANISHED],
        contents=contents,
    )

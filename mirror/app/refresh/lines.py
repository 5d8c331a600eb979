"""What became of an entry, as a line of the report; and all lines as one report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TypeAlias

from catalog.errors import CatalogError
from mirror.app.afterwards import parts_of
from mirror.app.refresh.entries import Entry
from mirror.app.sync import exit_code_of
from mirror.errors import ExitCode, LockedError, MirrorError
from mirror.report.model import ErrorParts, SyncReport
from mirror.report.numbers import format_utc
from mirror.report.refresh import EntryState, MirrorLine, RefreshReport, Upstream, total

Told: TypeAlias = MirrorError | CatalogError
_WORST_FIRST = (ExitCode.UNSAFE, ExitCode.FAILED, ExitCode.LOCKED, ExitCode.INCOMPLETE)


def line_of_report(
    entry: Entry, report: SyncReport, found: Upstream | None, *, seconds: float, is_first: bool = False
) -> MirrorLine:
    """Return the line of an entry whose run came to an end; the first ones had all the time of the refresh."""
    code = exit_code_of(report)
    state: EntryState = "stopped" if not report.complete else "done" if code is ExitCode.DONE else "incomplete"
    upstream = found or Upstream()
    return MirrorLine(
        number=entry.number,
        bucket=entry.bucket,
        dataset=entry.dataset,
        state=state,
        exit=int(code),
        run=report.run,
        new=upstream.new,
        changed=upstream.changed,
        vanished=upstream.vanished,
        contents=upstream.contents,
        planned=report.planned,
        transferred=report.transferred,
        adopted=report.adopted,
        replaced=report.replaced,
        up_to_date=report.up_to_date,
        failed_objects=len(report.failed),
        refused_objects=report.refused,
        failed=report.failed,
        skipped=report.skipped,
        # One that came late, and had less time, has all of it the next time, when it comes first.
        only_listed=is_first and report.is_only_listed,
        seconds=round(seconds, 3),
    )


def line_of_error(entry: Entry, error: Exception, *, seconds: float) -> MirrorLine:
    """Return the line of an entry whose run ended with an error."""
    parts = parts_of(error)
    state: EntryState = "failed"
    if parts.exit == ExitCode.UNSAFE:
        state = "unsafe"
    elif isinstance(error, LockedError):
        state = "locked"
    # A dataset that is not there is no fault of the command line here: nobody is there to type another.
    code = parts.exit if state != "failed" else int(ExitCode.FAILED)
    return _bare(entry, state).model_copy(update={"exit": code, "problem": parts, "seconds": round(seconds, 3)})


def unreached_line(entry: Entry, *, was_begun: bool) -> MirrorLine:
    """Return the line of an entry that had no turn, or whose turn was cut off."""
    return _bare(entry, "stopped" if was_begun else "not_reached")


def _bare(entry: Entry, state: EntryState) -> MirrorLine:
    return MirrorLine(number=entry.number, bucket=entry.bucket, dataset=entry.dataset, state=state, exit=0)


def refresh_report(
    lines: Sequence[MirrorLine],
    *,
    dry_run: bool,
    problem: ErrorParts | None,
    started_at: datetime,
    finished_at: datetime,
    seconds: float,
) -> RefreshReport:
    """Return the report of all lines. Its exit code is the first that is present of 5, 1, 6, 4, 0."""
    codes = {line.exit for line in lines} | ({problem.exit} if problem else set())
    return RefreshReport(
        dry_run=dry_run,
        complete=problem is None and all(line.state in {"done", "incomplete"} for line in lines),
        exit=worst_exit(codes),
        mirrors=tuple(lines),
        transferred=total([line.transferred for line in lines]),
        new=total([line.new for line in lines]),
        changed=total([line.changed for line in lines]),
        vanished=total([line.vanished for line in lines]),
        failed_objects=sum(line.failed_objects for line in lines),
        refused_objects=sum(line.refused_objects for line in lines),
        problem=problem,
        started_at=format_utc(started_at),
        finished_at=format_utc(finished_at),
        seconds=round(seconds, 3),
    )


def worst_exit(codes: Collection[int]) -> int:
    """Return the one that counts: the first that is present of 5, 1, 6, 4, 0. Any other is a failure: 1.

    >>> [worst_exit(codes) for codes in ({0}, {0, 4}, {4, 6}, {6, 1, 0}, {1, 5}, {0, 2})]
    [0, 4, 6, 1, 5, 1]
    """
    known = {code if code in _WORST_FIRST else ExitCode.FAILED for code in codes if code != ExitCode.DONE}
    return next((int(code) for code in _WORST_FIRST if code in known), int(ExitCode.DONE))

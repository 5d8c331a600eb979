"""What lies in the trash, and what became of it, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from mirror.report.numbers import Units, format_age, format_amount, format_bytes, format_count, plural
from mirror.report.text.table import plain, render_table
from mirror.report.trash import EmptyReport, RestoreReport, TrashedFile, TrashLine


def render_trash(
    lines: Sequence[TrashLine], *, now: datetime, units: Units = Units.SI, width: int | None = None
) -> str:
    """Return the trash of each run."""
    rows = [
        (
            line.run,
            ", ".join(line.datasets or ()) or "-",
            format_age(datetime.fromisoformat(line.begun_at), now),
            format_count(line.trashed.objects),
            format_bytes(line.trashed.bytes, units),
        )
        for line in lines
    ]
    return render_table(("run", "datasets", "when", "objects", "size"), rows, words=(0, 1, 2), width=width)


def render_trashed_files(files: Iterable[TrashedFile], *, units: Units = Units.SI) -> str:
    """Return the files of one run."""
    rows = [(file.path, format_bytes(file.bytes, units)) for file in files]
    return render_table(("file", "size"), rows)


def render_restored(report: RestoreReport, *, units: Units = Units.SI) -> str:
    """Return what was restored, and what could not be."""
    lines = [f"Restored {format_amount(report.restored, units)}."]
    if report.set_aside.objects:
        lines.append(f"Moved out of their way, into the trash: {format_amount(report.set_aside, units)}.")
    if report.failed:
        lines.append(f"Failed: {plural(len(report.failed), 'object')}:")
        lines += [f"  {plain(one.key)}: {plain(one.reason)}" for one in report.failed]
    return "\n".join(lines)


def render_emptied(report: EmptyReport, *, units: Units = Units.SI) -> str:
    """Return what was removed for good."""
    lines = [f"Removed for good: {format_amount(report.removed, units)}, of {plural(len(report.runs), 'run')}."]
    if report.in_use:
        lines.append(f"Left, for it is in use: {', '.join(report.in_use)}.")
    return "\n".join(lines)

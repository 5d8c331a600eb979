"""What changed since the same question was asked before, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from mirror.report.explanation import CauseTotal, DatasetReport, EarlierReport, StoredAmount
from mirror.report.numbers import Units, format_difference


def earlier_words(report: DatasetReport, units: Units = Units.SI) -> tuple[str, ...]:
    """Return a sentence for each side and each cause that changed; () where nothing was asked before."""
    if report.earlier is None:
        return ()
    return (_head(report, report.earlier, units), *_causes(report, report.earlier, units))


def _head(report: DatasetReport, earlier: EarlierReport, units: Units) -> str:
    sides = ", ".join(
        f"{name} {_change(before, now, units)}"
        for name, before, now in (("A", earlier.a, report.a), ("B", earlier.b, report.b))
    )
    return f"Since the answer of {earlier.made_at[:10]}: {sides}."


def _change(before: StoredAmount, now: StoredAmount, units: Units) -> str:
    if before == now:
        return "as it was"
    objects = now.objects - before.objects
    return f"{format_difference(now.bytes - before.bytes, units)} in {objects:+,} objects"


def _causes(report: DatasetReport, earlier: EarlierReport, units: Units) -> Iterator[str]:
    before, now = _by_title(earlier.causes_total), _by_title(report.causes_total)
    for title in sorted(before.keys() | now.keys()):
        change = now.get(title, 0) - before.get(title, 0)
        if change:
            yield f"{title}: {format_difference(change, units)}"


def _by_title(totals: tuple[CauseTotal, ...]) -> dict[str, int]:
    return {total.title: total.bytes for total in totals}

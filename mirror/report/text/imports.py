"""What an import of foreign documents did, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mirror.report.imports import DocumentCounts, ImportReport, SourceReport
from mirror.report.numbers import format_count, format_seconds, plural
from mirror.report.text.table import fill, plain

_MOST_SHOWN = 20
"""Documents that failed, one by one; the JSON has a thousand."""
_COUNTED = ("new", "changed", "unchanged", "vanished", "dropped", "unreadable")


def render_import(report: ImportReport, *, width: int | None = None) -> str:
    """Return what was done, or would be, source by source: counts, what the crops are, and what was not understood."""
    lines = [line for source in report.sources for line in _source(source, width, is_dry_run=report.dry_run)]
    lines += [fill(plain(f"Left out: {one}"), width) for one in report.left_out]
    return "\n".join(lines)


def render_failed(report: ImportReport) -> str:
    """Return only what failed; empty if nothing did."""
    return "\n".join(line for source in report.sources for line in (*_failed(source), *_error(source)))


def _source(source: SourceReport, width: int | None, *, is_dry_run: bool) -> Iterator[str]:
    where = " ".join(filter(None, (source.place, source.collection)))
    yield plain(f"{source.kind.capitalize()} from {where}, ground truth {source.version or '?'}")
    if source.error is not None:
        yield from _error(source)
        return
    n_seen, took = source.documents.seen, format_seconds(source.seconds)
    rate = f", {format_count(round(n_seen / source.seconds))} a second" if source.seconds >= 1 else ""
    would = "would be imported" if is_dry_run else "in " + took + rate
    yield f"  {plural(n_seen, 'document')} {would}: {_counts(source.documents)}."
    if source.resumed:
        yield "  An earlier import was cut; this one went on behind it."
        yield "  What changed before that place since, the next import sees."
    if source.documents.vanished and not source.documents.dropped:
        yield "  What vanished from the source stays in the catalog; --prune drops it."
    for name, counts in (("crops", source.crops_by_dataset), ("labels", source.labels_by_state)):
        if counts:
            yield fill(f"  {name}: {_listed(counts)}", width)
    if source.issues:
        yield fill(f"  issues: {_listed(source.issues)}; `oomirror catalog issues` lists them", width)
    yield from _failed(source)


def _counts(documents: DocumentCounts) -> str:
    words = [f"{format_count(n)} {name}" for name in _COUNTED if (n := getattr(documents, name))]
    if documents.not_understood:
        words.append(f"{format_count(documents.not_understood)} not understood")
    return ", ".join(words)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{plain(name) or 'of no dataset'} {format_count(n)}" for name, n in counts.items())


def _failed(source: SourceReport) -> Iterator[str]:
    for one in source.failed[:_MOST_SHOWN]:
        yield plain(f"  failed: {one.place}: expected {one.expected}, found {one.found}")
    if (more := source.documents.unreadable + source.documents.not_understood - _MOST_SHOWN) > 0:
        yield f"  and {format_count(more)} more; --json lists the first thousand."


def _error(source: SourceReport) -> Iterator[str]:
    if source.error is not None:
        yield plain(f"  failed: {source.error}")

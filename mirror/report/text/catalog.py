"""What `oomirror catalog` lists, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from mirror.report.model import FoundLine, ManifestLine
from mirror.report.numbers import format_count
from mirror.report.text.table import fill, render_table


def render_found(lines: Sequence[FoundLine], *, width: int | None = None) -> str:
    """Return a table of what a search found."""
    if not lines:
        return "Nothing has all these words."
    rows = [(line.place, line.bucket, line.title) for line in lines]
    return render_table(("place", "bucket", "what"), rows, words=(0, 1, 2), width=width)


def render_manifests(lines: Sequence[ManifestLine], *, width: int | None = None) -> str:
    """Return what became of each document, and the reasons of those that failed below."""
    rows = [
        (line.source, line.dataset or "-", line.state, format_count(line.volumes), format_count(line.findings))
        for line in lines
    ]
    table = render_table(("document", "dataset", "", "volumes", "findings"), rows, words=(0, 1, 2), width=width)
    failed = [fill(f"{line.source}: {line.reason}", width) for line in lines if line.state == "failed"]
    return "\n".join([table, *failed])

"""What `oomirror catalog` lists, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from mirror.report.model import FoundLine
from mirror.report.text.table import render_table


def render_found(lines: Sequence[FoundLine], *, width: int | None = None) -> str:
    """Return a table of what a search found."""
    if not lines:
        return "Nothing has all these words."
    rows = [(line.place, line.bucket, line.title) for line in lines]
    return render_table(("place", "bucket", "what"), rows, words=(0, 1, 2), width=width)

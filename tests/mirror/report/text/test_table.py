"""Tables that are shown as they come."""

from __future__ import annotations

from mirror.report.text.table import stream_table


def test_a_streamed_table_is_as_wide_as_its_first_rows_need() -> None:
    """A later cell that is wider is shown whole, and moves what stands behind it."""
    rows = [("1", "dice"), *[("2", "dice")] * 999, ("12345.5", "jaccard")]
    head, first, *_, last = stream_table(("value", "metric"), iter(rows), words=(1,))
    assert head == "value  metric"
    assert first == "    1  dice"
    assert last == "12345.5  jaccard"

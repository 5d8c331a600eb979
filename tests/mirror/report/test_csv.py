"""Lists of reports as CSV."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.report.csv import csv_text, rows_text
from mirror.report.model import FactLine

_CELLS = st.text(st.sampled_from('a,"\r\n=; '), min_size=1, max_size=6).filter(lambda text: text[0] not in "=\r")


@given(st.lists(st.tuples(_CELLS, _CELLS), max_size=4))
def test_cells_with_line_breaks_come_back(rows: list[tuple[str, str]]) -> None:
    """Whatever is in a cell, a reader of CSV finds as many rows, and the same cells."""
    text = rows_text(("one", "two"), rows)
    assert [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))] == [("one", "two"), *rows]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_spreadsheet_takes_a_text_for_a_formula(text: str) -> None:
    """A text that begins as a formula does has an apostrophe before it; numbers are as they are."""
    (_, row) = csv.reader(io.StringIO(rows_text(("one", "two"), [(text, -1)]), newline=""))
    assert row == [f"'{text}", "-1"]
    line = FactLine(dataset="d", name="title", value=text, source=text)
    (_, row) = csv.reader(io.StringIO(csv_text(FactLine, [line]), newline=""))
    assert row == ["d", "title", f"'{text}", f"'{text}"]

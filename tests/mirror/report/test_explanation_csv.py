"""The report as CSV."""

from __future__ import annotations

import csv
from collections import defaultdict

from mirror.report.explanation_csv import ExplanationRow, Record, explanation_csv_lines, explanation_rows
from tests.mirror.report.differences import HOSTILE, equal_report, realistic_report

REPORT = realistic_report()


def read_rows() -> list[dict[str, str]]:
    """Return the rows as a spreadsheet reads them."""
    return list(csv.DictReader(line + "\n" for line in explanation_csv_lines(REPORT)))


def test_rows_of_a_dataset_sum_to_it() -> None:
    """Causes and what is unexplained come to the difference that the row of the dataset tells, to the byte."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in read_rows():
        sums[row["dataset"], row["record"]] += int(row["bytes"])
    assert {name for name, _ in sums} == {one.dataset for one in REPORT.datasets}
    for one in REPORT.datasets:
        assert sums[one.dataset, "dataset"] == one.difference_bytes
        assert sums[one.dataset, "cause"] + sums[one.dataset, "unexplained"] == one.difference_bytes
        assert sums[one.dataset, "pair"] == sum(pair.difference_bytes for pair in one.pairs)


def test_contributions_sum_to_their_level() -> None:
    """They follow the row of the level, those of 0 too."""
    rows = list(explanation_rows(REPORT))
    for number, row in enumerate(rows):
        if row.record is Record.LEVEL:
            own = []
            for after in rows[number + 1 :]:
                if after.record is not Record.CONTRIBUTION:
                    break
                own.append(after.bytes)
            assert len(own) >= 6
            assert sum(own) == row.bytes == (row.a_bytes or 0) - (row.b_bytes or 0)


def test_names_come_back_as_they_are() -> None:
    """Quotes, commas and control characters of a bucket survive."""
    assert HOSTILE in {row["dataset"] for row in read_rows()}


def test_the_columns_are_the_model_s() -> None:
    """A report of equal buckets has its header and rows too."""
    head, *rows = explanation_csv_lines(equal_report())
    assert head.split(",") == list(ExplanationRow.model_fields)
    assert rows

"""The report as Markdown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.report.markdown import escape_markdown, render_markdown
from tests.mirror.report.differences import HOSTILE, equal_report, realistic_report

REPORT = realistic_report()


def cells(line: str) -> list[str]:
    """Return the cells of a row of a table, as GitHub cuts it."""
    return [cell.strip() for cell in re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1]]


def test_its_tables_are_tables() -> None:
    """Every row of a table has as many cells as its header, whatever names it holds."""
    width = 0
    for line in render_markdown(REPORT, levels=True).splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        width = width or len(cells(line))
        assert len(cells(line)) == width


def test_the_order_of_the_parts() -> None:
    """The answer, what is unexplained, sizes; then each dataset with its causes, pairs and findings."""
    text = render_markdown(REPORT)
    headings = re.findall(r"^#+ .*", text, re.MULTILINE)
    assert headings[:5] == [
        "# Why A and B differ in size",
        "## jrc_hela-2",
        "### Where the bytes are",
        "### Pairs of volumes that show the same",
        "### Worth knowing, though it moves no byte",
    ]
    assert text.index(REPORT.answer) < text.index("**+2.1 MB unexplained.**") < text.index("| A |")
    assert "### em/fibsem-uint16 with volumes/raw" not in headings
    assert "### em/fibsem-uint16 with volumes/raw" in render_markdown(REPORT, levels=True)


def test_equal_buckets() -> None:
    """Nothing is unexplained, and nothing is a cause."""
    text = render_markdown(equal_report())
    assert "unexplained" not in text
    assert "as large as B's" in text


def test_hostile_names_are_text() -> None:
    """No tag, no link, no emphasis and no code comes of a name."""
    text = render_markdown(REPORT, levels=True)
    assert HOSTILE not in text
    assert not re.search(r"(?<!\\)<", text)
    assert not re.search(r"(?<!\\)\[x", text)
    assert "\x1b" not in text


@pytest.mark.parametrize("name", ["jrc_hela-2", "volumes/raw", "labels/er_pred", "s3://b/k"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    """What Markdown would not obey is not escaped."""
    assert escape_markdown(name) == name


@given(st.text())
def test_whatever_is_escaped_stands_on_one_line(text: str) -> None:
    """And has no pipe, bracket, backquote or angle that is not escaped."""
    made = escape_markdown(text)
    assert len(made.splitlines()) <= 1
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`<>\[\]*]", re.sub(r"\\[\\|`<>\[\]*~&#$!_]", "", made))

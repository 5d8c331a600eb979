"""The report in a terminal."""

from __future__ import annotations

import re

import pytest

from mirror.report.numbers import Units
from mirror.report.text.explanation import render_explanation
from mirror.report.text.waterfall import render_waterfall
from mirror.report.waterfall import Bar, waterfall_bars
from tests.mirror.report.differences import equal_report, realistic_report

REPORT = realistic_report()
HELA = REPORT.model_copy(update={"datasets": REPORT.datasets[:1]})


@pytest.mark.parametrize("levels", [False, True])
@pytest.mark.parametrize("width", [None, 60, 80, 132])
def test_it_keeps_to_the_width(width: int | None, levels: bool) -> None:
    """No line is wider than the terminal, but where a name without a blank is wider itself."""
    for line in render_explanation(REPORT, width=width, levels=levels, most=None).splitlines():
        longest = max(map(len, line.split()), default=0)
        assert len(line) <= (width or 80) or longest > 30, line
        assert "\x1b" not in line


def test_it_begins_with_the_answer() -> None:
    """The answer is the first sentence; what is unexplained comes next; then sizes, datasets, the waterfall."""
    text = render_explanation(REPORT)
    assert " ".join(text.split("\n\n")[0].split()) == REPORT.answer
    parts = [text.index(word) for word in ("Unexplained: +2.1 MB", "A less B", "\ndataset ", "from B's size to A's")]
    assert parts == sorted(parts)
    assert "jrc_macrophage-2, em/fibsem-uint16/s4 with volumes/raw/s4: metadata cannot be read" in " ".join(
        text.split()
    )


def test_a_dataset_has_its_sizes_causes_waterfall_pairs_and_findings() -> None:
    """Sizes stand in GB, in GiB and in bytes; causes with share and place, the largest first."""
    text = render_explanation(HELA)
    one = HELA.datasets[0]
    assert "Unexplained" not in text
    assert re.search(r"^A +248 +0.057 +0.053 +57,434,112$", text, re.MULTILINE)
    assert "A is 1.17 times B." in text
    lines = [line for line in text.splitlines() if re.match(r" *[+-][\d.]+ \w+ +-?[<>]?-?[\d.]+ %", line)]
    assert len(lines) == len(one.causes)
    assert lines[0].split(maxsplit=4)[4] == "bytes for each voxel: em/fibsem-uint16 with volumes/raw"
    assert re.search(r"^em/fibsem-uint16 with volumes/raw +56.3 MB +31.8 MB +\+24.5 MB +1.77$", text, re.MULTILINE)
    assert "em-more-than-once, jrc_hela-2: bucket A keeps the EM 2 times" in text


def test_only_the_largest_places_are_told() -> None:
    """The others are summed, so that the shown bytes still come to the difference."""
    text = render_explanation(HELA, most=2)
    assert "9 smaller ones together" in text
    assert "1 more pair together: -67.8 kB" in text
    assert "smaller" not in render_explanation(HELA, most=None)


def test_levels_on_demand() -> None:
    """Each level's sizes, its causes and what it is in both."""
    assert "  s0 " not in render_explanation(HELA)
    text = render_explanation(HELA, levels=True)
    assert re.search(r"^ +s0 +49.3 MB +27.8 MB +\+21.4 MB$", text, re.MULTILINE)
    assert "bytes for each voxel +26.0 MB; how well the voxels compress -4.6 MB" in text
    assert "A: x,y,z 750,100,398 uint16 in 168 blocks of 64,64,64" in text


def test_equal_buckets() -> None:
    """It says so, and draws both sizes alike."""
    text = render_explanation(equal_report())
    assert "as large as B's" in text
    bars = [line.partition("|")[2] for line in text.splitlines() if "|" in line]
    assert bars[0] == bars[-1] != ""


def test_units_can_be_chosen() -> None:
    """GiB in place of GB."""
    assert "MiB" in render_explanation(HELA, units=Units.IEC)


def test_a_waterfall_s_bars_join() -> None:
    """Each step's bar begins where the one before ended; one too small to draw is one character."""
    one = HELA.datasets[0]
    text = render_waterfall(waterfall_bars(one.b.bytes, one.a.bytes, one.waterfall), width=200)
    head, *bars = (line.partition("|")[2] for line in text.splitlines())
    assert head == ""
    assert set(bars[0]) == set(bars[-1]) == {"#"}
    at = len(bars[0])
    for drawn in bars[1:-1]:
        start, stop = len(drawn) - len(drawn.lstrip()), len(drawn)
        assert len(drawn.strip()) >= 1
        assert at in (start, stop) or stop - start == 1
        at = stop if "+" in drawn else start
    assert abs(at - len(bars[-1])) <= 1


def test_small_steps_are_drawn_near_the_sizes() -> None:
    """Where they would vanish beside the sizes, the bars do not begin at 0, and that is said."""
    bars = (Bar("B's size", 0, 10**12, None), Bar("A's size", 0, 10**12 + 10**9, None))
    assert "The bars begin at 999.0 GB, not at 0." in render_waterfall(bars)

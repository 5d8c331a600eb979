"""A plan as a person reads it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror.diff import Kind
from mirror.objects import Tally
from mirror.plan import Part, Plan, Skip, plan_of
from mirror.report.text.plan import render_plan, spell_levels

GB = 10**9


def _plan(*parts: Part, refused: tuple[Skip, ...] = ()) -> Plan:
    return plan_of("b", ("jrc_hela-2",), parts, refused=refused, left_out=["jrc_hela-2: volumes/raw/s3"])


def _part(volume: str, level: str, n_bytes: int, kind: Kind = Kind.NEW) -> Part:
    return Part("jrc_hela-2", volume, level, {kind: Tally(1000, n_bytes)}, 10)


PLAN = _plan(
    _part("labels/er_seg", "s1", GB),
    _part("volumes/raw", "s1", 15 * GB),
    _part("volumes/raw", "s0", 122 * GB),
    _part("groundtruth/crop1", "", 2 * GB),
    _part("other files", "", 1000, Kind.UP_TO_DATE),
)


def test_the_whole_text() -> None:
    """Volumes come by size, with their levels; then the sums, and what could be left out."""
    assert render_plan(PLAN) == (
        "Plan for jrc_hela-2 from bucket b:\n"
        "  volume             levels  objects      size  to fetch\n"
        "  volumes/raw        s0-s1     2,000  137.0 GB  137.0 GB\n"
        "  groundtruth/crop1  -         1,000    2.0 GB    2.0 GB\n"
        "  labels/er_seg      s1        1,000    1.0 GB    1.0 GB\n"
        "  other files        -         1,000    1.0 kB         -\n"
        "To fetch: 4,000 objects (140.0 GB), in 50 folders.\n"
        "On the share already: 1,000 objects (1.0 kB).\n"
        "Could be left out: 122.0 GB (87 %) by --scales s1.\n"
        "Could be left out: 2.0 GB (1 %) by --no-unscaled.\n"
        "Left out as asked: volumes/raw/s3."
    )


def test_time_is_told_only_where_it_was_measured() -> None:
    """Without an earlier run no time is promised."""
    assert "Time:" not in render_plan(PLAN)
    assert "Time: about 2 h 5 min" in render_plan(replace(PLAN, expected_seconds=7500.0))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_plan_keeps_to_the_width(width: int) -> None:
    """Long names are cut in the middle and sentences are broken, so that no line is wider than the terminal."""
    parts = [_part(f"volumes/groundtruth/0003/crop{number}/labels/everything", "", 10**number) for number in range(12)]
    text = render_plan(_plan(*parts), width=width)
    assert max(map(len, text.splitlines())) <= width


def test_a_large_plan_is_short() -> None:
    """Of 500 volumes the twenty largest have a line, the others are summed, and the sum is that of the plan."""
    text = render_plan(_plan(*(_part(f"labels/{number:03}", "s0", number * GB) for number in range(500))))
    lines = text.splitlines()
    assert len(lines) < 35
    assert lines[2].split()[0] == "labels/499"
    rest = sum(range(480))
    assert f"480 smaller ones  -       480,000  {rest / 1000:.1f} TB" in text


def test_refused_keys_are_shown_harmlessly() -> None:
    """Refused keys are named with their reasons, control characters written out, the many of them counted."""
    refused = tuple(Skip(f"a/\x1b{number}", "has a control character") for number in range(10))
    text = render_plan(_plan(refused=refused))
    assert "10 keys:" in text
    assert "  a/\\x1b0: has a control character" in text
    assert "and 2 more" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("names", "spelled"),
    [
        pytest.param([], "-", id="none"),
        pytest.param(["s10", "s9"], "s9-s10", id="by number, not by text"),
        pytest.param(["s0", "s2", "s4"], "s0,s2,s4", id="apart"),
    ],
)
def test_levels_are_spelled_as_scales_are(names: list[str], spelled: str) -> None:
    """Levels are written as `--scales` takes them."""
    assert spell_levels(names) == spelled

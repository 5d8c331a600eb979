"""The figures that are drawn from runs, and how they are written."""

from __future__ import annotations

import pytest

from bench.bars import BARS, Bar, Figure, Goal
from bench.compare import parser
from bench.measure import Measured
from bench.results import Comparison, Ratio
from bench.table import render_comparison


def _comparison(**runs: list[tuple[float, float, float]]) -> Comparison:
    return Comparison(
        command="python -m bench --runs=2",
        setting="Somewhere, some day.",
        n_objects=1000,
        n_bytes=2_000_000,
        runs={name: [Measured(*run) for run in figures] for name, figures in runs.items()},
        baseline="s5cmd",
        wrk_per_second=[4000.0, 6000.0],
    )


TWO = _comparison(ours=[(1.0, 2.0, 3e6), (3.0, 2.0, 5e6)], s5cmd=[(4.0, 4.0, 1e6), (3.0, 8.0, 1e6)])


def test_ratio_of_rates_says_how_many_times_as_fast() -> None:
    """The rate's ratio is the baseline's seconds by the tool's; the extremes are those of single rounds."""
    assert TWO.rate("ours") == Ratio(3.5 / 2.0, 1.0, 4.0)
    assert TWO.cpu("ours") == Ratio(2.0 / 6.0, 0.25, 0.5)


def test_share_of_wrk_is_of_its_median_rate() -> None:
    """500 objects a second are a tenth of 5000 requests a second."""
    assert TWO.share_of_wrk("ours") == pytest.approx(0.1)


def test_table_has_a_row_for_each_tool_and_its_command_above() -> None:
    """Command, setting, head, rule, rows, and what wrk reached."""
    assert render_comparison(TWO).splitlines() == [
        "`python -m bench --runs=2`",
        "",
        "Somewhere, some day.",
        "",
        "|       |    s | objects/s | MB/s | CPU s | peak MB | of wrk | rate | (each round) |  CPU | (each round) |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        "| ours  | 2.00 |       500 |  1.0 |  2.00 |       4 |    10% | 1.75 |   1.00..4.00 | 0.33 |   0.25..0.50 |",
        "| s5cmd | 3.50 |       286 |  0.6 |  6.00 |       1 |     6% | 1.00 |   1.00..1.00 | 1.00 |   1.00..1.00 |",
        "",
        "wrk, which reads and does nothing else: 5000 requests/s.",
    ]


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        pytest.param(
            Goal(Figure.RATE, 1.5, tool="ours"),
            "ours: 1.75; wanted 1.5 times the rate of s5cmd, at least: reached.",
            id="rate reached",
        ),
        pytest.param(
            Goal(Figure.CPU, 0.3, tool="ours"),
            "ours: 0.33; wanted 0.3 times the CPU of s5cmd, at most: **missed**.",
            id="cpu missed",
        ),
        pytest.param(
            Goal(Figure.PEAK_MB, 300, tool="ours", against=""),
            "ours: 4.00; wanted 300 MB of memory, at most: reached.",
            id="memory",
        ),
        pytest.param(
            Goal(Figure.RATE, 1.0, tool="ours", against="rclone"),
            "ours: cannot be said without rclone.",
            id="rival not installed",
        ),
    ],
)
def test_goal_says_what_was_wanted_and_found(goal: Goal, verdict: str) -> None:
    """A verdict names tool, figure, bound, rival and outcome."""
    assert goal.verdict(TWO) == verdict


@pytest.mark.parametrize("bar", [pytest.param(bar, id=bar.name) for bar in BARS])
def test_bar_is_a_command_that_can_be_typed(bar: Bar) -> None:
    """Its arguments are those of `python -m bench`; its goals are about tools that it runs."""
    options = parser().parse_args(bar.arguments())
    assert options.objects == bar.n_blocks
    assert parser().parse_args(bar.quick_arguments()).objects == bar.n_quick_blocks
    run = {f"oomirror sync {extra}".strip() for extra in options.sync_options or [""]}
    assert {goal.tool for goal in bar.goals} <= run

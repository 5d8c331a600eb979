"""`python -m bench bars`: one after the other, all that is claimed of oomirror's speed, and whether it is reached."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from bench import reports
from bench.compare import compare
from bench.origins import Depot
from bench.results import Comparison
from bench.table import render_comparison
from mirror.errors import ExitCode, MirrorError

_SYNC = "oomirror sync"


class Figure(Enum):
    """What a goal is set for."""

    RATE = "times the rate of {}, at least"
    CPU = "times the CPU of {}, at most"
    PEAK_MB = "MB of memory, at most"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a tool is to reach."""

    figure: Figure
    bound: float
    tool: str = _SYNC
    against: str = "s5cmd"
    """How the names begin of those it is compared with; the fastest of them counts."""

    def verdict(self, comparison: Comparison) -> str:
        """Return a sentence on whether it is reached."""
        rivals = [name for name in comparison.runs if name.startswith(self.against) and name != self.tool]
        if not rivals and self.figure is not Figure.PEAK_MB:
            return f"{self.tool}: cannot be said without {self.against}."
        best = min(rivals, key=lambda name: comparison.median(name).seconds, default="")
        found = self._found(comparison, best)
        is_reached = found >= self.bound if self.figure is Figure.RATE else found <= self.bound
        wanted = f"{self.bound:g} {self.figure.value.format(best)}"
        return f"{self.tool}: {found:.2f}; wanted {wanted}: {'reached' if is_reached else '**missed**'}."

    def _found(self, comparison: Comparison, best: str) -> float:
        match self.figure:
            case Figure.RATE:
                return comparison.rate(self.tool, best).of_medians
            case Figure.CPU:
                return comparison.cpu(self.tool, best).of_medians
            case Figure.PEAK_MB:
                return comparison.median(self.tool).peak_bytes / 1e6
        assert_never(self.figure)


@dataclass(frozen=True, slots=True)
class Bar:
    """One comparison, and what is claimed of it."""

    name: str
    title: str
    n_blocks: int
    n_quick_blocks: int
    options: Sequence[str]
    """Of `python -m bench`, beside number and runs."""
    goals: Sequence[Goal] = ()
    n_runs: int = 5

    def arguments(self) -> list[str]:
        """Return the arguments of `python -m bench` that measure it."""
        return [f"--objects={self.n_blocks}", f"--runs={self.n_runs}", *self.options]

    def quick_arguments(self) -> list[str]:
        """Return arguments that measure it too coarsely to be believed, but in seconds."""
        quick = ["--runs=1", "--s5cmd-workers=64", "--wrk-seconds=1"]
        return [f"--objects={self.n_quick_blocks}", *self.options, *quick]


_TRUSTING = f"{_SYNC} --checksum size"
_WITH_AND_WITHOUT = ("--sync-options=", "--sync-options=--checksum size")
_FIXED = f"{_SYNC} --concurrency"
_EACH_CONCURRENCY = tuple(f"--sync-options=--concurrency {n}" for n in (16, 64, 256))
# In this order, bars that are next to each other share what was stored for them.
BARS: tuple[Bar, ...] = (
    Bar(
        "small",
        "Small blocks",
        20_000,
        1_000,
        ["--tools", "oomirror", "s5cmd-cp", "rclone", "rclone-server-modtime"],
        [Goal(Figure.RATE, 1.8), Goal(Figure.CPU, 0.6)],
    ),
    Bar("tls", "Small blocks over TLS", 20_000, 1_000, ["--tls"]),
    Bar(
        "delay",
        "Small blocks, 100 ms added to each answer",
        20_000,
        1_000,
        ["--delay-ms=100", "--s5cmd-workers", "256", "512", "1024"],
        [Goal(Figure.RATE, 1.8)],
    ),
    Bar(
        "concurrency",
        "Concurrency that adapts itself, beside fixed ones",
        20_000,
        1_000,
        ["--tools", "oomirror", "--sync-options=", *_EACH_CONCURRENCY],
        [Goal(Figure.RATE, 0.9, against=_FIXED)],
    ),
    Bar(
        "nothing",
        "Nothing to do",
        100_000,
        1_000,
        ["--repeat", "--tools", "oomirror", "s5cmd-sync", "--sync-options=", "--sync-options=--verify-share"],
        [Goal(Figure.RATE, 4.0)],
    ),
    Bar(
        "all",
        "All tools",
        5_000,
        1_000,
        ["--tools", "oomirror", "s5cmd-cp", "s5cmd-sync", "rclone", "rclone-server-modtime", "aws"],
        n_runs=3,
    ),
    Bar(
        "large",
        "Blocks of 135 KB",
        5_000,
        300,
        ["--bytes=135000", *_WITH_AND_WITHOUT],
        [Goal(Figure.RATE, 0.9), Goal(Figure.RATE, 1.3, tool=_TRUSTING)],
    ),
    Bar("large-tls", "Blocks of 135 KB over TLS", 5_000, 300, ["--bytes=135000", "--tls", *_WITH_AND_WITHOUT]),
    Bar(
        "million",
        "Nothing to do among a million",
        1_000_000,
        5_000,
        ["--origin=made-up", "--repeat", "--tools", "oomirror"],
        [Goal(Figure.PEAK_MB, 300)],
        n_runs=3,
    ),
)


def main(arguments: Sequence[str]) -> int:
    """Measure the bars and print them as Markdown; 1 if one could not be measured, whether or not goals are reached."""
    options = _parser().parse_args(arguments)
    comparisons: list[Comparison] = []
    bars = [bar for bar in BARS if bar.name in options.only]
    with Depot() as depot, reports.new_path("md", "bars").open("w") as file:
        for bar in bars:
            text = f"## {bar.title}\n\n"
            try:
                comparison = compare(bar.quick_arguments() if options.quick else bar.arguments(), depot)
            except MirrorError as error:
                text += f"Not measured: {error}\n"
            else:
                comparisons.append(comparison)
                # Of few objects the start is what takes the time: no verdict.
                text += render_bar(comparison, () if options.quick else bar.goals)
            print(text, flush=True)
            print(text, file=file, flush=True)
    reports.keep(comparisons)
    return ExitCode.DONE if len(comparisons) == len(bars) else ExitCode.FAILED


def render_bar(comparison: Comparison, goals: Iterable[Goal]) -> str:
    """Return its table, and a line for each goal."""
    verdicts = [f"- {goal.verdict(comparison)}" for goal in goals]
    return "\n".join([render_comparison(comparison), *([""] if verdicts else []), *verdicts, ""])


def _parser() -> argparse.ArgumentParser:
    names = [bar.name for bar in BARS]
    parser = argparse.ArgumentParser(prog="python -m bench bars", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few objects, one run: shows that it works, not how fast")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="these bars instead of all")
    return parser

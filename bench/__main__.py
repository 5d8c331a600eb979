"""`python -m bench`: `oomirror sync` beside `s5cmd cp`, in turn, several times; medians and ratios."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.blocks import BlockArray
from bench.measure import Measured
from bench.origins import ORIGINS
from bench.table import render_setting, render_table
from bench.tools import OOMIRROR, Oomirror, S5cmd, Tool, run_once
from mirror.errors import MirrorError

TMPFS = Path("/dev/shm")  # noqa: S108  creating a file on a disk here takes 30 times as long


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments say, print a table; 1 if a tool fails or leaves wrong files."""
    options = _parser().parse_args(arguments)
    blocks = BlockArray(options.objects, options.bytes)
    try:
        with ORIGINS[options.origin](blocks) as endpoint_url:
            _compare(options, blocks, endpoint_url)
    except MirrorError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _compare(options: argparse.Namespace, blocks: BlockArray, endpoint_url: str) -> None:
    def run(tool: Tool) -> Measured:
        measured = run_once(tool, endpoint_url, blocks, options.dir)
        print(f"{tool.name}: {measured.seconds:.2f} s, CPU {measured.cpu_seconds:.2f} s", file=sys.stderr)
        return measured

    tries = {n_workers: run(S5cmd("cp", n_workers)) for n_workers in options.s5cmd_workers}
    n_workers = min(tries, key=lambda number: tries[number].seconds)
    copier = S5cmd("cp", n_workers)
    tools: list[Tool] = [*_oomirrors(options), copier]
    if options.s5cmd_sync:
        tools.append(S5cmd("sync", n_workers))
    results: dict[str, list[Measured]] = {tool.name: [] for tool in tools}
    for number in range(options.runs + 1):
        for tool in tools:
            measured = run(tool)
            # The first round fills caches: byte code, the server's and the system's.
            if number:
                results[tool.name].append(measured)
    print(render_setting(blocks, options.origin, options.runs))
    print()
    print(render_table(results, blocks, copier.name))


def _oomirrors(options: argparse.Namespace) -> list[Tool]:
    extra = shlex.split(options.sync_options)
    ours = Oomirror(options=extra)
    if not options.oomirror:
        return [ours]
    return [Oomirror(f"oomirror sync: {command}", shlex.split(command), extra) for command in options.oomirror]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000, help="number of blocks (10000)")
    parser.add_argument("--bytes", type=int, default=300, help="size of each block (300)")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each tool (5)")
    parser.add_argument("--origin", choices=sorted(ORIGINS), default="seaweedfs", help="the server (seaweedfs)")
    parser.add_argument(
        "--dir", type=Path, default=TMPFS, help=f"where mirrors are made ({TMPFS}: no disk is measured)"
    )
    parser.add_argument("--s5cmd-workers", type=int, nargs="+", default=[16, 32, 64, 256], help="tried; best is kept")
    parser.add_argument("--s5cmd-sync", action="store_true", help="put `s5cmd sync` beside them, too")
    parser.add_argument("--sync-options", default="", help="more options of `oomirror sync`, as '--checksum size'")
    parser.add_argument(
        "--oomirror",
        action="append",
        metavar="COMMAND",
        help=f"run this instead of {shlex.join(OOMIRROR)}; given twice, two versions are put side by side",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""The tools side by side on the same objects: in turn, several times; medians and ratios."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import tools
from bench.measure import Measured
from bench.mirrors import FirstMirrors, RepeatedMirrors, Runner
from bench.objects import Objects
from bench.origins import Depot, Origin, Server, Setting, serve
from bench.results import Comparison
from bench.tools import OOMIRROR, Oomirror, Rival, Tool
from bench.wrk import find_wrk, requests_per_second
from mirror.errors import UsageError

TMPFS = Path("/dev/shm")  # noqa: S108  creating a file on a disk takes up to 30 times as long
OTHERS: Mapping[str, Callable[[], Rival]] = {
    "rclone": tools.rclone,
    "rclone-server-modtime": lambda: tools.rclone("--use-server-modtime"),
    "aws": tools.aws,
}
TOOLS = ("oomirror", "s5cmd-cp", "s5cmd-sync", *OTHERS)
_WRK_CONNECTIONS = 64
"""Without delay; more of them change nothing."""


def compare(arguments: Sequence[str], depot: Depot) -> Comparison:
    """Return what the tools took that the arguments of `python -m bench` ask for.

    Raises
    ------
    MirrorError
        A tool failed or left wrong files. One that is not installed is left out, with a sentence on stderr.
    """
    options = parser().parse_args(arguments)
    setting = setting_of(options)
    objects = setting.objects(options.objects, options.bytes)
    load = os.getloadavg()[0]
    with serve(setting, objects, depot) as origin, _runner(options, origin, objects) as runner:
        chosen = _chosen(options, _Spoken(runner))
        wrk_per_second, runs, n_missed_lists = _rounds(options, origin, objects, _Spoken(runner), chosen)
    return Comparison(
        command=shlex.join(["python", "-m", "bench", *arguments]),
        setting=_sentence(options, setting, objects, chosen, load),
        n_objects=objects.n_objects,
        n_bytes=objects.n_bytes,
        runs=runs,
        baseline=next((tool.name for tool in chosen if tool.name.startswith("s5cmd")), chosen[0].name),
        wrk_per_second=wrk_per_second,
        n_missed_lists=n_missed_lists,
    )


class _Spoken:
    """A runner that says on stderr what it has done."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def run(self, tool: Tool) -> Measured:
        measured = self._runner.run(tool)
        print(f"{tool.name}: {measured.seconds:.2f} s, CPU {measured.cpu_seconds:.2f} s", file=sys.stderr)
        return measured


@contextmanager
def _runner(options: argparse.Namespace, origin: Origin, objects: Objects) -> Iterator[Runner]:
    if not options.repeat:
        yield FirstMirrors(origin, objects, options.dir)
        return
    with RepeatedMirrors(origin, objects, options.dir) as runner:
        yield runner


def _rounds(
    options: argparse.Namespace, origin: Origin, objects: Objects, runner: Runner, chosen: Sequence[Tool]
) -> tuple[list[float], dict[str, list[Measured]], int]:
    """Let each tool run in turn; return wrk's rates, the tools' figures, and how many LISTs nginx had not kept."""
    ask_wrk = _wrk(options, origin, objects)
    wrk_per_second: list[float] = []
    runs: dict[str, list[Measured]] = {tool.name: [] for tool in chosen}
    # A round that does not count fills caches: byte code, the server's and the system's.
    for tool in chosen:
        runner.run(tool)
    _n_missed(origin)
    for _ in range(options.runs):
        wrk_per_second += ask_wrk()
        for tool in chosen:
            runs[tool.name].append(runner.run(tool))
    return wrk_per_second, runs, _n_missed(origin)


def _n_missed(origin: Origin) -> int:
    return origin.lists.n_missed() if origin.lists else 0


def _wrk(options: argparse.Namespace, origin: Origin, objects: Objects) -> Callable[[], list[float]]:
    """Return what asks wrk once; it returns no figure where wrk is missing or tells nothing, as of a repeated sync."""
    if options.repeat or not options.wrk_seconds:
        return list
    try:
        program = find_wrk()
    except UsageError as error:
        _leave_out(error)
        return list
    # Under a delay the rate of wrk is connections / delay: as many as the busiest tool here opens.
    connections = max(_WRK_CONNECTIONS, *options.s5cmd_workers) if options.delay_ms else _WRK_CONNECTIONS
    return lambda: [requests_per_second(program, origin, objects, connections=connections, seconds=options.wrk_seconds)]


def _chosen(options: argparse.Namespace, runner: Runner) -> list[Tool]:
    """Return the tools that are asked for and installed, oomirror first.

    Raises
    ------
    UsageError
        None is.
    """
    wanted = frozenset(options.tools)
    chosen: list[Tool] = [*_oomirrors(options)] if "oomirror" in wanted else []
    verbs = [name.removeprefix("s5cmd-") for name in TOOLS if name in wanted and name.startswith("s5cmd")]
    if verbs:
        chosen += _installed(lambda: _s5cmds(verbs, options.s5cmd_workers, runner))
    for name, make in OTHERS.items():
        if name in wanted:
            chosen += _installed(lambda make=make: [make()])  # type: ignore[misc]  # mypy takes no default in a lambda
    if not chosen:
        raise UsageError("nothing to compare", found="none of the tools is installed")
    return chosen


def _installed(make: Callable[[], Sequence[Rival]]) -> Sequence[Rival]:
    try:
        return make()
    except UsageError as error:
        _leave_out(error)
        return ()


def _leave_out(error: UsageError) -> None:
    print(f"Left out: {error}", file=sys.stderr)


def _oomirrors(options: argparse.Namespace) -> Iterator[Oomirror]:
    for command in options.oomirror or [shlex.join(OOMIRROR)]:
        for extra in options.sync_options or [""]:
            yield Oomirror(tuple(shlex.split(extra)), tuple(shlex.split(command)))


def _s5cmds(verbs: Sequence[str], workers: Sequence[int], runner: Runner) -> list[Rival]:
    """Return s5cmd with each verb and the number of workers that was fastest with the first one."""
    best = workers[0]
    if len(workers) > 1:
        # The first run of all meets a server that has read no file yet.
        runner.run(tools.s5cmd(verbs[0], workers[0]))
        seconds = {number: runner.run(tools.s5cmd(verbs[0], number)).seconds for number in workers}
        best = min(seconds, key=lambda number: seconds[number])
    return [tools.s5cmd(verb, best) for verb in verbs]


def _sentence(
    options: argparse.Namespace, setting: Setting, objects: Objects, chosen: Sequence[Tool], load: float
) -> str:
    """Return what is measured, when and where."""
    versions = dict.fromkeys([*(tool.version for tool in chosen), f"obstore {version('obstore')}"])
    what = "nothing to do, the mirror is there" if options.repeat else "first mirror"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {what}; {objects}, from "
        f"{setting} on loopback, to {os.cpu_count()} cores shared with it (load {load:.1f} before); "
        f"Python {platform.python_version()}, {', '.join(versions)}; "
        f"medians of {options.runs} alternating runs, whole processes."
    )


def parser() -> argparse.ArgumentParser:
    """Return the parser of `python -m bench`."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog="`python -m bench bars` measures all that is claimed; `python -m bench profile` looks into one run.",
    )
    add_origin(parser)
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each tool (5)")
    parser.add_argument("--repeat", action="store_true", help="measure runs that find a whole mirror: nothing to do")
    parser.add_argument("--wrk-seconds", type=int, default=2, help="how long wrk asks in each round; 0: not (2)")
    _add_tools(parser)
    return parser


def setting_of(options: argparse.Namespace) -> Setting:
    """Return the server that the options of `add_origin` ask for."""
    return Setting(options.origin, options.delay_ms, options.tls, keeps_lists=not options.no_list_cache)


def add_origin(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which objects are mirrored, from where and whereto."""
    parser.add_argument("--objects", type=int, default=10_000, help="number of blocks (10000)")
    parser.add_argument("--bytes", type=int, default=300, help="size of each block (300)")
    parser.add_argument(
        "--dir", type=Path, default=TMPFS, help=f"where mirrors are made ({TMPFS}: no disk is measured)"
    )
    group = parser.add_argument_group("the server")
    group.add_argument(
        "--origin",
        type=Server,
        choices=[*Server],
        default=Server.NGINX,
        help="nginx before SeaweedFS; SeaweedFS; or blocks of 80 to 335 B, made up when they are asked for (nginx)",
    )
    group.add_argument("--delay-ms", type=int, default=0, help="wait before each answer, LIST too (0)")
    group.add_argument("--tls", action="store_true", help="HTTPS, with a certificate made for the occasion")
    group.add_argument(
        "--no-list-cache", action="store_true", help="ask SeaweedFS for every LIST, instead of nginx that kept it"
    )


def _add_tools(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the tools")
    group.add_argument("--tools", nargs="+", choices=TOOLS, default=["oomirror", "s5cmd-cp"], help="put side by side")
    group.add_argument(
        "--s5cmd-workers", type=int, nargs="+", default=[16, 32, 64, 256], help="tried first; the fastest is kept"
    )
    group.add_argument(
        "--sync-options",
        action="append",
        metavar="OPTIONS",
        help="of `oomirror sync`, as --sync-options='--checksum size'; given again, each is a tool of its own",
    )
    group.add_argument(
        "--oomirror",
        action="append",
        metavar="COMMAND",
        help="run this instead of this checkout's, as --oomirror='env -u PYTHONPATH /elsewhere/.venv/bin/oomirror'; "
        "given again, each is a tool of its own",
    )

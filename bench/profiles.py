"""`python -m bench profile`: one first mirror by `oomirror sync` under a profiler: where the time of an object goes."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import reports
from bench.compare import add_origin, setting_of
from bench.origins import Depot, serve
from bench.tools import OOMIRROR, Oomirror, Turn
from mirror.errors import UsageError


@dataclass(frozen=True, slots=True)
class Profiler:
    """A program that runs another one and writes what it saw to a file."""

    program: str
    arguments: Sequence[str]
    """With `{file}` in them."""
    suffix: str
    hint: str
    """How the file is read."""
    package: str
    """How the program is installed."""


PROFILERS: Mapping[str, Profiler] = {
    "py-spy": Profiler(
        "py-spy",
        ["record", "--native", "--subprocesses", "--threads", "--rate=500", "--output={file}", "--"],
        "svg",
        "open it in a browser: Python's functions and those of C below them, by thread",
        "pip install py-spy",
    ),
    "perf": Profiler(
        "perf",
        ["record", "-F", "999", "-g", "-o", "{file}", "--"],
        "data",
        "perf report --no-children -i {file}: the kernel's functions too; Python's only from Python 3.12 on",
        "Debian: apt-get install linux-perf",
    ),
    "perf-stat": Profiler(
        "perf",
        ["stat", "-e", "task-clock,context-switches,cpu-migrations,page-faults", "-o", "{file}", "--"],
        "txt",
        "read it: context switches above two or three an object say that threads wait for each other",
        "Debian: apt-get install linux-perf",
    ),
    "strace": Profiler(
        "strace",
        ["-f", "-c", "-o", "{file}"],
        "txt",
        "read it: calls / objects is what one object costs; the seconds are not to be believed, strace slows each call",
        "Debian: apt-get install strace",
    ),
}


def main(arguments: Sequence[str]) -> int:
    """Run it as the arguments say and print where the profile lies."""
    options = _parser().parse_args(arguments)
    profiler = PROFILERS[options.profiler]
    path = reports.new_path(profiler.suffix, options.profiler)
    wrapper = [str(_find(profiler)), *(argument.format(file=path) for argument in profiler.arguments)]
    setting = setting_of(options)
    objects = setting.objects(options.objects, options.bytes)
    with (
        Depot() as depot,
        serve(setting, objects, depot) as origin,
        tempfile.TemporaryDirectory(prefix="oomirror-bench-", dir=options.dir) as name,
    ):
        Oomirror().prepare(origin, Path(name))
        profiled = Oomirror(tuple(shlex.split(options.sync_options)), (*wrapper, *OOMIRROR))
        measured = profiled.run(Turn.FIRST, origin, objects, Path(name))
    print(f"{measured.seconds:.2f} s, CPU {measured.cpu_seconds:.2f} s, slowed by {options.profiler}", file=sys.stderr)
    print(f"{path}\n{profiler.hint.format(file=path)}")
    return 0


def _find(profiler: Profiler) -> Path:
    own = Path(sysconfig.get_path("scripts")) / profiler.program
    found = str(own) if own.is_file() else shutil.which(profiler.program)
    if found is None:
        raise UsageError("cannot profile", profiler.program, found="no such program", hint=profiler.package)
    return Path(found)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench profile", description=__doc__)
    add_origin(parser)
    parser.add_argument("--profiler", choices=sorted(PROFILERS), default="py-spy", help="which (py-spy)")
    parser.add_argument("--sync-options", default="", metavar="OPTIONS", help="of `oomirror sync`")
    return parser

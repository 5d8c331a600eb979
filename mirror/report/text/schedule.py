"""What is in the crontab, as text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol


class _Line(Protocol):
    @property
    def line(self) -> str: ...
    @property
    def next_times(self) -> tuple[datetime, ...]: ...


class _Scheduled(_Line, Protocol):
    @property
    def fault(self) -> str: ...


class _Installed(_Line, Protocol):
    @property
    def before(self) -> tuple[str, ...]: ...
    @property
    def is_change(self) -> bool: ...


def render_installed(installed: _Installed, log: Path) -> str:
    """Return what was done."""
    what = "cron has it already" if not installed.is_change else "cron will refresh from now on"
    lines = [f"{what[:1].upper()}{what[1:]}; next {_times(installed)}.", f"  {installed.line}"]
    if installed.is_change and installed.before:
        lines += ["In the place of:", *(f"  {line}" for line in installed.before)]
    return "\n".join([*lines, f"Log: {log}. `oomirror schedule remove` takes it out again."])


def render_shown(jobs: Sequence[_Scheduled]) -> str:
    """Return our lines, and when they run next; of what somebody spoiled what is wrong, and what to do."""
    if not jobs:
        return 'Nothing is scheduled. `oomirror schedule install "0 3 * * *"` lets cron refresh every night at three.'
    return "\n".join(f"{_word(job)}\n  {job.line}" for job in jobs)


def _word(job: _Scheduled) -> str:
    if not job.fault:
        return f"Next {_times(job)}."
    install = "`oomirror schedule install` puts one line in the place of all of ours"
    return f"Cron cannot run this one: {job.fault}\n{install}; `oomirror schedule remove` takes them out."


def render_removed(lines: Sequence[str]) -> str:
    """Return what was taken out."""
    if not lines:
        return "Nothing was scheduled."
    return "\n".join(["Taken out of the crontab:", *(f"  {line}" for line in lines)])


def _times(installed: _Line) -> str:
    if not installed.next_times:
        return "at the start of the machine"
    return ", ".join(one.strftime("%a %Y-%m-%d %H:%M") for one in installed.next_times)

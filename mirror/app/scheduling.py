"""`oomirror schedule`: a job that refreshes, in the user's crontab."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import mirror
from mirror.app.refresh.entries import entries_of
from mirror.config import find_config, load_settings
from mirror.errors import ConfigError, UsageError
from mirror.schedule import Crontab, Environment, Expression, Job, environment_of, own_lines, with_line, without_line
from mirror.schedule.job import expression_of

N_NEXT = 3
"""Times that are shown."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A job that may be installed."""

    job: Job
    log: Path
    notes: tuple[str, ...]
    """Sentences on what of this shell the job will not have."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What was in the crontab before, and what is there now."""

    before: tuple[str, ...]
    line: str
    next_times: tuple[datetime, ...]

    @property
    def is_change(self) -> bool:
        """Whether the crontab had to be written."""
        return self.before != (self.line,)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A line of ours in the crontab."""

    line: str
    next_times: tuple[datetime, ...] = ()
    fault: str = ""
    """What is wrong with it; else cron runs it."""

    @classmethod
    def of_line(cls, line: str, now: datetime) -> Scheduled:
        """Return what is to be said of a line, also of one that somebody edited."""
        try:
            return cls(line, expression_of(line).next_times(now, N_NEXT))
        except UsageError as error:
            return cls(line, fault=str(error))


def plan_job(
    expression: str, *, config: Path | None = None, log: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Planned:
    """Return the job that refreshes at these times.

    Parameters
    ----------
    log
        Where the job logs; None is a file in the user's folder for logs.

    Raises
    ------
    UsageError
        Not a cron expression, or the job would need a secret in the crontab.
    ConfigError
        There is no configuration, or it has no `[[mirrors]]`.
    """
    when = Expression.parse(expression)
    file = find_config(config)
    if file is None:
        raise ConfigError(
            "there is nothing to refresh", "no configuration", hint="`oomirror init` writes one; add [[mirrors]] to it."
        )
    entries_of(load_settings(config))
    place = _absolute(log) if log else _default_log()
    if place.is_dir():
        raise UsageError("a folder cannot be a log", str(place), hint="Name a file in it: --log FILE.")
    environment = _environment(environ)
    words = (*program(), "refresh", "--config", str(file.absolute()), "--quiet", "--log", str(place))
    return Planned(Job(when, words, environment.variables), place, environment.notes)


def install(planned: Planned, crontab: Crontab, *, now: datetime) -> Installed:
    """Put the job into the crontab, in the place of the one that is there; once more, it changes nothing.

    The folder of its log is made.

    Raises
    ------
    NoCrontabError
        There is no cron here, or it refuses the line.
    UsageError
        The folder of its log cannot be made.
    """
    text, line = crontab.read(), planned.job.line()
    installed = Installed(own_lines(text), line, planned.job.expression.next_times(now, N_NEXT))
    try:
        planned.log.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError("cannot make the folder of the log", str(planned.log), found=str(error.strerror)) from error
    if installed.is_change:
        crontab.write(with_line(text, line))
    return installed


def show(crontab: Crontab, *, now: datetime) -> tuple[Scheduled, ...]:
    """Return the lines in the crontab that are ours. Raises NoCrontabError."""
    return tuple(Scheduled.of_line(line, now) for line in own_lines(crontab.read()))


def remove(crontab: Crontab) -> tuple[str, ...]:
    """Take our lines out of the crontab, and return them. Raises NoCrontabError."""
    text = crontab.read()
    lines = own_lines(text)
    if lines:
        crontab.write(without_line(text))
    return lines


def program() -> tuple[str, ...]:
    """Return the words that run oomirror from anywhere: its script beside this Python, else the module.

    `-P` keeps Python from looking into the folder that cron happens to be in.
    """
    script = Path(sys.executable).with_name("oomirror")
    return (str(script),) if os.access(script, os.X_OK) else (sys.executable, "-P", "-m", "oomirror")


def _environment(environ: Mapping[str, str]) -> Environment:
    # A checkout that is found by PYTHONPATH alone is not found without it.
    path = environ.get("PYTHONPATH", "")
    root = str(Path(mirror.__file__).parent.parent)
    is_needed = root in map(os.path.abspath, filter(None, path.split(os.pathsep)))
    return environment_of(environ, python_path=path if is_needed else "")


def _default_log() -> Path:
    from platformdirs import user_log_path

    return user_log_path("oomirror", appauthor=False) / "refresh.log"


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()

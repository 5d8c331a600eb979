"""`oomirror schedule install`, and what it would install."""

from __future__ import annotations

from pathlib import Path

from mirror.cli import options as common
from mirror.cli.output import put_result, put_words
from mirror.cli.schedule.options import EVERY_NIGHT, Expression, LogFile, Print


def install(
    expression: Expression = EVERY_NIGHT,
    *,
    log: LogFile = None,
    print_only: Print = False,
    config: common.Config = None,
    verbose: common.Traceback = False,  # noqa: ARG001  read where faults are told
) -> int:
    """Let cron run `oomirror refresh`: one line in your crontab, in the place of the one before; no other is touched.

    The line has absolute paths and those of this shell's variables that the job needs; a secret is refused.
    """
    from datetime import datetime

    from mirror.app import scheduling
    from mirror.report.text.schedule import render_installed
    from mirror.schedule import Crontab

    if print_only:
        return print_units(expression, config=config, log=log)
    planned = scheduling.plan_job(expression, config=config, log=log)
    # Cron goes by the clock on the wall.
    installed = scheduling.install(planned, Crontab(), now=datetime.now().astimezone())
    put_result(render_installed(installed, planned.log))
    for note in planned.notes:
        put_words(note)
    return 0


def print_units(expression: str = EVERY_NIGHT, *, config: Path | None = None, log: Path | None = None) -> int:
    """Print what would be installed, as a line of a crontab and as systemd's units; touch nothing."""
    from mirror.app import scheduling
    from mirror.schedule import units_text

    planned = scheduling.plan_job(expression, config=config, log=log)
    put_result(units_text(planned.job))
    for note in planned.notes:
        put_words(note)
    return 0

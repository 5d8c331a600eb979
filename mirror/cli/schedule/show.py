"""`oomirror schedule show`."""

from __future__ import annotations

from mirror.cli import options as common
from mirror.cli.output import put_result


def show(verbose: common.Traceback = False) -> int:  # noqa: ARG001  read where faults are told
    """Show our line in your crontab, and when it runs next.

    The exit code is 3 where there is one that cron cannot run.
    """
    from datetime import datetime

    from mirror.app import scheduling
    from mirror.errors import ExitCode
    from mirror.report.text.schedule import render_shown
    from mirror.schedule import Crontab

    lines = scheduling.show(Crontab(), now=datetime.now().astimezone())
    put_result(render_shown(lines))
    return ExitCode.DIFFERENCES if any(line.fault for line in lines) else ExitCode.DONE

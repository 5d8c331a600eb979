"""`oomirror schedule remove`."""

from __future__ import annotations

from mirror.cli import options as common
from mirror.cli.output import put_result


def remove(verbose: common.Traceback = False) -> int:  # noqa: ARG001  read where faults are told
    """Take our line out of your crontab; no other is touched, and no log."""
    from mirror.app import scheduling
    from mirror.report.text.schedule import render_removed
    from mirror.schedule import Crontab

    put_result(render_removed(scheduling.remove(Crontab())))
    return 0

"""The same job for systemd: a service and a timer, to be looked at and put where they belong."""

from __future__ import annotations

import re

from mirror.schedule.job import Job

NAME = "oomirror-refresh"
_PLAIN_WORD = re.compile(r"[\w@+=:,./-]+", re.ASCII)


def units_text(job: Job) -> str:
    """Return service, timer and crontab line of a job, each below a comment that says where it belongs."""
    variables = [f"Environment={_quoted(f'{name}={value}')}" for name, value in job.variables.items()]
    service = [
        f"# ~/.config/systemd/user/{NAME}.service, or /etc/systemd/system/{NAME}.service with a User=",
        "[Unit]",
        "Description=Brings the mirrors of OpenOrganelle datasets up to date",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=oneshot",
        *variables,
        f"ExecStart={' '.join(map(_quoted, job.words))}",
        "# Another refresh at work is no failure.",
        "SuccessExitStatus=6",
    ]
    timer = [
        f"# {NAME}.timer beside it; then: systemctl --user enable --now {NAME}.timer",
        "[Unit]",
        "Description=When the mirrors of OpenOrganelle datasets are brought up to date",
        "",
        "[Timer]",
        *_moments(job),
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    crontab = ["# or, as a line of a crontab:", job.line()]
    return "\n\n".join("\n".join(part) for part in (service, timer, crontab))


def _moments(job: Job) -> list[str]:
    if job.expression.is_at_start:
        return ["OnBootSec=1min"]
    return [f"OnCalendar={moment}" for moment in job.expression.on_calendar()]


def _quoted(word: str) -> str:
    """Return a word as systemd reads it: `%` and `$` would mean something."""
    escaped = word.replace("%", "%%").replace("$", "$$")
    if _PLAIN_WORD.fullmatch(escaped):
        return escaped
    return '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'

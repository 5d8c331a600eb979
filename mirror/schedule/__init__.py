"""When a refresh is run: cron's expressions, our line in a crontab, and systemd's units."""

from mirror.schedule.crontab import own_lines, with_line, without_line
from mirror.schedule.environment import Environment, environment_of
from mirror.schedule.expression import Expression
from mirror.schedule.job import Job
from mirror.schedule.program import Crontab
from mirror.schedule.units import units_text

__all__ = [
    "Crontab",
    "Environment",
    "Expression",
    "Job",
    "environment_of",
    "own_lines",
    "units_text",
    "with_line",
    "without_line",
]

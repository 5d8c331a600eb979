"""One job: what is run, with what in its environment; as a line of a crontab."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from mirror.errors import UsageError
from mirror.schedule.crontab import MARK
from mirror.schedule.expression import Expression

MAX_COMMAND = 990
"""Of Debian's cron, less some: it drops what is longer with a word in the system's log."""
_UNWRITABLE = re.compile(r"[\x00\n\r]")
_PARTS = re.compile(r"\s*(@\w+|\S+(?:\s+\S+){4})\s+(.*)")


@dataclass(frozen=True, slots=True)
class Job:
    """What runs when."""

    expression: Expression
    words: tuple[str, ...]
    """Program and arguments; all paths absolute, for cron's PATH is short and its folder another."""
    variables: Mapping[str, str]

    def line(self) -> str:
        r"""Return the job as a line of a crontab, with our mark.

        Raises
        ------
        UsageError
            It is longer than cron takes, or has a line break.

        >>> Job(Expression.parse("0 3 * * *"), ("/bin/oomirror", "refresh", "--log", "/a b"), {"X": "50%"}).line()
        "0 3 * * * /usr/bin/env X=50\\% /bin/oomirror refresh --log '/a b' # oomirror-schedule"
        """
        # env, and not the shell's own way: SHELL in a crontab may be one that has another.
        given = [f"{name}={value}" for name, value in self.variables.items()]
        words = [*(["/usr/bin/env", *given] if given else []), *self.words]
        if broken := next((word for word in words if _UNWRITABLE.search(word)), None):
            raise UsageError("a line break cannot stand in a crontab", repr(broken))
        # To cron a % is the end of the command.
        command = f"{shlex.join(words)} {MARK}".replace("%", "\\%")
        if len(command.encode("utf-8", "surrogateescape")) > MAX_COMMAND:
            raise UsageError(
                "the line is longer than cron takes",
                f"{len(command)} characters",
                expected=f"at most {MAX_COMMAND}",
                hint="Put what OOMIRROR_ variables hold into the configuration file.",
            )
        return f"{self.expression.text} {command}"


def expression_of(line: str) -> Expression:
    """Return when a line of a crontab runs.

    Raises
    ------
    UsageError
        It is no line of a job.
    """
    match = _PARTS.fullmatch(line)
    if match is None:
        raise UsageError("not a line of a crontab", line)
    return Expression.parse(match[1])

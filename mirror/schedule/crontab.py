"""The text of a crontab: our line in it, and all others left as they are, byte for byte.

python-crontab reads and writes whole crontabs, too, and would lay out anew what it reads: blanks, comments, variables.
"""

from __future__ import annotations

MARK = "# oomirror-schedule"
"""Ends our line. To cron it is part of the command, to the shell a comment."""


def own_lines(text: str) -> tuple[str, ...]:
    """Return our lines, of which there should be one. One that was commented out is no longer ours."""
    return tuple(line for line in text.split("\n") if _is_ours(line))


def with_line(text: str, line: str) -> str:
    r"""Return the crontab with our line: in the place of the one that is there, else at its end.

    >>> with_line("MAILTO=lab\n", "0 3 * * * true # oomirror-schedule")
    'MAILTO=lab\n0 3 * * * true # oomirror-schedule\n'
    """
    lines = text.split("\n")
    first = next((number for number, one in enumerate(lines) if _is_ours(one)), None)
    if first is None:
        return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
    others = [one for one in lines[first + 1 :] if not _is_ours(one)]
    return "\n".join([*lines[:first], line, *others])


def without_line(text: str) -> str:
    r"""Return the crontab without our line.

    >>> without_line("MAILTO=lab\n0 3 * * * true # oomirror-schedule\n")
    'MAILTO=lab\n'
    """
    return "\n".join(one for one in text.split("\n") if not _is_ours(one))


def _is_ours(line: str) -> bool:
    return line.rstrip().endswith(MARK) and not line.lstrip().startswith("#")

"""Spans of time as users write them."""

from __future__ import annotations

import re

from mirror.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def parse_duration(text: str | None, option: str) -> float | None:
    """Return the seconds that the text spells, None for None.

    Raises
    ------
    UsageError
        It spells none; `option` is named.

    >>> parse_duration("1h30m", "--max-duration")
    5400.0
    """
    if text is None:
        return None
    spelled = text.strip().lower()
    if not _SPAN.fullmatch(spelled):
        raise UsageError("not a span of time", option, expected="as 90s, 10m, 2h, 1h30m or 7d", found=repr(text))
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(spelled))

"""Spans of time, rates, timetables of rates and limits, as users write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mirror.errors import UsageError
from mirror.objects import Tally

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)(i?)(B|bit)/s")
_SPELLED_RATE = "as 200MB/s, 50MiB/s or 400Mbit/s"
_ENTRY = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s+(.+)")
_SPELLED_TIMETABLE = 'a rate, or a timetable as "08:00-18:00 50MB/s, else off"'
_DAY_MINUTES = 24 * 60


def parse_duration(text: str, thing: str = "") -> float:
    """Return the seconds that the text spells.

    Raises
    ------
    UsageError
        It spells none; `thing`, an option, is named.

    >>> parse_duration("1h30m", "--max-duration")
    5400.0
    """
    spelled = text.strip().lower()
    if not _SPAN.fullmatch(spelled):
        raise UsageError("not a span of time", thing, expected="as 90s, 10m, 2h, 1h30m or 7d", found=repr(text))
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(spelled))


def parse_rate(text: str, thing: str = "") -> float:
    """Return the bytes a second that the text spells; k, M and G are powers of 1000, Ki, Mi and Gi of 1024.

    Raises
    ------
    UsageError
        It spells none, or nothing at all would come through.

    >>> parse_rate("200MB/s"), parse_rate("1 MiB/s"), parse_rate("400Mbit/s")
    (200000000.0, 1048576.0, 50000000.0)
    """
    match = _RATE.fullmatch(text.strip())
    if match is None or not float(match[1]):
        raise UsageError("not a rate", thing, expected=_SPELLED_RATE, found=repr(text))
    base = 1024 if match[3] else 1000
    rate = float(match[1]) * base ** "kmg".find(match[2].lower()) * base if match[2] else float(match[1])
    return rate / 8 if match[4] == "bit" else rate


@dataclass(frozen=True, slots=True)
class Hours:
    """A rate for some hours of each day."""

    start: int
    """Minute of the day, 0 to 1439."""
    stop: int
    """Minute of the day, exclusive, 0 to 1440; not after `start` where the hours go past midnight."""
    bytes_per_second: float | None
    """None is no limit."""

    def has(self, minute: int) -> bool:
        """Return whether a minute of the day is one of them."""
        if self.start < self.stop:
            return self.start <= minute < self.stop
        return minute >= self.start or minute < self.stop


@dataclass(frozen=True, slots=True)
class Timetable:
    """Rates by the clock on the wall, in local time: the first entry that has the minute counts.

    A clock that is set forward or back changes the rate when it does: nothing is remembered.
    """

    hours: tuple[Hours, ...] = ()
    otherwise: float | None = None
    """Bytes a second at all other times; None is no limit."""

    def bytes_per_second(self, minute: int) -> float | None:
        """Return the rate at a minute of the day, 0 to 1439; None is no limit."""
        return next((one.bytes_per_second for one in self.hours if one.has(minute)), self.otherwise)

    @property
    def is_limit(self) -> bool:
        """Whether there is a limit at any time."""
        return self.otherwise is not None or any(one.bytes_per_second is not None for one in self.hours)


def parse_timetable(text: str, thing: str = "") -> Timetable:
    """Return the timetable that the text spells: empty, a rate, or entries of hours and rates, `off` for no limit.

    Raises
    ------
    UsageError
        It spells none.

    >>> table = parse_timetable("08:00-18:00 50MB/s, 22:00-02:00 off, else 100MB/s")
    >>> [table.bytes_per_second(60 * hour) for hour in (7, 8, 18, 23, 1)]
    [100000000.0, 50000000.0, 100000000.0, None, None]
    """
    entries = [entry.strip() for entry in text.split(",")]
    if entries == [""]:
        return Timetable()
    hours: list[Hours] = []
    otherwise: float | None = None
    for number, entry in enumerate(entries):
        is_last = number == len(entries) - 1
        if match := _ENTRY.fullmatch(entry):
            start, stop = _minute(match[1], match[2], text, thing), _minute(match[3], match[4], text, thing)
            if start % _DAY_MINUTES == stop % _DAY_MINUTES and (start, stop) != (0, _DAY_MINUTES):
                raise UsageError("hours without a minute", thing, expected=_SPELLED_TIMETABLE, found=repr(entry))
            hours.append(Hours(start % _DAY_MINUTES, stop, _rate_or_off(match[5], thing)))
        elif is_last and (entry.lower().startswith("else ") or len(entries) == 1):
            otherwise = _rate_or_off(entry[5:] if entry.lower().startswith("else ") else entry, thing)
        else:
            raise UsageError("not a timetable", thing, expected=_SPELLED_TIMETABLE, found=repr(entry))
    return Timetable(tuple(hours), otherwise)


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)(i?)B")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_SPELLED_BUDGET = "a time, bytes, or a share of all, as 2h, 500GB or 10%"


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may be spent on a piece of work: one of the three."""

    seconds: float | None = None
    n_bytes: int | None = None
    share: float | None = None
    """Of all bytes, 0 to 1."""


def parse_bytes(text: str, thing: str = "") -> int:
    """Return the bytes that the text spells; k, M, G and T are powers of 1000, Ki, Mi, Gi and Ti of 1024.

    Raises
    ------
    UsageError
        It spells none.

    >>> parse_bytes("500GB"), parse_bytes("1.5 MiB")
    (500000000000, 1572864)
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError("not a number of bytes", thing, expected="as 500GB or 2TiB", found=repr(text))
    power = "kmgt".find(match[2].lower()) + 1 if match[2] else 0
    return int(float(match[1]) * (1024 if match[3] else 1000) ** power)


def parse_budget(text: str, thing: str = "") -> Budget:
    """Return the budget that the text spells.

    Raises
    ------
    UsageError
        It spells none, or nothing at all could be done with it.

    >>> parse_budget("2h").seconds, parse_budget("500GB").n_bytes, parse_budget("10%").share
    (7200.0, 500000000000, 0.1)
    """
    spelled = text.strip()
    if match := _SHARE.fullmatch(spelled):
        budget = Budget(share=float(match[1]) / 100)
    elif _SIZE.fullmatch(spelled):
        budget = Budget(n_bytes=parse_bytes(spelled, thing))
    elif _SPAN.fullmatch(spelled.lower()):
        budget = Budget(seconds=parse_duration(spelled, thing))
    else:
        raise UsageError("not a budget", thing, expected=_SPELLED_BUDGET, found=repr(text))
    if not (budget.seconds or budget.n_bytes or budget.share) or (budget.share or 0) > 1:
        raise UsageError("not a budget", thing, expected=f"more than nothing: {_SPELLED_BUDGET}", found=repr(text))
    return budget


def _rate_or_off(text: str, thing: str) -> float | None:
    return None if text.strip().lower() == "off" else parse_rate(text, thing)


def _minute(hour: str, minute: str, text: str, thing: str) -> int:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) >= 60 or minutes > _DAY_MINUTES:
        raise UsageError("not a time of day", thing, expected="00:00 to 24:00", found=repr(text))
    return minutes


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of a whole: so many objects, or so many parts of a hundred of its objects and of its bytes."""

    objects: int | None = None
    percent: float | None = None
    """Where `objects` is None."""

    def allows(self, some: Tally, whole: Tally) -> bool:
        """Return whether some of a whole is not above the limit; exactly the limit is allowed.

        >>> Limit(percent=10).allows(Tally(10, 0), Tally(100, 0)), Limit(percent=10).allows(Tally(11, 0), Tally(100, 0))
        (True, False)
        """
        if self.objects is not None:
            return some.objects <= self.objects
        percent = self.percent or 0.0
        return some.objects * 100 <= whole.objects * percent and some.bytes * 100 <= whole.bytes * percent

    def __str__(self) -> str:
        if self.objects is not None:
            return f"{self.objects} objects"
        return f"{self.percent or 0:g} % of the mirrored objects, and of their bytes"


_LIMIT = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def parse_limit(text: str, thing: str = "") -> Limit:
    """Return the limit that the text spells: a number of objects, or a percentage.

    Raises
    ------
    UsageError
        It spells none.

    >>> parse_limit("500"), parse_limit("2.5%")
    (Limit(objects=500, percent=None), Limit(objects=None, percent=2.5))
    """
    spelled = text.strip()
    if spelled.isascii() and spelled.isdecimal():
        return Limit(objects=int(spelled))
    match = _LIMIT.fullmatch(spelled)
    if match is None or float(match[1]) > 100:
        raise UsageError("not a limit", thing, expected="a number of objects, or a percentage as 25%", found=repr(text))
    return Limit(percent=float(match[1]))

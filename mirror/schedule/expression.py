"""A cron expression: when it comes next, and what systemd calls it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Self

from mirror.errors import UsageError

REBOOT = "@reboot"
_WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_NAMES = ("minute", "hour", "day of the month", "month", "day of the week")
_VALUES = (range(60), range(24), range(1, 32), range(1, 13), range(7))
# As Debian's cron has it: a step follows `*` or a range. What else the library takes, cron would refuse or misread.
_ITEM = r"(?:\*|\w+-\w+)(?:/\d+)?|\w+"
_FIELD = re.compile(rf"(?:{_ITEM})(?:,(?:{_ITEM}))*", re.ASCII)
_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_ANY_MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS_AHEAD = 366 * 8 + 2
"""A 29 February comes within eight years, also around 2100."""


@dataclass(frozen=True, slots=True)
class Expression:
    """Five fields, or a word as `@daily`."""

    text: str
    """As it was given, with single blanks."""
    minutes: tuple[int, ...] = ()
    hours: tuple[int, ...] = ()
    days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    """0 is Sunday."""
    must_be_both: bool = False
    """Whether a day must be one of `days` and of `weekdays`; else one of the two is enough."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the expression that the text spells.

        Raises
        ------
        UsageError
            It spells none, or a moment that never comes.

        >>> Expression.parse("*/30 3 * * mon-fri").weekdays
        (1, 2, 3, 4, 5)
        """
        shown = " ".join(text.split())
        if shown == REBOOT:
            return cls(shown)
        fields = _WORDS.get(shown, shown).split()
        if len(fields) != len(_NAMES):
            raise _no_expression(text, f"{len(fields)} fields")
        values = [_expanded(number, field, text) for number, field in enumerate(fields)]
        both = fields[2].startswith("*") or fields[4].startswith("*")
        minutes, hours, days, months, weekdays = values
        expression = cls(shown, minutes, hours, days, months, weekdays, must_be_both=both)
        if not expression.next_times(_ANY_MOMENT, 1):
            raise UsageError("a moment that never comes", text, expected="a day that some month has")
        return expression

    @property
    def is_at_start(self) -> bool:
        """Whether it means the start of the machine."""
        return self.text == REBOOT

    def next_times(self, after: datetime, n: int) -> tuple[datetime, ...]:
        """Return the next `n` times after a moment, by the clock on the wall; none for `@reboot`."""
        return tuple(islice(self._times(after), n))

    def _times(self, after: datetime) -> Iterator[datetime]:
        midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
        for n_days in range(_DAYS_AHEAD):
            day = midnight + timedelta(days=n_days)
            if not self._has_day(day):
                continue
            for hour in self.hours:
                times = (day.replace(hour=hour, minute=minute) for minute in self.minutes)
                yield from (one for one in times if one > after)

    def _has_day(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        # isoweekday has Sunday as 7.
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_day and by_weekday) if self.must_be_both else (by_day or by_weekday)

    def on_calendar(self) -> tuple[str, ...]:
        """Return the same moments as systemd's `OnCalendar=` has them; any of them counts. Empty for `@reboot`.

        >>> Expression.parse("0 3 1 * mon").on_calendar()
        ('*-*-01 03:00:00', 'Mon *-*-* 03:00:00')
        """
        if self.is_at_start:
            return ()
        months = _listed(self.months, _VALUES[3])
        days = _listed(self.days, _VALUES[2])
        clock = f"{_listed(self.hours, _VALUES[1])}:{_listed(self.minutes, _VALUES[0])}:00"
        names = ",".join(_WEEKDAYS[one] for one in self.weekdays)
        weekdays = "" if len(self.weekdays) == len(_WEEKDAYS) else f"{names} "
        if self.must_be_both:
            return (f"{weekdays}*-{months}-{days} {clock}",)
        return (f"*-{months}-{days} {clock}", f"{weekdays}*-{months}-* {clock}")


def _expanded(number: int, field: str, text: str) -> tuple[int, ...]:
    """Return all values of one field, sorted."""
    from crontab import CronSlice

    if not _FIELD.fullmatch(field):
        raise _no_expression(text, f"{field} as {_NAMES[number]}")
    try:
        return tuple(sorted({int(value) for value in CronSlice(number, field)}))
    except (ValueError, KeyError) as error:
        raise _no_expression(text, f"{field} as {_NAMES[number]}") from error


def _no_expression(text: str, found: str) -> UsageError:
    return UsageError(
        "not a cron expression",
        repr(text),
        expected="minute, hour, day of the month, month, day of the week",
        found=found,
        hint='"0 3 * * *" is every night at three; @daily, @hourly and the like are understood, too.',
    )


def _listed(values: Sequence[int], every: range) -> str:
    return "*" if len(values) == len(every) else ",".join(f"{value:02d}" for value in values)

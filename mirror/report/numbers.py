"""How numbers read: bytes, counts, rates, times. All formatting of numbers is here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol


class Units(StrEnum):
    """In which steps bytes are told."""

    SI = "si"
    """GB is 10^9 bytes."""
    IEC = "iec"
    """GiB is 2^30 bytes."""


class _Amount(Protocol):
    @property
    def objects(self) -> int: ...

    @property
    def bytes(self) -> int: ...


_STEPS = {
    Units.SI: (1000, ("B", "kB", "MB", "GB", "TB", "PB")),
    Units.IEC: (1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB")),
}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def format_bytes(n_bytes: float, units: Units = Units.SI) -> str:
    """Return bytes with three to four digits and a unit.

    >>> format_bytes(0), format_bytes(122_265_600_000), format_bytes(2**30, Units.IEC)
    ('0 B', '122.3 GB', '1.0 GiB')
    """
    step, names = _STEPS[units]
    if round(n_bytes) < step:
        return f"{round(n_bytes)} B"
    value = float(n_bytes)
    for name in names:
        # Compared as it will be shown, so that 999,960 bytes are 1.0 MB and not 1000.0 kB.
        if round(value, 1) < step:
            break
        if name != names[-1]:
            value /= step
    return f"{value:,.1f} {name}"


def format_difference(n_bytes: float, units: Units = Units.SI) -> str:
    """Return bytes with their sign.

    >>> [format_difference(n) for n in (122_265_600_000, -1500, 0)]
    ['+122.3 GB', '-1.5 kB', '0 B']
    """
    sign = "+" if n_bytes > 0 else "-" if n_bytes < 0 else ""
    return f"{sign}{format_bytes(abs(n_bytes), units)}"


def format_both(n_bytes: float) -> str:
    """Return bytes as papers and S3 count them, and as Windows' Explorer does, which writes GB for GiB.

    >>> format_both(122_265_600_000), format_both(400)
    ('122.3 GB (113.9 GiB)', '400 B')
    """
    si, iec = format_bytes(n_bytes), format_bytes(n_bytes, Units.IEC)
    return si if si == iec else f"{si} ({iec})"


def format_count(n: int) -> str:
    """Return a number with its thousands apart.

    >>> format_count(470000)
    '470,000'
    """
    return f"{n:,}"


def plural(n: int, noun: str) -> str:
    """Return a number with its noun.

    >>> plural(1, "object"), plural(58750, "object")
    ('1 object', '58,750 objects')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def format_amount(amount: _Amount, units: Units = Units.SI) -> str:
    """Return a number of objects with their bytes.

    >>> from mirror.objects import Tally
    >>> format_amount(Tally(2, 1500))
    '2 objects (1.5 kB)'
    """
    return f"{plural(amount.objects, 'object')} ({format_bytes(amount.bytes, units)})"


def format_rate(bytes_per_second: float, units: Units = Units.SI) -> str:
    """Return a rate of bytes.

    >>> format_rate(12_340_000)
    '12.3 MB/s'
    """
    return f"{format_bytes(bytes_per_second, units)}/s"


def format_seconds(seconds: float) -> str:
    """Return a span of time in its two largest units.

    >>> [format_seconds(one) for one in (0.42, 12.3, 200, 7500, 273600)]
    ['0.4 s', '12 s', '3 min 20 s', '2 h 5 min', '3 d 4 h']
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def format_age(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was.

    >>> format_age(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 4, 5, tzinfo=UTC))
    '3 d ago'
    """
    seconds = (now - moment).total_seconds()
    for span, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= span:
            return f"{int(seconds // span)} {name} ago"
    return "just now"


def format_axes(values: Iterable[float] | None) -> str:
    """Return one number an axis, as they come; a dash where there are none.

    >>> format_axes((6368, 1600, 12000)), format_axes((5.24, 4.0, 4.0)), format_axes(None)
    ('6368,1600,12000', '5.24,4,4', '-')
    """
    return ",".join(f"{value:.10g}" for value in values or ()) or "-"


def format_share(part: float, whole: float) -> str:
    """Return a part of a whole in percent; never 0 % for something, never 100 % for less than all.

    >>> format_share(1, 1000), format_share(999, 1000), format_share(1, 3)
    ('<1 %', '>99 %', '33 %')
    """
    if not whole or part in (0, whole):
        return "100 %" if part else "0 %"
    percent = 100 * part / whole
    if percent < 1:
        return "<1 %"
    return ">99 %" if percent > 99 else f"{percent:.0f} %"


def format_signed_share(part: float, whole: float) -> str:
    """Return a part of a whole in percent to one digit; of parts that work against each other one may exceed it.

    >>> [format_signed_share(*one) for one in ((15, 14), (-1, 14), (1, 9999), (-1, 9999), (0, 5), (1, 0))]
    ['107.1 %', '-7.1 %', '<0.1 %', '>-0.1 %', '0 %', '-']
    """
    if not whole:
        return "-"
    percent = 100 * part / whole
    if percent and abs(percent) < 0.05:
        return "<0.1 %" if percent > 0 else ">-0.1 %"
    return f"{percent:,.1f} %" if percent else "0 %"


def format_ratio(ratio: float | None) -> str:
    """Return how many times one size is another; a dash where the other is 0.

    >>> [format_ratio(ratio) for ratio in (1.83, 0.0312, 1.002, None)]
    ['1.83', '0.0312', '1.002', '-']
    """
    if ratio is None:
        return "-"
    return f"{ratio:.3g}" if ratio < 0.995 or ratio > 1.005 else f"{ratio:.4g}"


def format_utc(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC, to the second.

    >>> format_utc(datetime(2026, 1, 4, 5, tzinfo=UTC))
    '2026-01-04T05:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

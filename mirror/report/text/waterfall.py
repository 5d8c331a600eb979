"""The way from B's size to A's, drawn with plain characters."""

from __future__ import annotations

from collections.abc import Sequence

from mirror.report.numbers import Units, format_bytes, format_difference
from mirror.report.text.table import render_table
from mirror.report.waterfall import Axis, Bar

_LEAST_ROOM = 16
_HEADER = ("from B's size to A's", "bytes")


def render_waterfall(bars: Sequence[Bar], *, units: Units = Units.SI, width: int | None = None) -> str:
    """Return a line for each bar: `#` for the size of a bucket, `+` where A has more, `-` where it has less.

    Parameters
    ----------
    width
        Of the terminal; 80 where None.

    >>> from mirror.explain.causes import Cause
    >>> bars = [Bar("B's size", 0, 4000, None), Bar("compression", 4000, 1000, Cause.COMPRESSION)]
    >>> print(render_waterfall(bars, width=48))
    from B's size to A's    bytes
    B's size               4.0 kB  |################
    compression           -3.0 kB  |    ------------
    """
    axis = Axis.of_waterfall(bars)
    rows = [(bar.title, (format_difference if bar.cause else format_bytes)(bar.bytes, units)) for bar in bars]
    columns = width or 80
    head, *lines = render_table(_HEADER, rows, width=columns - _LEAST_ROOM - 3).splitlines()
    longest = max(map(len, (head, *lines)))
    room = max(_LEAST_ROOM, columns - longest - 3)
    drawn = [f"{line.ljust(longest)}  |{_draw(bar, axis, room)}" for bar, line in zip(bars, lines, strict=True)]
    begins = [f"The bars begin at {format_bytes(axis.low, units)}, not at 0."] if axis.low > 0 else []
    return "\n".join([head, *drawn, *begins])


def _draw(bar: Bar, axis: Axis, room: int) -> str:
    left, right = sorted(round(axis.place(end) * room) for end in (bar.start_bytes, bar.end_bytes))
    if left == right and bar.bytes:
        left, right = (left, right + 1) if right < room else (left - 1, right)
    mark = "#" if bar.cause is None else "+" if bar.bytes > 0 else "-"
    return " " * left + mark * (right - left)

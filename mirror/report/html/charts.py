"""Charts as SVG, one drawing a row of a table. Places are parts of the width, so that no text shrinks on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mirror.explain.causes import Cause
from mirror.report.explanation import CauseTotal
from mirror.report.numbers import format_bytes, format_difference
from mirror.report.waterfall import Axis, Bar

if TYPE_CHECKING:
    from markupsafe import Markup

_TOP, _BOTTOM = 22, 78
"""Of a bar, in percent of its row."""
_NEAR_END = 0.06
"""Part of the width in which the words of a tick are turned inwards."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What one cause takes of a stacked bar: from zero to the right where A has more, to the left where it has less."""

    cause: Cause
    title: str
    start_bytes: int
    end_bytes: int

    @property
    def bytes(self) -> int:
        """Signed: what A has more by it."""
        return self.end_bytes - self.start_bytes


def stack(causes: Iterable[CauseTotal]) -> tuple[Segment, ...]:
    """Return the causes one behind the other: those above 0 to the right of it, those below to the left.

    >>> totals = [CauseTotal(cause=cause, title=cause, bytes=n, share=None)
    ...     for cause, n in ((Cause.VOXELS, 5), (Cause.COMPRESSION, -2), (Cause.HEADERS, 1))]
    >>> [(one.start_bytes, one.end_bytes) for one in stack(totals)]
    [(0, 5), (0, -2), (5, 6)]
    """
    segments, right, left = [], 0, 0
    for total in causes:
        start = right if total.bytes > 0 else left
        end = start + total.bytes
        segments.append(Segment(total.cause, total.title, start, end))
        right, left = max(right, end), min(left, end)
    return tuple(segments)


def waterfall_svg(bars: Sequence[Bar], number: int, axis: Axis) -> Markup:
    """Return one row of a waterfall: its bar, and lines that lead from the bar above and to the one below."""
    bar = bars[number]
    kind = "total" if bar.cause is None else "more" if bar.bytes > 0 else "less"
    parts = [*_grid(axis), _rect(axis, bar.start_bytes, bar.end_bytes, kind)]
    if number:
        parts.append(_line(axis, bars[number - 1].end_bytes, "lead", 0, _TOP))
    if number < len(bars) - 1:
        parts.append(_line(axis, bar.end_bytes, "lead", _BOTTOM, 100))
    ends = f", from {format_bytes(bar.start_bytes)} to {format_bytes(bar.end_bytes)}" if bar.cause else ""
    said = format_difference(bar.bytes) if bar.cause else format_bytes(bar.bytes)
    return _svg(f"{bar.title}: {said}{ends}", parts)


def stacked_svg(dataset: str, causes: Sequence[CauseTotal], difference_bytes: int, axis: Axis) -> Markup:
    """Return the causes of one dataset as a stacked bar around zero, with a dot at the difference that they make."""
    parts = list(_grid(axis))
    for one in stack(causes):
        told = _element("title", f"{one.title}: {format_difference(one.bytes)}")
        parts.append(_rect(axis, one.start_bytes, one.end_bytes, f"seg {cause_class(one.cause)}", told))
    place = _percent(axis.place(difference_bytes))
    parts += [_line(axis, 0, "zero", 0, 100), _element("circle", "", cx=place, cy="50%", r="5", class_="net")]
    words = "; ".join(f"{one.title} {format_difference(one.bytes)}" for one in causes) or "nothing differs"
    return _svg(f"{dataset}: {format_difference(difference_bytes)}", parts, f"{words}.")


def axis_svg(axis: Axis) -> Markup:
    """Return the row of an axis: round numbers of bytes at their places."""
    parts: list[Markup] = []
    for tick in axis.ticks():
        place = axis.place(tick)
        anchor = "start" if place < _NEAR_END else "end" if place > 1 - _NEAR_END else "middle"
        told = f"{'-' if tick < 0 else ''}{format_bytes(abs(tick))}"
        parts += [
            _line(axis, tick, "grid", 0, 20),
            _element("text", told, x=_percent(place), y="75%", text_anchor=anchor),
        ]
    return _svg("Axis of bytes", parts)


def histogram_svg(caption: str, counts: Sequence[int], low: float, high: float) -> Markup:
    """Return how often each value occurs: a column each, the most frequent one as high as the drawing."""
    most = max(counts, default=0) or 1
    width = 100 / (len(counts) or 1)
    columns = [
        _element(
            "rect",
            "",
            x=f"{n * width:.3f}%",
            y=f"{100 - 100 * count / most:.1f}%",
            width=f"{width:.3f}%",
            height="100%",
        )
        for n, count in enumerate(counts)
        if count
    ]
    return _svg(caption, columns, f"{sum(counts):,} voxels in {len(counts)} steps from {low:g} to {high:g}.")


def swatch_svg(cause: Cause) -> Markup:
    """Return the colour of a cause, as a key to a stacked bar."""
    from markupsafe import Markup

    return Markup('<svg class="swatch" aria-hidden="true"><rect width="100%" height="100%" class="{}"/></svg>').format(
        cause_class(cause)
    )


def cause_class(cause: Cause) -> str:
    """Return the class by which the style colours a cause.

    >>> cause_class(Cause.COMPRESSION_TYPE)
    'c-compression-type'
    """
    return "c-" + cause.value.replace(".", "-").replace("_", "-")


def stacked_axis(stacks: Iterable[Iterable[CauseTotal]]) -> Axis:
    """Return the axis on which the stacked bars of several datasets can be compared."""
    return Axis.over(segment.end_bytes for causes in stacks for segment in stack(causes))


def _grid(axis: Axis) -> Iterator[Markup]:
    for tick in axis.ticks():
        yield _line(axis, tick, "grid", 0, 100)


def _rect(axis: Axis, start_bytes: int, end_bytes: int, kind: str, inside: str = "") -> Markup:
    left, right = sorted(map(axis.place, (start_bytes, end_bytes)))
    height = f"{_BOTTOM - _TOP}%"
    return _element(
        "rect", inside, x=_percent(left), y=f"{_TOP}%", width=_percent(right - left), height=height, class_=kind
    )


def _line(axis: Axis, n_bytes: int, kind: str, top: int, bottom: int) -> Markup:
    place = _percent(axis.place(n_bytes))
    return _element("line", "", x1=place, x2=place, y1=f"{top}%", y2=f"{bottom}%", class_=kind)


def _svg(title: str, parts: Iterable[Markup], description: str = "") -> Markup:
    from markupsafe import Markup

    told = _element("title", title) + (_element("desc", description) if description else "")
    return _element("svg", told + Markup().join(parts), role="img")


def _element(name: str, inside: str, **attributes: str) -> Markup:
    """Return an element; what is inside is escaped where it is no element itself."""
    from markupsafe import Markup, escape

    from mirror.report.text.table import plain

    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    told = Markup().join(Markup(' {}="{}"').format(key, value) for key, value in named.items())
    shown = inside if isinstance(inside, Markup) else escape(plain(inside))
    return Markup("<{}{}>{}</{}>").format(name, told, shown, name)


def _percent(part: float) -> str:
    return f"{100 * part:.3f}".rstrip("0").rstrip(".") + "%"

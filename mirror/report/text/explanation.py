"""`oomirror diff-buckets` as text: the answer, what is unexplained, sizes, causes, the way from B's size to A's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill as wrap

from mirror.report.answer import TITLES
from mirror.report.earlier import earlier_words
from mirror.report.explanation import (
    GB,
    GIB,
    CauseReport,
    DatasetReport,
    DiffReport,
    LevelReport,
    PairReport,
    StoredAmount,
    UnexplainedReport,
)
from mirror.report.level import level_causes, side_words
from mirror.report.numbers import (
    Units,
    format_bytes,
    format_count,
    format_difference,
    format_ratio,
    format_signed_share,
    plural,
)
from mirror.report.text.table import fill, plain, render_named_rows, render_table
from mirror.report.text.waterfall import render_waterfall
from mirror.report.waterfall import waterfall_bars

_MOST = 12
_HANGING = " " * 4


def render_explanation(
    report: DiffReport,
    *,
    units: Units = Units.SI,
    width: int | None = None,
    levels: bool = False,
    most: int | None = _MOST,
) -> str:
    """Return the whole report. What is unexplained stands before every cause.

    Parameters
    ----------
    width
        Of the terminal; 80 where None. Only a name that is longer itself stands beyond it.
    levels
        Whether each level of each pair is told.
    most
        So many places, and so many pairs, of each dataset, the largest first; the others are summed. None: all.
    """
    blocks = [fill(plain(report.answer), width)]
    if len(report.datasets) != 1:
        blocks += _overview(report, units, width, most)
    for one in report.datasets:
        # Of one dataset alone the answer is the one above.
        answer = one.answer if len(report.datasets) > 1 else ""
        blocks.append("\n\n".join(_dataset(one, answer, units, width, levels=levels, most=most)))
    return "\n\n".join(blocks)


def _overview(report: DiffReport, units: Units, width: int | None, most: int | None) -> Iterator[str]:
    lost = [(dataset.dataset, one) for dataset in report.datasets for one in dataset.unexplained]
    if lost:
        yield "\n".join(_unexplained(report.unexplained_bytes, lost, units, width, most))
    yield _sizes(report.a, report.b)
    rows = [
        (
            one.dataset,
            format_bytes(one.a.bytes, units),
            format_bytes(one.b.bytes, units),
            format_difference(one.difference_bytes, units),
            format_ratio(one.ratio),
        )
        for one in report.datasets
    ]
    yield "\n".join(render_named_rows(("dataset", "A", "B", "A less B", "ratio"), rows, words=(0,), width=width or 80))
    yield render_waterfall(waterfall_bars(report.b.bytes, report.a.bytes, report.waterfall), units=units, width=width)


def _dataset(
    report: DatasetReport, answer: str, units: Units, width: int | None, *, levels: bool, most: int | None
) -> Iterator[str]:
    name = plain(report.dataset)
    yield f"{name}\n{'-' * min(len(name), width or 80)}"
    if answer:
        yield fill(plain(answer), width)
    if report.unexplained:
        lost = [("", one) for one in report.unexplained]
        yield "\n".join(_unexplained(report.unexplained_bytes, lost, units, width, most))
    yield _sizes(report.a, report.b)
    if report.causes:
        yield "\n".join(_causes(report.causes, report.difference_bytes, units, width, most))
    yield render_waterfall(waterfall_bars(report.b.bytes, report.a.bytes, report.waterfall), units=units, width=width)
    if report.pairs:
        yield "\n".join(_pairs(report.pairs, units, width, None if levels else most))
    if levels:
        yield from ("\n".join(_levels(pair, units, width)) for pair in report.pairs if pair.levels)
    if sampled := list(_sampled(report.pairs, width)):
        yield "\n".join(["What the voxels show:", *sampled])
    if report.findings:
        found = (_hanging(f"{one.code}, {one.where}: {one.text}", width, "  ") for one in report.findings)
        yield "\n".join(["Worth knowing, though it moves no byte:", *found])
    if since := earlier_words(report, units):
        yield "\n".join([since[0], *(_hanging(one, width, "  ") for one in since[1:])])


def _unexplained(
    n_bytes: int, some: Sequence[tuple[str, UnexplainedReport]], units: Units, width: int | None, most: int | None
) -> Iterator[str]:
    """Yield what has no cause. Each comes with a word before its place: its dataset, where several are told."""
    yield f"Unexplained: {format_difference(n_bytes, units)} have no cause that was found."
    shown, left = some[:most], some[len(some[:most]) :]
    for before, one in shown:
        place = f"{before}, {one.where}" if before and before != one.where else one.where
        yield _hanging(f"{format_difference(one.bytes, units)}  {place}: {one.reason}", width, "  ")
    if left:
        rest = format_difference(sum(one.bytes for _, one in left), units)
        yield f"  {rest}  {plural(len(left), 'smaller one')} together"


def _sizes(a: StoredAmount, b: StoredAmount) -> str:
    """Return both sizes in all units, exact ones too: GB and GiB are what people mistake for each other."""
    rows = [(name, *_size_cells(amount.objects, amount.bytes)) for name, amount in (("A", a), ("B", b))]
    ratio = format_ratio(a.bytes / b.bytes if b.bytes else None)
    less = _size_cells(a.objects - b.objects, a.bytes - b.bytes)
    table = render_table(("", "objects", "GB", "GiB", "bytes"), [*rows, ("A less B", *less)])
    return f"{table}\nA is {ratio} times B." if b.bytes else table


def _size_cells(n_objects: int, n_bytes: int) -> tuple[str, ...]:
    return format_count(n_objects), f"{n_bytes / GB:,.3f}", f"{n_bytes / GIB:,.3f}", format_count(n_bytes)


def _causes(
    causes: Sequence[CauseReport], difference: int, units: Units, width: int | None, most: int | None
) -> Iterator[str]:
    shown, left = causes[:most], causes[len(causes[:most]) :]
    yield f"{'bytes':>10}  {'share':>8}  cause, and where"
    for one in shown:
        yield _cause_line(one.bytes, difference, f"{TITLES[one.cause]}: {_place(one)}", units, width)
        if one.evidence:
            yield _hanging(one.evidence[0], width, " " * 24)
    if left:
        words = f"{plural(len(left), 'smaller one')} together"
        yield _cause_line(sum(one.bytes for one in left), difference, words, units, width)


def _cause_line(n_bytes: int, difference: int, words: str, units: Units, width: int | None) -> str:
    numbers = f"{format_difference(n_bytes, units):>10}  {format_signed_share(n_bytes, difference):>8}  "
    return _hanging(words, width, numbers, " " * len(numbers))


def _place(cause: CauseReport) -> str:
    objects = "" if cause.objects is None else f" ({plural(cause.objects, 'object')}, {cause.place})"
    return f"{cause.where}{objects}{' (approximate)' if cause.approximate else ''}"


def _pairs(pairs: Sequence[PairReport], units: Units, width: int | None, most: int | None) -> Iterator[str]:
    rows = [
        (
            f"{pair.a_volume} with {pair.b_volume}",
            format_bytes(pair.a.bytes, units),
            format_bytes(pair.b.bytes, units),
            format_difference(pair.difference_bytes, units),
            format_ratio(pair.ratio),
        )
        for pair in pairs[:most]
    ]
    header = ("A's volume with B's", "A", "B", "A less B", "ratio")
    yield from render_named_rows(header, rows, words=(0,), width=width or 80)
    left = pairs[len(rows) :]
    if left:
        difference = format_difference(sum(pair.difference_bytes for pair in left), units)
        yield f"{plural(len(left), 'more pair')} together: {difference}"


def _levels(pair: PairReport, units: Units, width: int | None) -> Iterator[str]:
    yield _hanging(f"{pair.a_volume} with {pair.b_volume} ({pair.kind}): {pair.reason}", width)
    rows = [
        (
            level.level,
            format_bytes(level.a_bytes, units),
            format_bytes(level.b_bytes, units),
            format_difference(level.difference_bytes, units),
        )
        for level in pair.levels
    ]
    head, *lines = render_table(("level", "A", "B", "A less B"), rows, indent="  ", width=width).splitlines()
    yield head
    for level, line in zip(pair.levels, lines, strict=True):
        yield line
        yield from (_hanging(words, width, _HANGING) for words in _level_words(level, units))


def _sampled(pairs: Sequence[PairReport], width: int | None) -> Iterator[str]:
    for pair in pairs:
        for level in pair.levels:
            if level.sampled:
                yield f"  {plain(pair.a_volume)} with {plain(pair.b_volume)}, {plain(level.level)}"
                yield from (_hanging(words, width, _HANGING) for words in level.sampled)


def _level_words(level: LevelReport, units: Units) -> Iterator[str]:
    moving = [(cause, n_bytes) for cause, n_bytes in level_causes(level).items() if n_bytes]
    # Unexplained stays first: sorting is stable and it alone has the key 0.
    moving.sort(key=lambda item: 0 if item[0] == "unexplained" else -abs(item[1]))
    causes = "; ".join(f"{TITLES[cause]} {format_difference(n_bytes, units)}" for cause, n_bytes in moving)
    yield (causes or "nothing differs") + (" (approximate)" if level.approximate else "")
    a, b = side_words(level.a), side_words(level.b)
    yield from [f"both: {a}"] if a == b else [f"A: {a}", f"B: {b}"]


def _hanging(text: str, width: int | None, first: str = "", others: str | None = None) -> str:
    """Return a sentence behind a beginning, its other lines behind blanks; names are never cut."""
    indent = f"{first}  " if others is None else others
    # One that takes most of a narrow terminal leaves no room for words.
    indent = indent[: (width or 80) // 3] if not indent.strip() else indent
    return wrap(
        plain(text),
        width or 80,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )

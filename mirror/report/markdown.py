"""`oomirror diff-buckets` as Markdown, for an issue, a notebook or a lab's wiki."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from mirror.report.answer import TITLES
from mirror.report.earlier import earlier_words
from mirror.report.explanation import (
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
    format_both,
    format_bytes,
    format_count,
    format_difference,
    format_ratio,
    format_signed_share,
    plural,
)
from mirror.report.text.table import plain
from mirror.report.text.waterfall import render_waterfall
from mirror.report.waterfall import waterfall_bars

_SPECIAL = re.compile(r"[\\`*\[\]<>|~&#$!]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
"""What Markdown, or GitHub's, would obey anywhere in a line; `_` inside of a word it leaves alone."""


def render_markdown(report: DiffReport, *, levels: bool = False) -> str:
    """Return the whole report; each name that comes from a bucket is text, whatever it holds.

    Parameters
    ----------
    levels
        Whether each level of each pair is told.
    """
    blocks = ["# Why A and B differ in size", escape_markdown(report.answer)]
    if len(report.datasets) != 1:
        lost = [(dataset.dataset, one) for dataset in report.datasets for one in dataset.unexplained]
        blocks += [*_unexplained(report.unexplained_bytes, lost), _sizes(report.a, report.b)]
        blocks += [_datasets(report.datasets), _waterfall(report)]
    blocks += [block for dataset in report.datasets for block in _dataset(dataset, levels=levels)]
    blocks.append(
        "Bytes with a sign are A's less B's. GB is 10^9 bytes; GiB is 2^30, which Windows' Explorer calls GB."
    )
    return "\n\n".join(blocks) + "\n"


def escape_markdown(text: str) -> str:
    r"""Return the text so that Markdown shows it as it is, on one line.

    >>> print(escape_markdown("a|b <i> jrc_hela-2 _x_"))
    a\|b \<i\> jrc_hela-2 \_x\_
    """
    return _SPECIAL.sub(r"\\\g<0>", plain(text))


def _dataset(report: DatasetReport, *, levels: bool) -> Iterator[str]:
    yield f"## {escape_markdown(report.dataset)}"
    yield escape_markdown(report.answer)
    yield from _unexplained(report.unexplained_bytes, [("", one) for one in report.unexplained])
    yield _sizes(report.a, report.b)
    yield _waterfall(report)
    if report.causes:
        yield "### Where the bytes are"
        yield _table(("cause", "where", "bytes", "share", "what tells it"), _cause_rows(report), numbers=(2, 3))
    if report.pairs:
        yield "### Pairs of volumes that show the same"
        header = ("A's volume", "B's volume", "shows", "A", "B", "A less B", "ratio")
        yield _table(header, map(_pair_row, report.pairs), numbers=(3, 4, 5, 6))
    if levels:
        yield from (block for pair in report.pairs for block in _levels(pair))
    sampled = [(pair, level) for pair in report.pairs for level in pair.levels if level.sampled]
    if sampled:
        yield "### What the voxels show"
        yield "\n".join(
            f"- {escape_markdown(f'{pair.a_volume} with {pair.b_volume}, {level.level}')}: {escape_markdown(words)}"
            for pair, level in sampled
            for words in level.sampled
        )
    if report.findings:
        yield "### Worth knowing, though it moves no byte"
        yield "\n".join(
            f"- {escape_markdown(one.code)}, {escape_markdown(one.where)}: {escape_markdown(one.text)}"
            for one in report.findings
        )
    if since := earlier_words(report):
        yield "\n".join([escape_markdown(since[0]), "", *(f"- {escape_markdown(one)}" for one in since[1:])]).rstrip()


def _unexplained(n_bytes: int, some: Sequence[tuple[str, UnexplainedReport]]) -> Iterator[str]:
    if not some:
        return
    lines = [f"**{format_difference(n_bytes)} unexplained.** No cause was found for:", ""]
    for before, one in some:
        place = f"{before}, {one.where}" if before and before != one.where else one.where
        lines.append(f"- {format_difference(one.bytes)} in {escape_markdown(place)}: {escape_markdown(one.reason)}")
    yield "\n".join(lines)


def _sizes(a: StoredAmount, b: StoredAmount) -> str:
    rows = [
        (name, format_count(n_objects), format_both(n_bytes), format_count(n_bytes))
        for name, n_objects, n_bytes in (("A", a.objects, a.bytes), ("B", b.objects, b.bytes))
    ]
    difference = a.bytes - b.bytes
    less = ("A less B", format_count(a.objects - b.objects), format_difference(difference), format_count(difference))
    return _table(("", "objects", "size", "bytes"), [*rows, less], numbers=(1, 2, 3))


def _datasets(datasets: Iterable[DatasetReport]) -> str:
    rows = (
        (
            escape_markdown(one.dataset),
            format_bytes(one.a.bytes),
            format_bytes(one.b.bytes),
            format_difference(one.difference_bytes),
            format_ratio(one.ratio),
        )
        for one in datasets
    )
    return _table(("dataset", "A", "B", "A less B", "ratio"), rows, numbers=(1, 2, 3, 4))


def _waterfall(report: DiffReport | DatasetReport) -> str:
    bars = waterfall_bars(report.b.bytes, report.a.bytes, report.waterfall)
    return f"```text\n{render_waterfall(bars)}\n```"


def _cause_rows(report: DatasetReport) -> Iterator[tuple[str, ...]]:
    for one in report.causes:
        share = format_signed_share(one.bytes, report.difference_bytes)
        evidence = escape_markdown(one.evidence[0]) if one.evidence else ""
        yield TITLES[one.cause], _place(one), format_difference(one.bytes), escape_markdown(share), evidence


def _place(cause: CauseReport) -> str:
    objects = "" if cause.objects is None else f" ({plural(cause.objects, 'object')}, {cause.place})"
    return f"{escape_markdown(cause.where)}{objects}{' (approximate)' if cause.approximate else ''}"


def _pair_row(pair: PairReport) -> tuple[str, ...]:
    return (
        escape_markdown(pair.a_volume),
        escape_markdown(pair.b_volume),
        pair.kind,
        format_bytes(pair.a.bytes),
        format_bytes(pair.b.bytes),
        format_difference(pair.difference_bytes),
        format_ratio(pair.ratio),
    )


def _levels(pair: PairReport) -> Iterator[str]:
    if not pair.levels:
        return
    yield f"### {escape_markdown(pair.a_volume)} with {escape_markdown(pair.b_volume)}"
    yield f"A pair because: {escape_markdown(pair.reason)}."
    moving = dict.fromkeys(cause for level in pair.levels for cause, n_bytes in level_causes(level).items() if n_bytes)
    header = ("level", "A", "B", "A less B", *(TITLES[cause] for cause in moving), "A is", "B is")
    rows = [
        (
            *_level_cells(level),
            *(format_difference(level_causes(level).get(cause, 0)) for cause in moving),
            *_sides(level),
        )
        for level in pair.levels
    ]
    yield _table(header, rows, numbers=range(1, len(header) - 2))


def _level_cells(level: LevelReport) -> tuple[str, ...]:
    name = escape_markdown(level.level) + (" (approximate)" if level.approximate else "")
    sizes = format_bytes(level.a_bytes), format_bytes(level.b_bytes)
    return name, *sizes, format_difference(level.difference_bytes)


def _sides(level: LevelReport) -> tuple[str, str]:
    return escape_markdown(side_words(level.a)), escape_markdown(side_words(level.b))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int]) -> str:
    """Return a table whose cells are escaped already; columns of numbers are aligned to the right."""
    right = set(numbers)
    rule = ["---:" if number in right else "---" for number in range(len(header))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))

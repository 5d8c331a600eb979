"""Plain tables and lists for terminals: no colours, no lines, aligned by spaces."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain, islice

_GAP = "  "
_SET_WIDTHS = 1000
"""Rows of a table that is shown as it comes, after which its columns stand."""


def render_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    words: Collection[int] = (0,),
    width: int | None = None,
    indent: str = "",
) -> str:
    """Return the rows below their header, without a line break at the end.

    Parameters
    ----------
    words
        Numbers of the columns that hold words, aligned to the left; the others hold numbers.
    width
        Of the terminal. The first column is cut in its middle where the table would be wider; None: never.
    indent
        Put before each line.

    >>> print(render_table(["volume", "size"], [["volumes/raw", "12.3 GB"], ["er_seg", "1.0 MB"]]))
    volume          size
    volumes/raw  12.3 GB
    er_seg        1.0 MB
    """
    table = [list(header), *(list(map(plain, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    if width is not None:
        others = sum(widths[1:]) + len(_GAP) * (len(widths) - 1) + len(indent)
        widths[0] = min(widths[0], max(len(header[0]), 16, width - others))
    return "\n".join(indent + _line([shorten(row[0], widths[0]), *row[1:]], widths, words) for row in table)


def stream_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, words: Collection[int] = (0,)
) -> Iterator[str]:
    """Yield the header and the rows as they come, in columns as wide as the first thousand rows need.

    A cell that is wider moves what stands behind it.

    Parameters
    ----------
    words
        As of `render_table`.
    """
    coming = (list(map(plain, row)) for row in rows)
    first = [list(header), *islice(coming, _SET_WIDTHS)]
    widths = [max(map(len, column)) for column in zip(*first, strict=True)]
    for row in chain(first, coming):
        yield _line(row, widths, words)


def render_named_rows(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, words: Collection[int], width: int | None
) -> list[str]:
    """Return the header and the rows, each as text; a name that has no room stands whole on a line above its row.

    Parameters
    ----------
    words, width
        As of `render_table`.
    """
    nameless = [["", *map(plain, row[1:])] for row in rows]
    others = max(map(len, render_table(["", *header[1:]], nameless, words=words).splitlines()))
    room = None if width is None else max(16, width - others)
    is_long = [room is not None and len(plain(row[0])) > room for row in rows]
    shown = [blank if long else row for row, blank, long in zip(rows, nameless, is_long, strict=True)]
    head, *lines = render_table(header, shown, words=words).splitlines()
    named = zip(rows, lines, is_long, strict=True)
    return [head, *(f"{plain(row[0])}\n{line}" if long else line for row, line, long in named)]


def _line(row: Sequence[str], widths: Sequence[int], words: Collection[int]) -> str:
    aligned = (
        cell.ljust(width) if number in words else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return _GAP.join(aligned).rstrip()


def shorten(text: str, width: int) -> str:
    """Return the text, or its beginning and its end where it is longer than `width`.

    >>> shorten("volumes/groundtruth/0003/crop1/labels/all", 20)
    'volumes/...abels/all'
    """
    if len(text) <= width:
        return text
    tail = (width - 3) // 2 + 1
    return f"{text[: width - 3 - tail]}...{text[-tail:]}"


def fill(text: str, width: int | None) -> str:
    """Return a sentence in lines of at most `width` columns, 80 without one; names are never cut."""
    import textwrap

    return textwrap.fill(text, width or 80, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def plain(text: str) -> str:
    r"""Return the text with all that a terminal would obey, or cannot show, written out.

    >>> plain("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)

"""The two streams: results to stdout, words to stderr. A reader that went away ends no run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

_Line = TypeVar("_Line")
_LINES_AT_ONCE = 500
"""A flush for each line would be most of the time of a long list."""


def make_streams_robust() -> None:
    """Let keys that the terminal's encoding lacks be shown, escaped, instead of ending the run."""
    import io

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def put_result(text: str) -> None:
    """Write a result to stdout, and its line break."""
    _put(sys.stdout, text)


def put_listing(
    model: type[BaseModel],
    lines: Sequence[BaseModel],
    render: Callable[[], str],
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Write a list of reports to stdout: as JSON, as CSV, or as the text that `render` makes.

    Raises
    ------
    UsageError
        Both JSON and CSV were asked for.
    """
    from mirror.report.csv import csv_text
    from mirror.report.json import listing

    refuse_two_forms(as_json=as_json, as_csv=as_csv)
    if as_json:
        put_result(listing(lines))
    elif as_csv:
        put_result(csv_text(model, lines))
    else:
        put_result(render())


def upto(limit: int | None, lines: Sequence[_Line]) -> Sequence[_Line]:
    """Return the first `limit` lines, all without one, and say on stderr how many were left out."""
    if limit is None or len(lines) <= limit:
        return lines
    put_words(f"{len(lines) - limit:,} more; --limit shows as many as you say.")
    return lines[:limit]


def put_stream(
    model: type[BaseModel],
    lines: Iterator[BaseModel],
    render: Callable[[Iterator[Any]], Iterator[str]],
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Write reports to stdout as they come, as `put_listing` would; some hundreds in memory at a time.

    Raises
    ------
    UsageError
        Both JSON and CSV were asked for.
    """
    from mirror.report.csv import csv_lines
    from mirror.report.json import listing_lines

    refuse_two_forms(as_json=as_json, as_csv=as_csv)
    texts = listing_lines(lines) if as_json else csv_lines(model, lines) if as_csv else render(lines)
    while some := list(islice(texts, _LINES_AT_ONCE)):
        put_result("\n".join(some))


def refuse_two_forms(*, as_json: bool, as_csv: bool) -> None:
    """Raise UsageError where both JSON and CSV were asked for."""
    from mirror.errors import UsageError

    if as_json and as_csv:
        raise UsageError("cannot print two forms at once", "--json and --csv", hint="Give one of them.")


def put_words(text: str) -> None:
    """Write words to stderr, and their line break."""
    _put(sys.stderr, text)


def _put(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return  # Closed before we began: `oomirror >&-`.
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        drop(stream)
    except OSError:
        # The terminal is gone (EIO after a hang-up), the log's disk is full: the mirror matters more.
        drop(stream)
    except ValueError:
        return


def drop(stream: TextIO) -> None:
    """Send what is still to come on the stream nowhere, so that neither we nor Python's exit trip over it."""
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())
    except (OSError, ValueError):
        return


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a person reads the stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def result_width() -> int | None:
    """Return the columns of the terminal that stdout is; None where it is none, and nothing need be cut."""
    if not is_terminal(sys.stdout):
        return None
    import shutil

    return shutil.get_terminal_size().columns


def words_width() -> int | None:
    """Return the columns of the terminal that stderr is, None where it is none."""
    if not is_terminal(sys.stderr):
        return None
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80

"""The two streams: results to stdout, words to stderr. A reader that went away ends no run.

A result that has no room (a full disk) is lost, and that is a failure; words that have none are no reason for one.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from mirror.errors import MirrorError

if TYPE_CHECKING:
    from pydantic import BaseModel

_Line = TypeVar("_Line")
_LINES_AT_ONCE = 500
"""A flush for each line would be most of the time of a long list."""


class UnwrittenResultError(MirrorError):
    """A result that could not be written to stdout; what is to be said of it goes to stderr."""


def make_streams_robust() -> None:
    """Let keys that the terminal's encoding lacks be shown, escaped, instead of ending the run."""
    import io

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def put_result(text: str) -> None:
    """Write a result to stdout, and its line break.

    Raises
    ------
    UnwrittenResultError
        There is no room for it, or the device fails. That nobody reads any more, or stdout is closed, is no failure.
    """
    if (error := _put(sys.stdout, text)) is not None:
        raise UnwrittenResultError(
            "cannot write the result", "stdout", found=error.strerror or str(error), hint="What was done stays done."
        ) from error


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
    # The terminal is gone (EIO after a hang-up), the log's disk is full: the mirror matters more.
    _put(sys.stderr, text)


def _put(stream: TextIO | None, text: str) -> OSError | None:
    """Write a line; return why it could not be, unless nobody reads it any more. Nothing more goes there then.

    Nobody reads a pipe whose reader ended, nor a terminal that hung up (EIO).
    """
    if stream is None:
        return None  # Closed before we began: `oomirror >&-`.
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        drop(stream)
    except OSError as error:
        is_hung_up = error.errno == errno.EIO and _is_device(stream)
        drop(stream)
        return None if is_hung_up else error
    except ValueError:
        return None
    return None


def _is_device(stream: TextIO) -> bool:
    try:
        return stat.S_ISCHR(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


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

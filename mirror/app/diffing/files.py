"""The files that `diff-buckets` writes on request: each whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mirror.errors import MirrorError, UsageError

if TYPE_CHECKING:
    from mirror.app.diffing.run import DiffAnswer
    from mirror.app.diffing.sampling import Seen
    from mirror.report.html.pictures import Evidence


def write_answer(answer: DiffAnswer, *, html: Path | None, md: Path | None, csv: Path | None) -> tuple[Path, ...]:
    """Write the forms that are asked for; return their places.

    Raises
    ------
    MirrorError
        A file cannot be written; what was there is left as it is.
    """
    from mirror.report.explanation_csv import explanation_csv_lines
    from mirror.report.markdown import render_markdown

    forms: tuple[tuple[Path | None, Callable[[], str]], ...] = (
        (html, lambda: _page(answer)),
        (md, lambda: render_markdown(answer.report, levels=True)),
        (csv, lambda: "\n".join(explanation_csv_lines(answer.report)) + "\n"),
    )
    return tuple(_write(path, make()) for path, make in forms if path is not None)


def _page(answer: DiffAnswer) -> str:
    from mirror import __version__
    from mirror.app.workplace import utc_now
    from mirror.report.html.explanation import render_explanation_page

    evidence = [one for seen in answer.pictures for one in evidence_of(seen)]
    return render_explanation_page(answer.report, made_at=utc_now(), version=__version__, evidence=evidence)


def check_places(*places: Path | None) -> None:
    """Check that files can be written there: before hours of listing, not after.

    Raises
    ------
    UsageError
        A place is a folder, is in none, or is in one that may not be written.
    """
    for path in places:
        if path is None:
            continue
        if path.is_dir():
            raise UsageError("cannot write the file", str(path), expected="the name of a file", found="a folder")
        if not path.parent.is_dir():
            raise UsageError("cannot write the file", str(path), found=f"no folder {path.parent}")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise UsageError("cannot write the file", str(path), found=f"{path.parent} may not be written")


def _write(path: Path, text: str) -> Path:
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(text.encode("utf-8", "backslashreplace"))  # A pipe or a device is no file to replace.
            return path.absolute()
        partial.write_bytes(text.encode("utf-8", "backslashreplace"))
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise MirrorError("cannot write the file", str(path), found=error.strerror or str(error)) from error
    return path.absolute()


def evidence_of(seen: Seen) -> Iterator[Evidence]:
    """Yield what is to be seen of one place: the same slice of both, what is left between them, both histograms."""
    from mirror.report.html.pictures import EvidenceHistogram, EvidencePicture
    from mirror.report.png import encode_png

    picture = seen.picture
    views = (
        ("bucket A", picture.a_yx),
        ("bucket B, laid on A", picture.b_yx),
        ("difference: B less what A makes of it; grey is none", picture.difference_yx),
    )
    for caption, pixels in views:
        yield EvidencePicture(seen.dataset, seen.where, caption, encode_png(pixels))
    histograms = (
        ("values of A", picture.a_histogram, picture.a_limits),
        ("values of B", picture.b_histogram, picture.b_limits),
    )
    for caption, counts, limits in histograms:
        yield EvidenceHistogram(seen.dataset, seen.where, caption, tuple(counts.tolist()), *limits)

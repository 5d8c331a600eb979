"""The files that `diff-buckets` writes on request: each whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mirror.app.whole_files import write_whole

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
    return tuple(
        write_whole(path, make().encode("utf-8", "backslashreplace")) for path, make in forms if path is not None
    )


def _page(answer: DiffAnswer) -> str:
    from mirror import __version__
    from mirror.app.workplace import utc_now
    from mirror.report.html.explanation import render_explanation_page

    evidence = [one for seen in answer.pictures for one in evidence_of(seen)]
    return render_explanation_page(answer.report, made_at=utc_now(), version=__version__, evidence=evidence)


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

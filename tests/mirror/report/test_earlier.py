"""What changed since the same question was asked before, in sentences."""

from __future__ import annotations

from datetime import UTC, datetime

from mirror.explain.causes import Cause
from mirror.objects import Tally
from mirror.report.earlier import earlier_words
from mirror.report.explanation import CauseTotal, DatasetReport, EarlierReport, StoredAmount
from mirror.report.html.explanation import render_explanation_page
from mirror.report.markdown import render_markdown
from mirror.report.text.explanation import render_explanation
from tests.mirror.report.differences import equal_report, realistic_report

REPORT = realistic_report()


def asked_before(one: DatasetReport) -> DatasetReport:
    """Return the answer, as if A had had 5 bytes and one object less before."""
    before = EarlierReport(
        made_at="2026-11-01T03:00:00+00:00",
        a=StoredAmount.of(Tally(one.a.objects - 1, one.a.bytes - 5)),
        b=one.b,
        difference_bytes=one.difference_bytes - 5,
        causes_total=(CauseTotal(cause=Cause.VOXELS, title="other voxels", bytes=-5, share=None), *one.causes_total),
    )
    return one.model_copy(update={"earlier": before})


def test_each_change_has_its_sentence() -> None:
    """Sides that are as they were say so; causes that did not change are not named."""
    words = earlier_words(asked_before(REPORT.datasets[0]))
    assert words[0] == "Since the answer of 2026-11-01: A +5 B in +1 objects, B as it was."
    assert words[1:] == ("other voxels: +5 B",)


def test_nothing_is_said_where_nothing_was_asked_before() -> None:
    """The first answer has no earlier one."""
    assert earlier_words(REPORT.datasets[0]) == ()
    assert "Since the answer" not in render_explanation(equal_report())


def test_every_form_tells_it() -> None:
    """Text, Markdown and the page."""
    later = REPORT.model_copy(update={"datasets": tuple(map(asked_before, REPORT.datasets))})
    page = render_explanation_page(later, made_at=datetime(2026, 11, 24, tzinfo=UTC), version="0")
    for form in (render_explanation(later), render_markdown(later), page):
        assert "Since the answer of 2026" in form

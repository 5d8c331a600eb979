"""What those who were not there are told of a check."""

from __future__ import annotations

from mirror.app.afterwards import Word, words_of
from mirror.app.verify.told import exit_code_of
from mirror.report.text.verification import render_verify, render_verify_problems
from mirror.report.verification import VerifyReport


def word_of(report: VerifyReport) -> Word:
    """Return what receivers are told of a check; what was mended is a change."""
    text = words_of(render_verify(report), "" if report.is_of_nothing else render_verify_problems(report))
    return Word(exit_code_of(report), bool(report.repaired), text)

"""A refresh as a person reads it."""

from __future__ import annotations

import pytest

from mirror.report.model import Amount, ErrorParts
from mirror.report.refresh import RefreshReport
from mirror.report.text.refresh import first_sentence, render_refresh

GONE = ErrorParts(exit=5, what="the share is not there", thing="/share", expected="", found="", hint="Is it mounted?")


@pytest.mark.parametrize("dry_run", [False, True], ids=["refresh", "dry run"])
def test_what_ended_it_early_comes_first(dry_run: bool) -> None:
    """The answer begins with it, also that of a dry run."""
    report = RefreshReport(
        dry_run=dry_run,
        complete=False,
        exit=5,
        mirrors=(),
        transferred=Amount(),
        new=Amount(),
        changed=Amount(),
        vanished=Amount(),
        failed_objects=0,
        refused_objects=0,
        problem=GONE,
        started_at="2026-01-02T03:00:00Z",
        finished_at="2026-01-02T03:00:01Z",
        seconds=1.0,
    )
    assert first_sentence(report).startswith("The share is not there: /share. Is it mounted? ")
    assert render_refresh(report).startswith(first_sentence(report))

"""What the doctor found, as text: a line a look, advice below it."""

from __future__ import annotations

from collections.abc import Iterator

from mirror.report.doctor import Diagnosis, DoctorReport
from mirror.report.numbers import plural
from mirror.report.text.table import plain


def render_doctor(report: DoctorReport) -> str:
    """Return all findings, and how many problems there are."""
    width = max((len(one.name) for one in report.diagnoses), default=0)
    lines = [line for one in report.diagnoses for line in _lines(one, width)]
    said = plural(report.problems, "problem") if report.problems else "no problem"
    return "\n".join([*lines, f"{said[0].upper()}{said[1:]} found."])


def _lines(one: Diagnosis, width: int) -> Iterator[str]:
    yield f"{one.state:<7}  {plain(one.name):<{width}}  {plain(one.found)}"
    if one.advice:
        yield f"{'':<7}  {'':<{width}}  -> {plain(one.advice)}"

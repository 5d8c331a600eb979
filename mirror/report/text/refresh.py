"""A refresh as text: the answer in the first sentence, a line for each mirror, then all that went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mirror.keys import is_folder_marker
from mirror.report.model import Amount
from mirror.report.numbers import Units, format_amount, format_bytes, format_count, format_seconds, plural
from mirror.report.refresh import EntryState, MirrorLine, RefreshReport, total
from mirror.report.text.errors import error_sentence
from mirror.report.text.results import TOO_SHORT
from mirror.report.text.table import plain, render_table

_STATES: dict[EntryState, str] = {
    "done": "done",
    "incomplete": "incomplete",
    "stopped": "stopped",
    "locked": "locked",
    "failed": "failed",
    "unsafe": "refused",
    "not_reached": "not reached",
}
_HEADER = ("mirror", "state", "new", "changed", "vanished", "fetched", "bytes", "time")


def render_refresh(report: RefreshReport, *, units: Units = Units.SI, width: int | None = None) -> str:
    """Return what a refresh did, or would do."""
    rows = [_row(line.name, _STATES[line.state], line, report, units) for line in report.mirrors]
    if len(rows) > 1:
        rows.append(_row("total", "", report, report, units))
    header = ["mirror", "state", *_HEADER[2:5], "to fetch" if report.dry_run else "fetched", *_HEADER[6:]]
    table = render_table(header, rows, words=(0, 1), width=width)
    said = [first_sentence(report, units=units), "", table]
    told = [*_upstream(report, units), *_problems(report)]
    return "\n".join([*said, *([""] if told else ()), *told])


def render_refresh_problems(report: RefreshReport) -> str:
    """Return only what went wrong; empty where nothing did."""
    problems = list(_problems(report))
    return "\n".join([first_sentence(report), *problems]) if problems or report.exit else ""


def first_sentence(report: RefreshReport, *, units: Units = Units.SI) -> str:
    """Return the answer: what ended it early, how many of the mirrors are up to date, and what came."""
    said = f"{error_sentence(report.problem)} " if report.problem is not None else ""
    return said + _what_came(report, units)


def _what_came(report: RefreshReport, units: Units) -> str:
    n = len(report.mirrors)
    if report.dry_run:
        amount = format_amount(total([line.planned for line in report.mirrors]), units)
        return f"{amount} would be fetched for {plural(n, 'mirror')}; nothing was done."
    n_done = sum(line.state == "done" for line in report.mirrors)
    who = ("The mirror is" if n == 1 else f"All {n} mirrors are") if n_done == n else f"{n_done} of {n} mirrors are"
    came = f"{format_amount(report.transferred, units)} came" if report.transferred.objects else "nothing had to come"
    others = _others(report.mirrors)
    return f"{who} up to date{f' ({others})' if others else ''}; {came} in {format_seconds(report.seconds)}."


def line_words(line: MirrorLine, *, dry_run: bool = False, units: Units = Units.SI) -> str:
    """Return what became of one mirror, in a sentence."""
    if line.problem is not None:
        return f"{line.name}: {_STATES[line.state]}: {error_sentence(line.problem)}"
    if dry_run:
        return f"{line.name}: {format_amount(line.planned, units)} would be fetched."
    counts = ((line.new, "new"), (line.changed, "changed"), (line.vanished, "vanished"))
    said = [f"{format_count(amount.objects)} {word} upstream" for amount, word in counts if amount.objects]
    said.append(f"{format_amount(line.transferred, units)} fetched" if line.transferred.objects else "nothing fetched")
    if line.failed_objects or line.refused_objects:
        said.append(f"{line.failed_objects:,} failed, {line.refused_objects:,} refused")
    sentence = f"{line.name}: {_STATES[line.state]} in {format_seconds(line.seconds)}: {', '.join(said)}."
    return f"{sentence} {TOO_SHORT}" if line.only_listed else sentence


def _others(lines: Sequence[MirrorLine]) -> str:
    counts = {state: sum(line.state == state for line in lines) for state in _STATES if state != "done"}
    return ", ".join(f"{n} {_STATES[state]}" for state, n in counts.items() if n)


def _row(
    name: str, state: str, one: MirrorLine | RefreshReport, report: RefreshReport, units: Units
) -> tuple[str, ...]:
    fetched = one.transferred
    if report.dry_run:
        fetched = one.planned if isinstance(one, MirrorLine) else total([line.planned for line in report.mirrors])
    counts = (one.new, one.changed, one.vanished, fetched)
    numbers = tuple(format_count(amount.objects) if amount.objects else "-" for amount in counts)
    return (name, state, *numbers, format_bytes(fetched.bytes, units), format_seconds(one.seconds))


def _upstream(report: RefreshReport, units: Units) -> Iterator[str]:
    """Yield what is worth a sentence about what changed in the buckets."""
    for line in report.mirrors:
        contents = line.contents
        for amount, words in (
            (contents.other, "changed, with other content"),
            (contents.other_same_size, "of these have the same size: only the ETag told"),
            (contents.reuploaded, "were uploaded again with the same content"),
            (contents.unknown, "changed; there was no hash to compare with"),
        ):
            if amount.objects:
                yield f"{line.name}: {_amount(amount, units)} {words}."
        if line.vanished.objects:
            yield f"{line.name}: {_amount(line.vanished, units)} vanished from the bucket; what is on the share stays."


def _amount(amount: Amount, units: Units) -> str:
    return format_amount(amount, units)


def _problems(report: RefreshReport) -> Iterator[str]:
    for line in report.mirrors:
        if line.problem is not None:
            yield f"{line.name}: {_STATES[line.state]}: {error_sentence(line.problem)}"
        if line.only_listed:
            yield f"{line.name}: {TOO_SHORT}"
        if line.failed_objects:
            yield f"{line.name}: failed: {plural(line.failed_objects, 'object')}:"
            yield from (f"  {plain(one.key)}: {plain(one.reason)}" for one in line.failed)
        left_out = [one for one in line.skipped if not is_folder_marker(one.key)]
        if left_out and line.state == "incomplete":
            yield f"{line.name}: left out: {plural(len(left_out), 'object')}:"
            yield from (f"  {plain(one.key)}: {plain(one.reason)}" for one in left_out)

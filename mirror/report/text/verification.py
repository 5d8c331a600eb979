"""What a check found, as text: the answer first, then what was looked at, what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mirror.report.numbers import Units, format_amount, format_bytes, format_seconds, plural
from mirror.report.text.table import plain, render_table
from mirror.report.verification import CertifyReport, VerifyReport

SHOWN = 20
"""Of each list; the others are counted."""
_NOTHING = "Nothing was looked at: as far as the catalog knows, nothing of it is on the share."
_DEPTHS = {
    "quick": "presence and size",
    "headers": "presence, size and headers of blocks",
    "full": "every byte",
}


def render_verify(report: VerifyReport, *, units: Units = Units.SI, width: int | None = None) -> str:
    """Return what a check found.

    Parameters
    ----------
    width
        Of the terminal; None: nothing is cut.
    """
    lines = [_answer(report, units), *_circumstances(report, units)]
    if report.levels:
        lines += ["", _table(report, units, width)]
    lines += _problems(report)
    lines += [f"\n{sentence}" for sentence in _advice(report)]
    return "\n".join(lines)


def render_verify_problems(report: VerifyReport) -> str:
    """Return only what is wrong; empty if nothing is."""
    if report.is_of_nothing:
        return _NOTHING
    return "\n".join(_problems(report)).lstrip("\n")


def _answer(report: VerifyReport, units: Units) -> str:
    if report.is_of_nothing:
        return _NOTHING
    looked = f"{format_amount(report.checked, units)} looked at ({_DEPTHS[report.depth]})"
    n_strays, n_lost, n_unread = (report.n_of(kind) for kind in ("stray", "lost", "unreadable"))
    n_damaged = report.n_mendable - n_lost - n_unread
    if not report.kinds:
        whole = "All is whole" if report.complete else "Whole as far as it came"
        return f"{whole}: {looked} in {format_seconds(report.seconds)}."
    counts = [
        words
        for n, words in (
            (n_damaged, f"{plural(n_damaged, 'object')} damaged"),
            (n_lost, f"{plural(n_lost, 'object')} lost"),
            (n_unread, f"{plural(n_unread, 'object')} that may not be read"),
            (n_strays, f"{plural(n_strays, 'stray file')}"),
        )
        if n
    ]
    mended = ""
    if report.repaired or report.unrepaired:
        rest = f", {report.unrepaired:,} could not be" if report.unrepaired else ""
        mended = f"; {report.repaired:,} mended{rest}"
    return f"{', '.join(counts)}{mended}: {looked} in {format_seconds(report.seconds)}."


def _circumstances(report: VerifyReport, units: Units) -> Iterable[str]:
    if report.upgraded.objects:
        yield f"Proven by MD5 now, of which only the length had been compared: {format_amount(report.upgraded, units)}."
    if report.left_out:
        yield f"The certificate leaves out what was damaged when it was made: {plural(report.left_out, 'object')}."
    if report.absent_upstream:
        yield f"Absent in the bucket, and no damage: {plural(report.absent_upstream, 'block')}, which read as 0."
    if not report.complete:
        left = f"; {format_amount(report.never_checked, units)} never yet" if report.never_checked.objects else ""
        yield f"The budget is used up{left}. The same command goes on with what was never looked at, or longest ago."


def _table(report: VerifyReport, units: Units, width: int | None) -> str:
    """Return a line for each level; names that are the same in all of them are left out."""
    looked = [one for one in report.levels if one.checked.objects]
    has_datasets = len({one.dataset for one in looked}) > 1
    has_buckets = len({one.bucket for one in looked}) > 1
    rows = [
        [
            f"{one.dataset or one.bucket}: {one.volume}" if has_datasets else one.volume,
            one.level or "",
            *([one.bucket] if has_buckets else ()),
            f"{one.checked.objects:,}",
            format_bytes(one.checked.bytes, units),
            f"{one.damaged.objects:,}",
            f"{one.lost.objects:,}",
        ]
        for one in looked
    ]
    header = ["volume", "level", *(["bucket"] if has_buckets else ()), "objects", "size", "damaged", "lost"]
    return render_table(header, rows, words=(0, 1, 2) if has_buckets else (0, 1), width=width)


def _problems(report: VerifyReport) -> list[str]:
    strays = [f"{plain(one.path)}: {plain(one.reason)}" for one in report.damaged if one.kind == "stray"]
    damaged = [f"{plain(one.path)}: {one.kind}: {plain(one.reason)}" for one in report.damaged if one.kind != "stray"]
    n_damaged = report.n_mendable - report.n_of("lost")
    after = ""
    if report.repaired:
        after = ", and mended now but for those below" if report.unrepaired else ", and mended now"
    return [
        *_list(f"Damaged{after}", damaged, n_damaged),
        *_list(f"Lost{after}", [plain(one.path) for one in report.lost], report.n_of("lost")),
        *_unmended(report),
        *_list("Strays", strays, report.n_of("stray")),
    ]


def _unmended(report: VerifyReport) -> list[str]:
    """Return what could not be mended, by reason: of many objects it is mostly one, and long."""
    lines: list[str] = []
    for reason in dict.fromkeys(one.reason for one in report.unmended[:SHOWN]):
        paths = [f"    {plain(one.path)}" for one in report.unmended[:SHOWN] if one.reason == reason]
        lines += [f"  {plain(reason)}", *paths]
    n_shown = min(len(report.unmended), SHOWN)
    return ["", "Not mended:", *lines, *_more(n_shown, len(report.unmended), report.unrepaired)] if lines else []


def _list(title: str, lines: Sequence[str], n_all: int) -> list[str]:
    if not lines:
        return []
    more = _more(min(len(lines), SHOWN), len(lines), n_all)
    return ["", f"{title}:", *(f"  {line}" for line in lines[:SHOWN]), *more]


def _more(n_shown: int, n_named: int, n_all: int) -> list[str]:
    names = "all" if n_all == n_named else f"the first {n_named:,}"
    return [f"  and {n_all - n_shown:,} more; --json names {names}"] if n_all > n_shown else []


def _advice(report: VerifyReport) -> Iterable[str]:
    if report.is_of_nothing:
        yield "`oomirror sync` mirrors it; `oomirror adopt` takes over files that lie there already."
    if not report.runs:
        return
    if report.n_mendable > report.repaired and not report.unrepaired:
        yield "The same command with --repair fetches again what is damaged or lost."
    if report.unrepaired:
        yield "`oomirror sync` fetches what the bucket has now; `oomirror why PATH` tells all of one object."
    if report.n_of("unreadable") > report.repaired:
        yield "What may not be read may be whole: get the right to read it, or let --repair put another in its place."
    if report.n_of("stray"):
        yield "Strays stay where they are, and are why the exit code is 3: look whose they are."


def render_certify(report: CertifyReport, *, units: Units = Units.SI) -> str:
    """Return what was certified."""
    where = f"{report.dataset} from bucket {report.bucket}"
    lines = [f"Certified {format_amount(report.certified, units)} of {where} in {plain(report.file)}."]
    if report.without_hash:
        lines.append(f"Without a hash, so that only ETag and length are told: {plural(report.without_hash, 'object')}.")
    if report.size_only:
        lines.append(f"Compared with the bucket by length only: {plural(report.size_only, 'object')}.")
    if report.damaged:
        mend = f"`oomirror verify {report.dataset} --repair` mends them; then certify again."
        lines.append(f"Left out, for they are damaged or lost: {plural(report.damaged, 'object')}. {mend}")
    lines.append("`oomirror verify --against FILE --share DIR` checks any copy against it, without a catalog.")
    return "\n".join(lines)

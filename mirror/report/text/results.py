"""What was done, as text: a sentence or two, how it was verified, and every object that failed or was refused."""

from __future__ import annotations

from collections.abc import Iterable

from mirror.keys import is_folder_marker
from mirror.report.model import ScanReport, SyncReport, Verified
from mirror.report.numbers import Units, format_amount, format_rate, format_seconds, plural
from mirror.report.text.table import plain

TOO_SHORT = "Listing alone took longer than --max-duration: give it a longer one."


def render_sync(report: SyncReport, *, units: Units = Units.SI) -> str:
    """Return what a sync did."""
    return "\n".join([*_done(report, units), *_verified(report.verified), *_problems(report)])


def render_syncs(reports: Iterable[SyncReport], *, units: Units = Units.SI) -> str:
    """Return what an adoption did, bucket by bucket."""
    return "\n".join(_adopted(report, units) for report in reports) or "Nothing of the buckets' lies on the share."


def render_problems(report: SyncReport) -> str:
    """Return only what failed and was refused; empty if nothing was."""
    return "\n".join(_problems(report))


def render_scans(reports: Iterable[ScanReport], *, units: Units = Units.SI) -> str:
    """Return what was listed."""
    return "\n".join(_scanned(report, units) for report in reports)


def _done(report: SyncReport, units: Units) -> list[str]:
    names = ", ".join(report.datasets)
    where = f"{names} from bucket {report.bucket}"
    if report.run is None:
        return [f"Nothing was done for {where}."]
    lines = [_nothing(report, where)]
    if report.transferred.objects:
        lines = [f"Mirrored {format_amount(report.transferred, units)} of {where} {_speed(report, units)}."]
    if report.crops:
        names = ", ".join(dict.fromkeys(crop.number for crop in report.crops))
        lines.append(f"Of raw only what crops touch: {names}.")
    for amount, words in (
        (report.adopted, "Taken over from the share as they lay"),
        (report.replaced, "Of the fetched, in the place of a file that differed"),
        (report.deleted, "Deleted, into the trash"),
        (report.up_to_date, "There already"),
    ):
        if amount.objects:
            lines.append(f"{words}: {format_amount(amount, units)}.")
    if n_markers := sum(is_folder_marker(one.key) for one in report.skipped):
        lines.append(f"Passed over, as they hold nothing: {plural(n_markers, 'folder marker')}.")
    if not report.complete:
        left = max(0, report.planned.objects - report.transferred.objects)
        lines.append(
            f"Not all was tried, {plural(left, 'object')} {'is' if left == 1 else 'are'} left"
            + (f". {TOO_SHORT}" if report.is_only_listed else ": the same command goes on from here.")
        )
    return lines


def _nothing(report: SyncReport, where: str) -> str:
    had_to = "could" if report.planned.objects else "had to"
    return f"Nothing {had_to} be fetched for {where}; it took {format_seconds(report.seconds)}."


def _speed(report: SyncReport, units: Units) -> str:
    if not report.seconds:
        return "at once"
    return f"in {format_seconds(report.seconds)}, {format_rate(report.transferred.bytes / report.seconds, units)}"


_HOW = {
    "md5": "by MD5",
    "multipart_etag": "by the ETag of a multipart upload",
    "checksum": "by a checksum of S3",
    "size_only": "by size only",
}


def _verified(verified: Verified) -> list[str]:
    counts = [(getattr(verified, name), words) for name, words in _HOW.items()]
    said = [f"{amount.objects:,} {words}" for amount, words in counts if amount.objects]
    return [f"Verified: {', '.join(said)}."] if said else []


def _problems(report: SyncReport) -> list[str]:
    lines: list[str] = []
    if report.failed:
        lines.append(f"Failed: {plural(len(report.failed), 'object')}:")
        lines += [f"  {plain(one.key)}: {plain(one.reason)}" for one in report.failed]
    others = [one for one in report.skipped if not is_folder_marker(one.key)]
    if others:
        lines.append(f"Left out: {plural(len(others), 'object')}:")
        lines += [f"  {plain(one.key)}: {plain(one.reason)}" for one in others]
    return lines


def _adopted(report: SyncReport, units: Units) -> str:
    where = f"{', '.join(report.datasets)} of bucket {report.bucket}"
    lines = [f"Adopted {format_amount(report.adopted, units)} of {where} in {format_seconds(report.seconds)}."]
    if report.up_to_date.objects:
        lines.append(f"Known already: {format_amount(report.up_to_date, units)}.")
    if not report.complete:
        lines.append("Not all was tried: the same command goes on from here.")
    return "\n".join([*lines, *_verified(report.verified), *_problems(report)])


def _scanned(report: ScanReport, units: Units) -> str:
    listed = format_amount(report.listed, units)
    numbers = f"{plural(report.volumes, 'volume')}, {plural(report.arrays, 'array')}"
    odd = f", {plural(report.findings, 'finding')}" if report.findings else ""
    return f"{report.dataset} in bucket {report.bucket}: {listed}, {numbers}{odd}; {format_seconds(report.seconds)}."

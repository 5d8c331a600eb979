"""What became of one object, judged from what the bucket had, what the catalog recorded and what lies on the share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of an object. The values stand in JSON."""

    ON_SHARE = "on-share"
    """It is there as it was verified, and the bucket has it so, as far as known."""
    OUTDATED = "outdated"
    """It is there as it was verified, and the bucket has another one by now."""
    GONE_UPSTREAM = "gone-upstream"
    """It is there as it was verified, and the bucket has it no more."""
    IN_DOUBT = "in-doubt"
    """A run that was replacing it did not finish."""
    DAMAGED = "damaged"
    """What lies there has another length than was verified, or is no file."""
    LOST = "lost"
    """It was verified, and is not there any more."""
    RECORDED = "recorded"
    """It was verified; the share cannot be seen from here."""
    NOT_ADOPTED = "not-adopted"
    """A file lies there that was not mirrored by us, in the length of the bucket's."""
    FOREIGN = "foreign"
    """A file lies there that was not mirrored by us and is none of the bucket's."""
    NOT_CHOSEN = "not-chosen"
    """The bucket has it, and no sync chose it."""
    NOT_MIRRORED = "not-mirrored"
    """The bucket has it and a sync chose it, and it did not come."""
    ABSENT_UPSTREAM = "absent-upstream"
    """A block that the bucket never stored: it reads as 0."""
    OUTSIDE_GRID = "outside-grid"
    """A place outside the array: no reader asks for it."""
    NEVER_LISTED = "never-listed"
    """Not on the share, and no whole listing tells whether the bucket has it."""
    NO_ROWS = "no-rows"
    """This catalog holds no rows of single blocks: it is a published one."""
    UNKNOWN = "unknown"
    """Neither bucket nor share had it, and it is the place of no block."""


class Upstream(StrEnum):
    """What the newest listing that covers a place says of it."""

    LISTED = "listed"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """No listing covers it."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of a content: bytes, and packed ETag."""

    size: int
    etag: bytes = b""
    """Empty: in doubt, or not known."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a verdict rests on."""

    upstream: Upstream
    listed: Content | None
    """As the newest listing has it; None unless it is listed."""
    recorded: Content | None
    """As it was verified on the share, by the catalog."""
    file_size: int | None
    """Of the file on the share, negative for what is no file; None where there is none."""
    is_share_seen: bool
    is_block: bool
    is_inside_grid: bool
    """Of a block."""
    is_chosen: bool
    """Whether a sync chose it."""
    has_rows: bool = True
    """Whether the catalog holds rows of objects such as this one."""


def judge(evidence: Evidence) -> Verdict:
    """Return what became of the object. Three cases: it was recorded; a file lies there; neither."""
    if evidence.recorded is not None:
        return _judge_recorded(evidence, evidence.recorded)
    if not evidence.has_rows:
        return Verdict.NO_ROWS
    if evidence.file_size is not None:
        is_upstream = evidence.listed is None or evidence.listed.size == evidence.file_size
        return Verdict.NOT_ADOPTED if is_upstream and evidence.upstream is not Upstream.ABSENT else Verdict.FOREIGN
    return _judge_nothing_here(evidence)


def _judge_recorded(evidence: Evidence, recorded: Content) -> Verdict:
    if not evidence.is_share_seen:
        return Verdict.RECORDED
    if evidence.file_size is None:
        return Verdict.LOST
    if not recorded.etag:
        return Verdict.IN_DOUBT
    if evidence.file_size != recorded.size:
        return Verdict.DAMAGED
    if evidence.upstream is Upstream.ABSENT:
        return Verdict.GONE_UPSTREAM
    return Verdict.OUTDATED if evidence.listed not in (None, recorded) else Verdict.ON_SHARE


def _judge_nothing_here(evidence: Evidence) -> Verdict:
    if evidence.upstream is Upstream.LISTED:
        return Verdict.NOT_MIRRORED if evidence.is_chosen else Verdict.NOT_CHOSEN
    if not evidence.is_block:
        return Verdict.UNKNOWN
    if not evidence.is_inside_grid:
        return Verdict.OUTSIDE_GRID
    return Verdict.ABSENT_UPSTREAM if evidence.upstream is Upstream.ABSENT else Verdict.NEVER_LISTED

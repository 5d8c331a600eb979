"""What a check found, as its report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from catalog import queries
from mirror.app.verify.choice import Chosen
from mirror.app.verify.outcome import Found, Outcome, Unmended
from mirror.app.verify.parts import Part
from mirror.app.verify.request import VerifyRequest
from mirror.engine.scrub import Damage, Depth
from mirror.errors import ExitCode
from mirror.objects import Tally
from mirror.report.model import Amount
from mirror.report.verification import (
    CheckedLevel,
    DamagedObject,
    DamageKind,
    LostObject,
    UnmendedObject,
    VerifyReport,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection


def report_of(
    connection: Connection,
    request: VerifyRequest,
    chosen: Sequence[Chosen],
    parts: Sequence[Part],
    outcome: Outcome,
    *,
    folders: Mapping[str, str],
    runs: tuple[int, ...],
    is_complete: bool,
    seconds: float,
) -> VerifyReport:
    """Return the report.

    Parameters
    ----------
    folders
        Of the buckets on the share, by name.
    """
    levels = tuple(_levels(outcome))
    checked = _sum(line.checked for line in levels)
    bad = _sum(amount for line in levels for amount in (line.damaged, line.lost))
    left, oldest = left_unchecked(connection, chosen, parts, request.depth)
    damaged, lost, unmended = (
        tuple(
            DamagedObject(**_named(folders, one), kind=_kind(one.damage), reason=one.reason) for one in outcome.damaged
        ),
        tuple(LostObject(**_named(folders, one)) for one in outcome.lost),
        tuple(UnmendedObject(**_named(folders, one), reason=one.reason) for one in outcome.unmended),
    )
    n_unmended = outcome.unmended.n_all
    return VerifyReport(
        runs=runs,
        depth=request.depth.word,  # type: ignore[arg-type]
        complete=is_complete,
        datasets=tuple(dict.fromkeys(one.place.dataset for one in chosen)),
        checked=checked,
        ok=Amount(objects=checked.objects - bad.objects, bytes=checked.bytes - bad.bytes),
        damaged=damaged,
        damaged_more=outcome.damaged.n_all - len(damaged),
        lost=lost,
        lost_more=outcome.lost.n_all - len(lost),
        kinds={kind.value: n for kind, n in outcome.n_by_kind().items()},
        absent_upstream=_absent(connection, chosen, parts),
        repaired=outcome.to_mend().objects - n_unmended if request.repair else 0,
        unrepaired=n_unmended,
        unmended=unmended,
        unmended_more=n_unmended - len(unmended),
        upgraded=Amount.of(outcome.upgraded),
        levels=levels,
        never_checked=Amount.of(left),
        oldest_check_at=None if oldest is None else oldest.isoformat(),
        seconds=seconds,
    )


def exit_code_of(report: VerifyReport) -> ExitCode:
    """Return the exit code that a report stands for: strays are differences, too, which nothing here removes.

    Files that may not be read, where nothing else is wrong, are objects that failed. A check that had nothing to look
    at has failed: after a catalog was lost, it must not look like a night on which all is whole.
    """
    if report.is_of_nothing:
        return ExitCode.FAILED
    is_mended = report.n_mendable <= report.repaired
    if report.n_of("stray") or not (is_mended or report.n_mendable == report.n_of("unreadable")):
        return ExitCode.DIFFERENCES
    return ExitCode.DONE if is_mended else ExitCode.INCOMPLETE


def _named(folders: Mapping[str, str], one: Found | Unmended) -> dict[str, str]:
    bucket, key = one.name
    return {"key": key, "path": f"{folders[bucket]}/{key}"}


def _kind(damage: Damage) -> DamageKind:
    return cast("DamageKind", damage.value)


def _levels(outcome: Outcome) -> Iterable[CheckedLevel]:
    for name, checked in sorted(outcome.checked.items()):
        bucket, dataset, volume, level = name
        yield CheckedLevel(
            bucket=bucket,
            dataset=dataset,
            volume=volume,
            level=level or None,
            checked=Amount.of(checked),
            damaged=Amount.of(outcome.wrong_of(name, is_lost=False)),
            lost=Amount.of(outcome.wrong_of(name, is_lost=True)),
        )


def _absent(connection: Connection, chosen: Iterable[Chosen], parts: Iterable[Part]) -> int:
    """Return how many blocks of the grids, of levels that are on the share, the bucket does not have."""
    there = {part.array.key_prefix for part in parts if part.array is not None}
    n_absent = 0
    for one in chosen:
        wanted = {array.key_prefix for array in one.arrays} & there
        for level in queries.level_states(connection, one.place.bucket_id, one.place.dataset) if wanted else ():
            if level.array.key_prefix in wanted and level.blocks is not None and level.array.n_blocks is not None:
                n_absent += level.array.n_blocks - level.blocks.objects
    return n_absent


def left_unchecked(
    connection: Connection, chosen: Iterable[Chosen], parts: Sequence[Part], depth: Depth
) -> tuple[Tally, datetime | None]:
    """Return what was never looked at so deep, and when that was which was looked at longest ago; None if never."""
    moments: dict[tuple[int, str], datetime | None] = {}
    for one in chosen:
        place = one.place
        known = queries.checked_parts(connection, place.bucket_id, place.prefix, depth=depth)
        moments |= {(place.bucket_id, prefix): part.checked_at for prefix, part in known.items()}
    at = [(part, moments.get((part.place.bucket_id, part.prefix))) for part in parts if part.place.dataset]
    never = sum((part.planned for part, moment in at if moment is None and part.is_whole), Tally())
    whole = [moment for part, moment in at if part.is_whole]
    there = [moment for moment in whole if moment is not None]
    return never, min(there) if there and len(there) == len(whole) else None


def _sum(amounts: Iterable[Amount]) -> Amount:
    total = Tally()
    for one in amounts:
        total += Tally(one.objects, one.bytes)
    return Amount.of(total)

"""What a check found, as its report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from catalog import queries
from mirror.app.verify.choice import Chosen
from mirror.app.verify.keeper import Found, Outcome
from mirror.app.verify.parts import LineName, Part
from mirror.app.verify.request import VerifyRequest
from mirror.engine.scrub import Damage, Depth
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
    unmended: Mapping[tuple[str, str], str],
    folders: Mapping[str, str],
    runs: tuple[int, ...],
    is_complete: bool,
    seconds: float,
) -> VerifyReport:
    """Return the report.

    Parameters
    ----------
    unmended
        Reasons, by bucket and key.
    folders
        Of the buckets on the share, by name.
    """
    found = sorted(outcome.found.values(), key=lambda one: (one.part.place.bucket, one.claim.key))
    damaged = [one for one in found if one.damage is not Damage.LOST]
    lost = [one for one in found if one.damage is Damage.LOST]
    n_mendable = sum(one.damage is not Damage.STRAY for one in found)
    levels = tuple(_levels(outcome, found))
    checked = _sum(line.checked for line in levels)
    bad = _sum(amount for line in levels for amount in (line.damaged, line.lost))
    left, oldest = left_unchecked(connection, chosen, parts, request.depth)
    return VerifyReport(
        runs=runs,
        depth=request.depth.word,  # type: ignore[arg-type]
        complete=is_complete,
        datasets=tuple(dict.fromkeys(one.place.dataset for one in chosen)),
        checked=checked,
        ok=Amount(objects=checked.objects - bad.objects, bytes=checked.bytes - bad.bytes),
        damaged=tuple(
            DamagedObject(
                key=one.claim.key,
                path=_path(folders, one),
                kind=cast("DamageKind", one.damage.value),
                reason=one.reason,
            )
            for one in damaged
        ),
        lost=tuple(LostObject(key=one.claim.key, path=_path(folders, one)) for one in lost),
        absent_upstream=_absent(connection, chosen, parts),
        repaired=n_mendable - len(unmended) if request.repair else 0,
        unrepaired=len(unmended) if request.repair else 0,
        unmended=tuple(
            UnmendedObject(key=key, path=f"{folders[bucket]}/{key}", reason=reason)
            for (bucket, key), reason in sorted(unmended.items())
        ),
        upgraded=Amount.of(outcome.upgraded),
        levels=levels,
        never_checked=Amount.of(left),
        oldest_check_at=None if oldest is None else oldest.isoformat(),
        seconds=seconds,
    )


def _path(folders: Mapping[str, str], found: Found) -> str:
    return f"{folders[found.part.place.bucket]}/{found.claim.key}"


def _levels(outcome: Outcome, found: Iterable[Found]) -> Iterable[CheckedLevel]:
    damaged: dict[LineName, Tally] = {}
    lost: dict[LineName, Tally] = {}
    for one in found:
        if one.damage is not Damage.STRAY:
            sums = lost if one.damage is Damage.LOST else damaged
            sums[one.part.line] = sums.get(one.part.line, Tally()).plus(one.claim.size)
    for name, checked in sorted(outcome.checked.items()):
        bucket, dataset, volume, level = name
        yield CheckedLevel(
            bucket=bucket,
            dataset=dataset,
            volume=volume,
            level=level or None,
            checked=Amount.of(checked),
            damaged=Amount.of(damaged.get(name, Tally())),
            lost=Amount.of(lost.get(name, Tally())),
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

"""What the catalog keeps as damaged or lost, streamed: of a whole level that is gone it is millions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from catalog import queries
from catalog.records import ArrayRecord, DamagedRecord
from catalog.session import Catalog
from mirror.app.verify.choice import Chosen
from mirror.app.verify.outcome import Found
from mirror.app.verify.parts import Part
from mirror.app.verify.rows import Claim
from mirror.engine.scrub import Damage
from mirror.objects import Tally


def damage_of(catalog: Catalog, chosen: Chosen, *, limit: int) -> Iterator[list[DamagedRecord]]:
    """Yield what is kept as damaged of what is chosen, in the order of keys, at most `limit` objects at a time.

    No transaction is open meanwhile: what was yielded may be forgotten before the next is asked for.
    """
    place, after = chosen.place, None
    while True:
        with catalog.read() as connection:
            page = queries.damaged_objects(connection, place.bucket_id, place.prefix, after=after, limit=limit)
        if not page:
            return
        after = page[-1].key
        if some := [one for one in page if chosen.has(one.key)]:
            yield some


def found_of(chosen: Chosen, one: DamagedRecord) -> Found:
    """Return what was found of an object, as the catalog keeps it."""
    claim = Claim(one.key, one.size, one.etag, one.hash, one.how, one.mirrored_run_id)
    part = Part(chosen.place, one.key, _array_of(chosen, one.key), Tally(1, one.size))
    return Found(part, claim, Damage(one.kind), one.reason, one.is_upstream)


def record_of(found: Found, run_id: int, found_at: datetime) -> DamagedRecord:
    """Return what is kept of an object that a run found to be wrong."""
    claim = found.claim
    return DamagedRecord(
        bucket_id=found.part.place.bucket_id,
        key=claim.key,
        kind=found.damage.value,
        reason=found.reason,
        is_upstream=found.is_upstream,
        size=claim.size,
        etag=claim.etag,
        hash=claim.hash,
        how=claim.how,
        mirrored_run_id=claim.run_id,
        run_id=run_id,
        found_at=found_at,
    )


def renewed_of(record: DamagedRecord, found: Found) -> DamagedRecord:
    """Return what is kept of an object that is wrong still, as it is now; who found it first stays said."""
    return replace(record, kind=found.damage.value, reason=found.reason, is_upstream=found.is_upstream)


def _array_of(chosen: Chosen, key: str) -> ArrayRecord | None:
    inside = [one for one in chosen.arrays if key.startswith(one.key_prefix)]
    return max(inside, key=lambda one: len(one.key_prefix), default=None)

"""Foreign documents into the catalog: streamed, batch by batch, and the same again when they come again.

A pass reads a source from its start to its end. What it has committed stays when it is cut, and the next import goes on
behind it. Only a pass that came to its end tells what vanished, and nothing is dropped unless that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from catalog import queries
from catalog.mongo.bodies import storable
from catalog.mongo.documents import DocumentSource, Unreadable
from catalog.mongo.issues import IssueCode
from catalog.mongo.mapping import Mapped, map_document
from catalog.mongo.plan import BatchPlan, Incoming, incoming, plan_batch
from catalog.mongo.report import ImportReport, Tally
from catalog.mongo.understood import understood
from catalog.mongo.writing import Batch, drop_documents, prepare, write_batch, write_unreadable
from catalog.queries.imports import KnownDocument
from catalog.queries.rows import batches
from catalog.records import CropRecord, Evaluation, ImportIssue, ImportKind, ImportSource
from catalog.session import Catalog

if TYPE_CHECKING:
    from sqlalchemy import Connection

GROUND_TRUTH = "0003"
"""Version of the ground truth, where neither user nor source tells one."""
BATCH_DOCUMENTS = 2_000


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Pass:
    """One reading of a source, from its start or from where an earlier one was cut."""

    source: DocumentSource
    record: ImportSource
    """As the pass began; its id is None only in a dry run of a source that is new."""
    version: str
    is_resumed: bool
    maps_all: bool
    """Whether documents that did not change are looked at, too."""


def import_source(
    catalog: Catalog,
    source: DocumentSource,
    *,
    prune: bool = False,
    ground_truth: str | None = None,
    clock: Callable[[], datetime] = utc_now,
    batch: int = BATCH_DOCUMENTS,
    on_seen: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Import the documents of a source; again, it changes nothing but what changed there.

    Parameters
    ----------
    prune
        Drop the documents that are not in the source any more, if all of it could be read; else they are counted.
    ground_truth
        Version that crops belong to; without it that which the source tells, else `GROUND_TRUTH`.
    batch
        Documents in one transaction.
    on_seen
        Told after each batch how many documents were seen.

    Raises
    ------
    ImportFailedError
        The source cannot be read any further: what was committed stays, and the next import goes on behind it. Or none
        of its documents is understood: nothing is written then.
    CatalogError
        The catalog is locked, damaged or newer.
    """
    with catalog.read() as connection:
        one = _begin(connection, source, ground_truth)
    found = source.documents(one.record.resume_after) if one.is_resumed else understood(source, one.version)
    with catalog.begin() as connection:
        prepare(connection)
        one = _after_others(connection, one)
        source_id = queries.put_import_source(connection, _started(one, clock()))
    one = replace(one, record=replace(one.record, id=source_id))
    tally, unreadable = Tally(), set[str]()
    for some in batches(map(incoming, found), batch):
        with catalog.begin() as connection:
            refused = _write(connection, one, some, tally, clock())
        unreadable.update(refused)
        on_seen(tally.seen)
    vanished, dropped = _finish(catalog, one, unreadable, prune=prune, clock=clock, batch=batch)
    with catalog.read() as connection:
        issues = queries.count_issues(connection, source_id)
    return _report(one, tally, vanished=vanished, dropped=dropped, issues=issues)


def preview_import(
    catalog: Catalog | None,
    source: DocumentSource,
    *,
    ground_truth: str | None = None,
    batch: int = BATCH_DOCUMENTS,
    on_seen: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Return what `import_source` would do, and write nothing. Reads the whole source, also where a pass was cut.

    Parameters
    ----------
    catalog
        None: there is none yet.

    Raises
    ------
    ImportFailedError
        As of `import_source`.
    """
    record, n_known = _fresh(source, ground_truth), 0
    if catalog is not None:
        with catalog.read() as connection:
            known = queries.find_import_source(connection, source.kind, source.place, source.collection)
            if known is not None and known.id is not None:
                record = replace(record, id=known.id, pass_number=known.pass_number + 1)
                n_known = queries.count_vanished(connection, known.id, record.pass_number)
    one = _Pass(source, record, record.version or GROUND_TRUTH, is_resumed=False, maps_all=True)
    tally = Tally()
    for some in batches(map(incoming, understood(source, one.version)), batch):
        documents = [each for each in some if isinstance(each, Incoming)]
        plan = plan_batch(documents, _known(catalog, record.id, documents), record.pass_number, is_resumed=False)
        _count(one, some, plan, tally)
        on_seen(tally.seen)
    vanished = n_known - tally.changed - tally.unchanged
    return _report(one, tally, vanished=vanished, dropped=0, issues=tally.issues, is_dry_run=True)


def _begin(connection: Connection, source: DocumentSource, ground_truth: str | None) -> _Pass:
    known = queries.find_import_source(connection, source.kind, source.place, source.collection)
    fresh = _fresh(source, ground_truth)
    version = fresh.version or GROUND_TRUTH
    if known is None:
        return _Pass(source, fresh, version, is_resumed=False, maps_all=False)
    # Of another ground truth, documents that did not change are about other crops.
    is_other, is_about_crops = known.version != version, source.kind is ImportKind.CROPS
    if known.finished_at is None and known.resume_after is not None and not is_other:
        # What was cut may have been the first pass under this version.
        return _Pass(source, known, version, is_resumed=True, maps_all=is_about_crops)
    record = replace(fresh, pass_number=known.pass_number + 1, id=known.id)
    return _Pass(source, record, version, is_resumed=False, maps_all=is_other and is_about_crops)


def _after_others(connection: Connection, one: _Pass) -> _Pass:
    """Return a pass with a number of its own: while it looked for a document, another import may have had its."""
    record = one.record
    known = queries.find_import_source(connection, record.kind, record.place, record.collection)
    if known is None or one.is_resumed or known.pass_number < record.pass_number:
        return one
    return replace(one, record=replace(record, id=known.id, pass_number=known.pass_number + 1))


def _fresh(source: DocumentSource, ground_truth: str | None) -> ImportSource:
    return ImportSource(
        kind=source.kind,
        place=storable(source.place),
        collection=storable(source.collection),
        version=ground_truth or source.version or GROUND_TRUTH,
        pass_number=1,
        resume_after=None,
        started_at=datetime.fromtimestamp(0, UTC),
        finished_at=None,
        documents=0,
    )


def _started(one: _Pass, now: datetime) -> ImportSource:
    return one.record if one.is_resumed else replace(one.record, started_at=now)


def _write(
    connection: Connection,
    one: _Pass,
    some: list[Incoming | Unreadable],
    tally: Tally,
    now: datetime,
) -> list[str]:
    """Write one batch and how far the pass is; return the places of what could not be read."""
    source_id = _id(one)
    documents = [each for each in some if isinstance(each, Incoming)]
    known = queries.known_documents(connection, source_id, (each.key for each in documents))
    plan = plan_batch(documents, known, one.record.pass_number, is_resumed=one.is_resumed)
    mapped = _count(one, some, plan, tally)
    write_batch(connection, Batch(source_id, one.source.kind, one.record.pass_number, plan, mapped, now))
    refused = [*(each for each in some if isinstance(each, Unreadable)), *plan.refused]
    write_unreadable(connection, source_id, refused, now=now)
    before = one.record.documents if one.is_resumed else 0
    # Of a key that cannot be stored as it is, a source has none like it, and is read from its start.
    resume_after = documents[-1].key if documents else one.record.resume_after
    queries.put_import_progress(connection, source_id, resume_after=resume_after, documents=before + tally.seen)
    return [storable(each.place) for each in refused]


def _count(
    one: _Pass, some: list[Incoming | Unreadable], plan: BatchPlan, tally: Tally
) -> dict[str, Mapped[CropRecord] | Mapped[Evaluation]]:
    """Count a batch; return what its documents say, by key."""
    tally.count_unreadable(each for each in some if isinstance(each, Unreadable))
    tally.count_unreadable(plan.refused)
    tally.seen += len(plan.new) + len(plan.changed) + len(plan.unchanged)
    tally.new += len(plan.new)
    tally.changed += len(plan.changed)
    tally.unchanged += len(plan.unchanged)
    fresh = [*plan.new, *(each for each, _ in plan.changed)]
    # Crops are few, and counted by dataset and state whether they changed or not.
    is_small = one.source.kind is ImportKind.CROPS
    same = [each for each, _ in plan.unchanged] if one.maps_all or is_small else []
    mapped = {each.key: map_document(one.source.kind, each.document, one.version) for each in (*fresh, *same)}
    for each in (*fresh, *same):
        tally.count(each.document, mapped[each.key])
    if not one.maps_all:
        for each in same:
            del mapped[each.key]
    return mapped


def _finish(
    catalog: Catalog, one: _Pass, unreadable: set[str], *, prune: bool, clock: Callable[[], datetime], batch: int
) -> tuple[int, int]:
    """End a pass that saw all of its source; return how many documents vanished, and how many of them were dropped."""
    source_id, pass_number = _id(one), one.record.pass_number
    dropped = 0
    with catalog.read() as connection:
        vanished = queries.count_vanished(connection, source_id, pass_number)
        known = queries.issue_keys(connection, source_id, IssueCode.UNREADABLE)
    # One that could not be read may be one that seems to have vanished.
    prunes = prune and not unreadable and not (one.is_resumed and known)
    while prunes and dropped < vanished:
        with catalog.begin() as connection:
            ids = queries.vanished_documents(connection, source_id, pass_number, limit=batch)
            drop_documents(connection, ids, now=clock())
        dropped += len(ids)
    with catalog.begin() as connection:
        if not one.is_resumed:
            gone: dict[str, list[ImportIssue]] = {place: [] for place in sorted(known - unreadable)}
            queries.replace_issues(connection, source_id, gone, {IssueCode.UNREADABLE}, now=clock())
        queries.end_import(connection, source_id, now=clock())
    return vanished, dropped


def _known(catalog: Catalog | None, source_id: int | None, documents: list[Incoming]) -> dict[str, KnownDocument]:
    if catalog is None or source_id is None:
        return {}
    with catalog.read() as connection:
        return queries.known_documents(connection, source_id, (each.key for each in documents))


def _id(one: _Pass) -> int:
    if one.record.id is None:
        raise TypeError("a source that was never put")
    return one.record.id


def _report(
    one: _Pass, tally: Tally, *, vanished: int, dropped: int, issues: Mapping[str, int], is_dry_run: bool = False
) -> ImportReport:
    return ImportReport(
        kind=one.source.kind,
        place=one.record.place,
        collection=one.record.collection,
        version=one.version,
        is_dry_run=is_dry_run,
        is_resumed=one.is_resumed,
        pass_number=one.record.pass_number,
        seen=tally.seen,
        new=tally.new,
        changed=tally.changed,
        unchanged=tally.unchanged,
        vanished=vanished,
        dropped=dropped,
        n_unreadable=tally.n_unreadable,
        n_not_understood=tally.n_not_understood,
        failed=tuple(tally.failed),
        issues=dict(sorted(issues.items())),
        by_dataset=dict(sorted(tally.by_dataset.items())),
        by_state=dict(sorted(tally.by_state.items())),
    )

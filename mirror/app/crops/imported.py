"""`oomirror import-mongo`: what the paper's databases and their dumps say of crops and evaluations."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalog import queries
from catalog.errors import CatalogMissingError, ImportFailedError
from catalog.session import Catalog, open_catalog
from mirror.app.crops.check import check_all_crops
from mirror.app.crops.issues import unknown_datasets
from mirror.app.crops.words import put_crop_entries
from mirror.app.publish import publish_where_ours
from mirror.app.workplace import utc_now
from mirror.config import Settings
from mirror.engine.events import DocumentsSeen, EventSink, Note, ignore
from mirror.errors import UsageError
from mirror.report.imports import DocumentCounts, FailedDocumentLine, ImportReport, SourceReport

if TYPE_CHECKING:
    from catalog.mongo.documents import DocumentSource
    from catalog.mongo.report import ImportReport as Imported

_COLLECTED_AFTER = 50_000
"""Documents."""


def import_documents(
    settings: Settings,
    where: str | None = None,
    *,
    database: str | None = None,
    collection: str | None = None,
    ground_truth: str | None = None,
    prune: bool = False,
    dry_run: bool = False,
    sink: EventSink = ignore,
) -> ImportReport:
    """Import the documents of a server, a file or a folder into the catalog; return what became of each source.

    Parameters
    ----------
    where
        Address, file or folder, as `open_sources` takes it; None: the address of the settings.
    ground_truth
        Version that crops belong to; None: as the name of the collection tells, else 0003.
    prune
        Drop what is not in a source any more.
    dry_run
        Write nothing, and make no catalog.

    Raises
    ------
    ImportUsageError
        Nothing that can be imported.
    UsageError
        No source is named, and none is configured.
    ImportFailedError
        The only source there is cannot be read to its end, or none of its documents is understood.
    CatalogError
        The catalog is locked, damaged or newer.

    Stopped at any time, it leaves whole batches; the next import goes on behind them.
    """
    # Imported here: pymongo takes a quarter of a second, and no other command needs it.
    from catalog.mongo.importer import import_source, preview_import
    from catalog.mongo.source import open_sources

    def work(catalog: Catalog | None, source: DocumentSource) -> Imported:
        def on_seen(documents: int) -> None:
            sink(DocumentsSeen(documents))
            if documents % _COLLECTED_AFTER == 0:
                # Transactions leave cycles of SQLAlchemy's, and the process looks for cycles seldom: a million
                # documents left 100 MB.
                gc.collect()

        if catalog is None or dry_run:
            return preview_import(catalog, source, ground_truth=ground_truth, on_seen=on_seen)
        return import_source(catalog, source, prune=prune, ground_truth=ground_truth, on_seen=on_seen)

    with (
        open_sources(where or _configured(settings), database=database, collection=collection) as opened,
        _catalog(settings, dry_run) as catalog,
    ):
        is_only = len(opened.sources) == 1
        reports = tuple(_one(catalog, source, work, is_only=is_only) for source in opened.sources)
        if catalog is not None and not dry_run:
            with catalog.begin() as connection:
                put_crop_entries(connection)
                check_all_crops(connection, now=utc_now())
            for problem in publish_where_ours(settings, catalog):
                sink(Note(problem))
        return ImportReport(dry_run=dry_run, sources=reports, left_out=opened.left_out)


def _configured(settings: Settings) -> str:
    """Return the address of the configuration, login and all: for the driver alone."""
    uri = settings.mongo.uri.get_secret_value()
    if not uri:
        hint = "Name a server, a file or a folder, or set OOMIRROR_MONGO__URI."
        raise UsageError("nothing to import is named", hint=hint)
    return uri


@contextmanager
def _catalog(settings: Settings, dry_run: bool) -> Iterator[Catalog | None]:  # noqa: FBT001
    """Yield the catalog; that of a dry run is read only, and None where there is none yet."""
    try:
        catalog = open_catalog(settings.catalog, create=not dry_run, read_only=dry_run)
    except CatalogMissingError:
        if not dry_run:
            raise
        yield None
        return
    with catalog:
        yield catalog


def _one(
    catalog: Catalog | None,
    source: DocumentSource,
    work: Callable[[Catalog | None, DocumentSource], Imported],
    *,
    is_only: bool,
) -> SourceReport:
    """Import one source; one that fails does not keep others from being imported."""
    started = time.monotonic()
    try:
        imported = work(catalog, source)
    except ImportFailedError as error:
        if is_only:
            raise
        return SourceReport(
            kind=source.kind.value,
            place=source.place,
            collection=source.collection,
            version=source.version or "",
            complete=False,
            resumed=False,
            documents=DocumentCounts(),
            crops_by_dataset={},
            labels_by_state={},
            issues={},
            failed=(),
            error=str(error),
            seconds=round(time.monotonic() - started, 3),
        )
    issues = dict(imported.issues)
    if catalog is not None and not imported.is_dry_run:
        with catalog.read() as connection:
            known = queries.find_import_source(connection, imported.kind, imported.place, imported.collection)
            if known is not None and known.id is not None:
                issues |= Counter(one.code for one in unknown_datasets(connection, [known.id]))
    return _report(imported, issues, round(time.monotonic() - started, 3))


def _report(imported: Imported, issues: dict[str, int], seconds: float) -> SourceReport:
    return SourceReport(
        kind=imported.kind.value,
        place=imported.place,
        collection=imported.collection,
        version=imported.version,
        complete=True,
        resumed=imported.is_resumed,
        documents=DocumentCounts(
            seen=imported.seen,
            new=imported.new,
            changed=imported.changed,
            unchanged=imported.unchanged,
            vanished=imported.vanished,
            dropped=imported.dropped,
            unreadable=imported.n_unreadable,
            not_understood=imported.n_not_understood,
        ),
        crops_by_dataset=dict(imported.by_dataset),
        labels_by_state=dict(imported.by_state),
        issues=issues,
        failed=tuple(
            FailedDocumentLine(place=one.place, key=one.key, expected=one.expected, found=one.found)
            for one in imported.failed
        ),
        error=None,
        seconds=seconds,
    )

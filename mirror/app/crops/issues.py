"""`oomirror catalog issues`: what is odd about the documents that were imported."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Literal, cast

from catalog import queries
from catalog.records import ImportIssue, ImportKind, ImportSource, SourceDocument
from mirror.app.lookup import check_word
from mirror.app.reading import catalog_for_reading
from mirror.config import Settings
from mirror.errors import UsageError
from mirror.report.crops import IssueLine

if TYPE_CHECKING:
    from sqlalchemy import Connection

_SEVERITIES = ("note", "warning")


def list_issues(
    settings: Settings,
    *,
    code: str | None = None,
    kind: str | None = None,
    severity: str | None = None,
) -> tuple[IssueLine, ...]:
    """Return a line for each issue, by source, document and field.

    Parameters
    ----------
    code, kind, severity
        Only issues with this code, of documents of this kind, of this severity.

    Raises
    ------
    UnknownNameError
        No such code, kind or severity.
    UsageError
        The catalog is a published one, which has no documents.
    CatalogError
        There is no catalog, or it cannot be read.
    """
    from catalog.mongo.issues import IssueCode

    check_word("code", code, [one.value for one in IssueCode])
    check_word("kind", kind, [one.value for one in ImportKind])
    check_word("severity", severity, _SEVERITIES)
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        if catalog.is_published:
            raise not_published(catalog.url)
        lines = issue_lines(connection)
    return tuple(
        line
        for line in lines
        if code in {None, line.code} and kind in {None, line.kind} and severity in {None, line.severity}
    )


def issue_lines(connection: Connection, *, documents: Iterable[SourceDocument] | None = None) -> tuple[IssueLine, ...]:
    """Return what is odd about documents, or about all: what an import put down, and datasets that no bucket has."""
    sources = {one.id: one for one in queries.import_sources(connection)}
    if documents is None:
        found = [*queries.import_issues(connection), *unknown_datasets(connection)]
    else:
        named = {(one.source_id, one.document_key) for one in documents}
        keys = {key for _, key in named}
        found = [
            one
            for one in queries.import_issues(connection, document_keys=keys)
            if (one.source_id, one.document_key) in named
        ]
    return tuple(_line(sources[one.source_id], one) for one in found)


def unknown_datasets(connection: Connection, source_ids: Collection[int] | None = None) -> list[ImportIssue]:
    """Return an issue for each dataset of a source that no bucket which was scanned has; gone as soon as one has it."""
    from catalog.mongo.issues import IssueCode

    known = queries.bucket_datasets(connection)
    return [
        ImportIssue(
            source_id,
            "",
            IssueCode.UNKNOWN_DATASET.value,
            field,
            "a dataset that a bucket has, as `oomirror scan` lists it",
            f"{dataset} in {count:,} document{'' if count == 1 else 's'}",
        )
        for source_id, field, dataset, count in queries.imported_datasets(connection)
        if dataset not in known and (source_ids is None or source_id in source_ids)
    ]


def not_published(url: str) -> UsageError:
    """Return the error of asking a published catalog for documents."""
    return UsageError(
        "documents and evaluations are not in the published catalog",
        url,
        hint="They are in the catalog of the machine that imported them.",
    )


def _line(source: ImportSource, issue: ImportIssue) -> IssueLine:
    from catalog.mongo.issues import severity_of

    return IssueLine(
        severity=cast("Literal['note', 'warning']", severity_of(issue.code)),
        code=issue.code,
        kind=source.kind.value,
        place=source.place,
        collection=source.collection,
        document=issue.document_key,
        field=issue.field,
        expected=issue.expected,
        found=issue.found,
        first_seen_at=None if issue.first_seen_at is None else issue.first_seen_at.isoformat(),
    )

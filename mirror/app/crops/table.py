"""`oomirror crops import-manifest`: the cellmap table into the catalog, each row kept as it stands in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Literal

from catalog import queries
from catalog.mongo.bodies import body_of, content_hash, storable
from catalog.queries import KnownDocument
from catalog.records import ClassCrop, ImportIssue, ImportKind, ImportSource, SourceDocument
from catalog.session import Catalog, open_catalog
from mirror.app.crops.check import check_crops
from mirror.app.datasets import plain_errors
from mirror.app.given import given_documents
from mirror.app.workplace import utc_now
from mirror.config import Settings
from mirror.crops.table import TableLine, TableRow, parse_table
from mirror.errors import MalformedDocumentError
from mirror.report.crop_table import CropTableFault, CropTableLine

if TYPE_CHECKING:
    from sqlalchemy import Connection

_State = Literal["new", "changed", "unchanged", "failed"]
_ISSUE = "row-not-taken"
_ALL = 2**31


async def import_tables(settings: Settings, sources: Iterable[str]) -> tuple[CropTableLine, ...]:
    """Import cellmap tables; return a line for each, in the order they were read.

    Parameters
    ----------
    sources
        Files, folders (all `*.csv` below them), `https://` addresses, or `s3://` ones in a bucket that is configured.

    Raises
    ------
    UsageError
        A source that is not there, or an address of another kind.
    StoreError
        A table that cannot be read from its server.
    CatalogError
        The catalog is locked, damaged or newer.

    A file that is no table is a `failed` line and changes nothing; one that is as it was changes nothing either.
    """
    lines = []
    async with plain_errors():
        with ExitStack() as stack:
            opened = cache(lambda: stack.enter_context(open_catalog(settings.catalog)))
            for source in sources:
                async for place, body in given_documents(settings, source, suffix=".csv"):
                    lines.append(import_table(opened, place, body))
    return tuple(lines)


def import_table(opened: Callable[[], Catalog], place: str, body: bytes) -> CropTableLine:
    """Import one table, whole or not at all; return what came of it."""
    try:
        lines = parse_table(body, place)
    except MalformedDocumentError as error:
        return _line(place, "failed", (), _Difference(), 0, reason=str(error))
    with opened().begin() as connection:
        return _put(connection, place, lines, utc_now())


@dataclass(frozen=True, slots=True)
class _Difference:
    """How a table differs from what the catalog has of it."""

    new: tuple[str, ...] = ()
    """Keys of rows, as those of `changed`."""
    changed: tuple[str, ...] = ()
    dropped: tuple[int, ...] = ()
    """Ids of documents."""
    known: Mapping[str, KnownDocument] = field(default_factory=dict)
    """Those of the table's rows that the catalog has."""

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.dropped)


def _put(connection: Connection, place: str, lines: Sequence[TableLine], now: datetime) -> CropTableLine:
    before = queries.find_import_source(connection, ImportKind.CLASS_CROPS, place, "")
    difference = _difference(connection, before, lines)
    rows = sorted((_record(line.row) for line in lines if line.row is not None), key=_order)
    earlier = () if before is None else queries.class_crops(connection, source_id=before.id)
    is_same = (
        before is not None
        and not difference
        and sorted(earlier, key=_order) == [replace(row, source_id=before.id) for row in rows]
    )
    if not is_same:
        source = _next_pass(before, place, len(lines), now)
        source_id = queries.put_import_source(connection, source)
        _keep_documents(connection, replace(source, id=source_id), lines, difference)
        queries.replace_class_crops(connection, source_id, rows)
        issues = {_key(line): _issues(source_id, line) for line in lines}
        queries.replace_issues(connection, source_id, issues, {_ISSUE}, now=now)
    datasets = sorted({row.dataset for row in (*earlier, *rows)})
    n_findings = sum(check_crops(connection, dataset, now=now) for dataset in datasets)
    state: _State = "unchanged" if is_same else "new" if before is None else "changed"
    return _line(place, state, lines, difference, n_findings)


def _difference(connection: Connection, before: ImportSource | None, lines: Sequence[TableLine]) -> _Difference:
    keys = tuple(map(_key, lines))
    if before is None or before.id is None:
        return _Difference(new=keys)
    known = queries.known_documents(connection, before.id, keys)
    every = queries.vanished_documents(connection, before.id, before.pass_number + 1, limit=_ALL)
    kept = {one.id for one in known.values()}
    return _Difference(
        new=tuple(key for key in keys if key not in known),
        changed=tuple(
            key
            for key, line in zip(keys, lines, strict=True)
            if key in known and known[key].hash != content_hash(line.fields)
        ),
        dropped=tuple(one for one in every if one not in kept),
        known=known,
    )


def _next_pass(before: ImportSource | None, place: str, n_lines: int, now: datetime) -> ImportSource:
    return ImportSource(
        kind=ImportKind.CLASS_CROPS,
        place=place,
        collection="",
        version=None,
        pass_number=1 if before is None else before.pass_number + 1,
        resume_after=None,
        started_at=now,
        finished_at=now,
        documents=n_lines,
    )


def _keep_documents(
    connection: Connection, source: ImportSource, lines: Sequence[TableLine], difference: _Difference
) -> None:
    """Keep each row as it stands in the file, and how those that changed or vanished were."""
    if source.id is None:
        raise TypeError("a source that was never put")
    known, now = difference.known, source.started_at
    changed = {known[key].id for key in difference.changed}
    queries.see_documents(connection, (one.id for one in known.values()), source.pass_number)
    queries.keep_earlier(connection, changed, reason="changed", now=now)
    queries.keep_earlier(connection, difference.dropped, reason="dropped", now=now)
    queries.drop_documents(connection, difference.dropped)
    first_seen = {one.document_key: one.first_seen_at for one in queries.source_documents(connection, changed)}
    free = count(queries.next_document_id(connection))
    documents = (
        SourceDocument(
            source_id=source.id,
            document_key=_key(line),
            hash=content_hash(line.fields),
            body=body_of(line.fields),
            pass_number=source.pass_number,
            first_seen_at=first_seen.get(_key(line), now),
            changed_at=now,
            id=known[_key(line)].id if _key(line) in known else next(free),
        )
        for line in lines
        if _key(line) not in known or known[_key(line)].id in changed
    )
    queries.put_source_documents(connection, documents)


def _key(line: TableLine) -> str:
    return storable(line.key)


def _record(row: TableRow) -> ClassCrop:
    return ClassCrop(
        row.number, row.dataset, row.class_label, row.voxel_size_nm_zyx, row.translation_nm_zyx, row.shape_zyx
    )


def _order(record: ClassCrop) -> tuple[str, str, str]:
    return record.number, record.dataset, record.class_label


def _issues(source_id: int, line: TableLine) -> tuple[ImportIssue, ...]:
    if line.fault is None:
        return ()
    fault = line.fault
    return (ImportIssue(source_id, _key(line), _ISSUE, fault.field, fault.expected, storable(fault.found)),)


def _line(
    place: str, state: _State, lines: Sequence[TableLine], difference: _Difference, findings: int, *, reason: str = ""
) -> CropTableLine:
    rows = [line.row for line in lines if line.row is not None]
    return CropTableLine(
        source=place,
        state=state,
        datasets=tuple(sorted({row.dataset for row in rows})),
        crops=len({(row.number, row.dataset) for row in rows}),
        rows=len(rows),
        new=len(difference.new),
        changed=len(difference.changed),
        dropped=len(difference.dropped),
        findings=findings,
        faults=tuple(
            CropTableFault(line=line.line, field=bad.field, expected=bad.expected, found=bad.found)
            for line in lines
            if (bad := line.fault) is not None
        ),
        reason=reason,
    )

"""`oomirror crops import-manifest`: the cellmap table into the catalog, each row kept as it stands in the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import ClassCrop, ImportIssue, ImportKind, ImportSource, SourceDocument
from catalog.session import Catalog, open_catalog
from mirror.app.crops.check import check_crops
from mirror.app.datasets import plain_errors
from mirror.app.given import given_documents
from mirror.app.workplace import utc_now
from mirror.checksum import xxh3
from mirror.config import Settings
from mirror.crops.table import TableLine, parse_table
from mirror.errors import MalformedDocumentError
from mirror.report.crop_table import CropTableFault, CropTableLine

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ISSUE = "row-not-taken"


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
    """Keys of rows."""
    changed: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.dropped)


def _put(connection: Connection, place: str, lines: Sequence[TableLine], now: datetime) -> CropTableLine:
    before = queries.find_import_source(connection, ImportKind.CLASS_CROPS, place, "")
    known = {} if before is None or before.id is None else queries.all_documents(connection, before.id)
    bodies = {line.key: _body(line) for line in lines}
    difference = _Difference(
        new=tuple(key for key in bodies if key not in known),
        changed=tuple(key for key, body in bodies.items() if key in known and known[key].hash != xxh3(body)),
        dropped=tuple(key for key in known if key not in bodies),
    )
    if before is not None and not difference:
        n_findings = _check(connection, {line.row.dataset for line in lines if line.row is not None}, now)
        return _line(place, "unchanged", lines, difference, n_findings)
    pass_number = 1 if before is None else before.pass_number + 1
    source_id = queries.put_import_source(
        connection,
        ImportSource(
            kind=ImportKind.CLASS_CROPS,
            place=place,
            collection="",
            version=None,
            pass_number=pass_number,
            resume_after=None,
            started_at=now,
            finished_at=now,
            documents=len(lines),
        ),
    )
    earlier = queries.class_crops(connection, source_id=source_id)
    _keep_documents(connection, source_id, pass_number, bodies, difference, now)
    rows = [_record(line) for line in lines if line.row is not None]
    queries.replace_class_crops(connection, source_id, rows)
    issues = {line.key: _issues(source_id, line) for line in lines}
    queries.replace_issues(connection, source_id, issues, {_ISSUE}, now=now)
    n_findings = _check(connection, {one.dataset for one in (*earlier, *rows)}, now)
    return _line(place, "new" if before is None else "changed", lines, difference, n_findings)

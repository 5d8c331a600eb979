"""An export from its beginning to its end: what is asked for, checked; then table after table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog import migrate, queries
from catalog.records import ManifestRecord
from catalog.tables import metadata
from mirror import __version__
from mirror.app.export.fields import ExportField, columns_of, fields_of
from mirror.app.export.files import ExportFormat, chosen_format, open_table
from mirror.app.export.folder import SCHEMA_FILE, ExportFolder
from mirror.app.reading import catalog_for_reading
from mirror.app.workplace import utc_now
from mirror.config import Settings
from mirror.errors import UnknownNameError, UnsafeError, known_hint
from mirror.keys import key_refusal
from mirror.report.model import ExportedTable, ExportReport

if TYPE_CHECKING:
    from sqlalchemy import Connection

BATCH_ROWS = 32_768
"""Rows in memory at once; a row group of Parquet."""
MANIFESTS = "manifests"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be exported."""

    folder: Path
    format: ExportFormat | None = None
    """None: Parquet where pyarrow is installed, else CSV."""
    tables: tuple[str, ...] = ()
    """None given: all."""
    datasets: tuple[str, ...] = ()
    """None given: all."""
    with_blocks: bool = True
    """Also the tables that have a row for each block."""


def export(
    settings: Settings, request: ExportRequest, *, on_table: Callable[[ExportedTable], None] = lambda _: None
) -> ExportReport:
    """Write the tables of the catalog into a folder, a file each, and imported manifests as they were imported.

    All files are of one moment. Each comes under its name when it is whole; a run that is stopped leaves the files
    that it finished, and `complete` is false in the folder's schema.json.

    Parameters
    ----------
    on_table
        Told of each table that is written.

    Raises
    ------
    UsageError, UnknownNameError
        A table or dataset that there is not, Parquet without pyarrow, a folder with files of others.
    UnsafeError
        The folder lies on the share, or the disk is full.
    CatalogError
        There is no catalog, or it cannot be read.
    """
    kind = chosen_format(request.format)
    fields = {table: fields_of(table) for table in _tables(request)}
    folder = ExportFolder(_folder(request, settings))
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        _check_datasets(connection, request.datasets)
        manifests = _manifests(connection, request.datasets) if "manifest" in fields else {}
        folder.claim([SCHEMA_FILE, *manifests, *(_file_name(table, kind) for table in fields)])
        document = _document(request, kind, fields, manifests)
        folder.describe(document | {"complete": False})
        written = []
        for table, some in fields.items():
            rows = queries.table_rows(connection, table, request.datasets)
            written.append(_write_table(folder, table, some, kind, rows))
            document["files"][written[-1].file]["rows"] = written[-1].rows
            on_table(written[-1])
        _write_manifests(folder, manifests)
        folder.describe(document | {"complete": True})
    return ExportReport(
        folder=str(folder.root),
        format=kind.value,
        tables=tuple(written),
        manifests=tuple(manifests),
        left_over=folder.left_over,
    )


def _tables(request: ExportRequest) -> tuple[str, ...]:
    known = sorted(metadata.tables)
    for name in request.tables:
        if name not in known:
            raise UnknownNameError("the catalog has no such table", name, hint=known_hint(name, known))
    left_out = frozenset() if request.with_blocks else queries.BLOCK_TABLES
    return tuple(name for name in known if name in (request.tables or known) and name not in left_out)


def _folder(request: ExportRequest, settings: Settings) -> Path:
    folder = request.folder.expanduser().absolute()
    if settings.share is not None and folder.resolve().is_relative_to(settings.share.resolve()):
        raise UnsafeError(
            "will not write the export on the share",
            str(folder),
            hint="Nothing but what the buckets have lies there: name a folder elsewhere with --to.",
        )
    return folder


def _check_datasets(connection: Connection, asked: Sequence[str]) -> None:
    if not asked:
        return
    known = queries.all_dataset_names(connection)
    for name in asked:
        if name not in known:
            raise UnknownNameError("the catalog knows no such dataset", name, hint=known_hint(name, known))


def _manifests(connection: Connection, datasets: Sequence[str]) -> Mapping[str, ManifestRecord]:
    """Return the imported manifests by the name of their file."""
    records = [one for one in queries.manifests(connection) if not datasets or one.dataset in datasets]
    return {f"{MANIFESTS}/{_plain_name(record)}.json": record for record in records}


def _plain_name(record: ManifestRecord) -> str:
    is_plain = "/" not in record.dataset and key_refusal(f"{record.dataset}.json") is None
    return record.dataset if is_plain else record.hash.hex()


def _file_name(table: str, kind: ExportFormat) -> str:
    return f"{table}.{kind.value}"


def _write_table(
    folder: ExportFolder,
    table: str,
    fields: Sequence[ExportField],
    kind: ExportFormat,
    rows: Iterator[tuple[Any, ...]],
) -> ExportedTable:
    n_rows = 0
    name = _file_name(table, kind)
    with folder.new_file(name) as file:
        with open_table(file, kind, table, fields) as target:
            for batch in _batches(rows):
                target.write(columns_of(fields, batch))
                n_rows += len(batch)
        n_bytes = file.stat().st_size
    return ExportedTable(table=table, file=name, rows=n_rows, bytes=n_bytes)


def _write_manifests(folder: ExportFolder, manifests: Mapping[str, ManifestRecord]) -> None:
    for name, record in manifests.items():
        with folder.new_file(name) as file:
            file.write_bytes(record.body)


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _document(
    request: ExportRequest,
    kind: ExportFormat,
    fields: Mapping[str, Sequence[ExportField]],
    manifests: Mapping[str, ManifestRecord],
) -> dict[str, Any]:
    """Return what schema.json says: what was exported, and what each column means."""
    return {
        "schema": 1,
        "version": __version__,
        "catalog_revision": migrate.OURS.head,
        "exported_at": utc_now().isoformat(),
        "format": kind.value,
        "datasets": list(request.datasets) or "all",
        "files": {
            _file_name(table, kind): {"table": table, "columns": [_column(field) for field in some]}
            for table, some in fields.items()
        },
        "manifests": {
            name: {
                "dataset": record.dataset,
                "source": record.source,
                "imported_at": record.imported_at.isoformat(),
                "xxh3": record.hash.hex(),
            }
            for name, record in manifests.items()
        },
    }


def _column(field: ExportField) -> dict[str, str]:
    return {"name": field.name, "type": field.type, "unit": field.unit, "meaning": field.meaning}

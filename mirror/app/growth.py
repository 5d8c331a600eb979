"""`oomirror catalog info` and `vacuum`: how large the catalog is and will be, and how it becomes smaller."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from catalog import migrate, queries
from catalog.config import catalog_file
from catalog.growth import forecast, sizes_of_runs
from catalog.records import SnapshotRecord, SnapshotScope
from catalog.session import Catalog, open_catalog
from catalog.sizes import CatalogSize, catalog_size, disk_size
from catalog.vacuum import check_idle, drop_left_overs, vacuum
from mirror.app.lookup import bucket_names
from mirror.app.reading import catalog_for_reading
from mirror.app.workplace import close_dead_runs
from mirror.config import Settings
from mirror.report.upkeep import (
    CatalogInfo,
    CatalogVacuumed,
    FileSize,
    GrowthForecast,
    ListingCost,
    SnapshotLine,
    TableLine,
)


def catalog_info(settings: Settings) -> CatalogInfo:
    """Return how large the catalog is, by table, which listings it keeps, and how it grows.

    Raises
    ------
    CatalogError
        There is no catalog, or it cannot be read.
    """
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        size = catalog_size(connection, catalog_file(catalog.url))
        names = bucket_names(connection, settings)
        kept = queries.snapshots(connection)
        return CatalogInfo(
            catalog=catalog.url,
            revision=migrate.revision(connection) or "",
            database=size.database,
            file_bytes=size.file_bytes,
            log_bytes=size.log_bytes,
            free_bytes=size.free_bytes,
            used_bytes=size.used_bytes,
            bytes_per_block_row=_rounded(size.bytes_per_block_row),
            tables=tuple(_table_lines(size)),
            snapshots=tuple(_snapshot_line(one, names) for one in kept),
            runs=queries.count_runs(connection),
            listings=tuple(_listing_costs(connection, size, kept, names)),
            forecast=_forecast(connection, size),
        )


def vacuum_catalog(settings: Settings) -> CatalogVacuumed:
    """Drop what nobody needs from the catalog, and write it anew without gaps.

    Raises
    ------
    CatalogError
        There is no catalog, a run goes on, another process writes, or the disk has no room for a copy.
    """
    started = time.monotonic()
    with open_catalog(settings.catalog, create=False) as catalog:
        file = catalog_file(catalog.url)
        close_dead_runs(catalog)
        if file is not None:
            with catalog.read() as connection:
                check_idle(connection, socket.gethostname())
        before = _file_size(catalog, file)
        dropped = drop_left_overs(catalog)
        vacuum(catalog, file)
        return CatalogVacuumed(
            catalog=catalog.url,
            dropped_snapshots=dropped.snapshots,
            dropped_shards=dropped.shards,
            before=before,
            after=_file_size(catalog, file),
            seconds=round(time.monotonic() - started, 3),
        )


def _file_size(catalog: Catalog, file: Path | None) -> FileSize:
    with catalog.read() as connection:
        size = disk_size(connection, file)
    return FileSize(file_bytes=size.file_bytes, log_bytes=size.log_bytes, free_bytes=size.free_bytes)


def _table_lines(size: CatalogSize) -> Iterator[TableLine]:
    for one in size.tables:
        yield TableLine(
            table=one.name,
            rows=one.rows,
            bytes=one.bytes,
            bytes_per_row=_rounded(one.bytes_per_row),
            is_estimate=one.is_estimate,
        )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)


def _snapshot_line(record: SnapshotRecord, names: Mapping[int, str]) -> SnapshotLine:
    scope: Literal["all", "selection"] = "all" if record.scope is SnapshotScope.ALL else "selection"
    return SnapshotLine(
        bucket=names[record.bucket_id],
        dataset=record.dataset,
        scope=scope,
        objects=record.listed.objects,
        started_at=record.started_at.isoformat(),
        finished_at=None if record.finished_at is None else record.finished_at.isoformat(),
        is_complete=record.is_complete,
    )


def _listing_costs(
    connection: Connection, size: CatalogSize, kept: tuple[SnapshotRecord, ...], names: Mapping[int, str]
) -> Iterator[ListingCost]:
    n_blocks = queries.snapshot_blocks(connection)
    newest = {(one.bucket_id, one.dataset): one for one in reversed(kept) if one.is_complete and one.scope == "all"}
    for (bucket_id, dataset), one in sorted(newest.items()):
        blocks = n_blocks.get(one.id, 0)
        cost = size.listing_bytes(blocks, max(0, one.listed.objects - blocks))
        if cost is not None:
            name = names[bucket_id]
            yield ListingCost(bucket=name, dataset=dataset, objects=one.listed.objects, bytes=cost)


def _forecast(connection: Connection, size: CatalogSize) -> GrowthForecast | None:
    found = forecast(sizes_of_runs(connection), used_bytes=size.used_bytes)
    if found is None:
        return None
    return GrowthForecast(
        runs=found.n_sizes,
        days=round(found.span.total_seconds() / 86_400, 1),
        bytes_per_day=found.bytes_per_day,
        bytes_in_a_year=found.bytes_in_a_year,
    )

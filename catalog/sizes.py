"""How large the catalog is, table by table: measured where that takes no time, and else estimated, which is said."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, select, text

from catalog.tables import array, listed_block, listed_object, metadata, mirror_state, shard

COUNTED_BYTES: Final = 1_000_000_000
"""Up to here a SQLite catalog is measured page by page: 0.7 s for a gigabyte in memory. Larger ones are estimated."""
_OTHERS: Final = "others"
_SAMPLED_ROWS = 1_000
_BLOCK_TABLES = ("listed_block", "mirrored_block")
_LARGE_TABLES = (*_BLOCK_TABLES, "listed_object", "mirrored_object")


@dataclass(frozen=True, slots=True)
class TableSize:
    """One table with its indexes."""

    name: str
    """`others`: what the database keeps for itself, full-text search among it."""
    rows: int | None
    """None where nobody knows."""
    bytes: int
    is_estimate: bool = False

    @property
    def bytes_per_row(self) -> float | None:
        """Bytes of a row, indexes and what is not filled included; None without rows."""
        return self.bytes / self.rows if self.rows else None


@dataclass(frozen=True, slots=True)
class CatalogSize:
    """How large a catalog is."""

    database: str
    """Name and version."""
    used_bytes: int
    """Of all tables, without what is free."""
    tables: tuple[TableSize, ...]
    """The largest first."""
    file_bytes: int | None = None
    log_bytes: int | None = None
    """Of the write-ahead log."""
    free_bytes: int | None = None
    """Pages in the file that the next rows will fill; None where the database does not say. So are the two above."""

    def table(self, name: str) -> TableSize:
        """Return one table; of no bytes if it is not there."""
        return next((one for one in self.tables if one.name == name), TableSize(name, 0, 0))

    @property
    def bytes_per_block_row(self) -> float | None:
        """Bytes of a row of a block, whether listed or mirrored; None without blocks."""
        tables = [self.table(name) for name in _BLOCK_TABLES]
        n_rows = sum(one.rows or 0 for one in tables)
        return sum(one.bytes for one in tables) / n_rows if n_rows else None

    def listing_bytes(self, n_blocks: int, n_others: int) -> int | None:
        """Return what a listing adds of which nothing is known yet; None where no row tells how large one is."""
        block, other = (self.table(name).bytes_per_row for name in ("listed_block", "listed_object"))
        if (n_blocks and block is None) or (n_others and other is None):
            return None
        return round(n_blocks * (block or 0) + n_others * (other or 0))


def used_bytes(connection: Connection) -> int:
    """Return the bytes of all that the catalog holds, without what is free. Takes no time."""
    if connection.dialect.name != "sqlite":
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
    n_pages, n_free, page_bytes = (_pragma(connection, name) for name in ("page_count", "freelist_count", "page_size"))
    return (n_pages - n_free) * page_bytes


@dataclass(frozen=True, slots=True)
class DiskSize:
    """What a catalog takes on its disk."""

    file_bytes: int
    log_bytes: int = 0
    """Of the write-ahead log."""
    free_bytes: int = 0
    """Pages in the file that the next rows will fill."""


def disk_size(connection: Connection, file: Path | None) -> DiskSize:
    """Return what the catalog takes on its disk; of PostgreSQL the size of the database."""
    if file is None:
        return DiskSize(used_bytes(connection))
    free = _pragma(connection, "freelist_count") * _pragma(connection, "page_size")
    return DiskSize(_file_bytes(file), _file_bytes(file.with_name(f"{file.name}-wal")), free)


def catalog_size(connection: Connection, file: Path | None, *, counted_bytes: int = COUNTED_BYTES) -> CatalogSize:
    """Return how large the catalog is, by table.

    A SQLite file of up to `counted_bytes` is measured page by page and its rows are counted. Of a larger one, the rows
    of blocks and objects come from the sums kept beside them, and the bytes from a sample of rows. PostgreSQL tells
    the exact bytes and its own estimate of the rows.

    Parameters
    ----------
    file
        Of a SQLite catalog; None of one on PostgreSQL.
    """
    if file is None:
        return _postgresql_size(connection)
    used = used_bytes(connection)
    tables = _measured(connection) if used <= counted_bytes and _has_page_table(connection) else None
    disk = disk_size(connection, file)
    return CatalogSize(
        f"SQLite {sqlite3.sqlite_version}",
        used,
        _sorted(tables if tables is not None else _estimated(connection, used)),
        file_bytes=disk.file_bytes,
        log_bytes=disk.log_bytes,
        free_bytes=disk.free_bytes,
    )


def _sorted(tables: Iterable[TableSize]) -> tuple[TableSize, ...]:
    return tuple(sorted(tables, key=lambda one: (-one.bytes, one.name)))


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def _file_bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _has_page_table(connection: Connection) -> bool:
    """Return whether this SQLite was built with `dbstat`."""
    options = connection.exec_driver_sql("PRAGMA compile_options").scalars()
    return "ENABLE_DBSTAT_VTAB" in set(options)


def _measured(connection: Connection) -> list[TableSize]:
    by_table: dict[str, int] = {}
    query = """
        SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name
        WHERE d.aggregate = TRUE GROUP BY s.tbl_name
    """
    for table, n_bytes in connection.execute(text(query)):
        name = table if table in metadata.tables else _OTHERS
        by_table[name] = by_table.get(name, 0) + int(n_bytes)
    return [
        TableSize(name, _count(connection, name) if name != _OTHERS else None, n_bytes)
        for name, n_bytes in by_table.items()
    ]


def _count(connection: Connection, name: str) -> int:
    return int(connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one())


def _estimated(connection: Connection, used: int) -> list[TableSize]:
    rows = {name: _count(connection, name) for name in metadata.tables if name not in _LARGE_TABLES}
    rows |= _kept_counts(connection)
    weights = {name: n_rows * _row_weight(connection, name) for name, n_rows in rows.items()}
    total = sum(weights.values()) or 1.0
    return [
        TableSize(name, rows[name], round(used * weight / total), is_estimate=True) for name, weight in weights.items()
    ]


def _kept_counts(connection: Connection) -> dict[str, int]:
    """Return the rows of the large tables from the sums kept beside them; they lack what a run changes right now."""
    listed, blocks = connection.execute(select(_sum(shard.c.objects), _sum(shard.c.n_blocks))).one()
    state = mirror_state.c
    mirrored = connection.execute(select(_sum(state.objects))).scalar_one()
    folder = array.c.prefix + array.c.path + "/"
    of_arrays = select(_sum(state.objects)).join(
        array, (array.c.bucket_id == state.bucket_id) & (folder == state.prefix) & (array.c.format == "n5")
    )
    mirrored_blocks = connection.execute(of_arrays).scalar_one()
    return {
        listed_block.name: int(blocks),
        listed_object.name: int(listed - blocks),
        "mirrored_block": int(mirrored_blocks),
        "mirrored_object": int(mirrored - mirrored_blocks),
    }


def _sum(column: Any) -> Any:
    return func.coalesce(func.sum(column), 0)


def _row_weight(connection: Connection, name: str) -> float:
    """Return the bytes of the values of a row, and two for each: the mean of the first rows."""
    table = metadata.tables[name]
    width = " + ".join(f"coalesce(length(CAST({column.name} AS BLOB)), 0) + 2" for column in table.columns)
    query = f'SELECT avg({width}) FROM (SELECT * FROM "{name}" LIMIT {_SAMPLED_ROWS})'  # noqa: S608  our own names
    return float(connection.exec_driver_sql(query).scalar_one() or 0)


def _postgresql_size(connection: Connection) -> CatalogSize:
    query = """
        SELECT relname, reltuples, pg_total_relation_size(oid) FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    """
    found = {str(name): (float(rows), int(size)) for name, rows, size in connection.exec_driver_sql(query)}
    tables = [_postgresql_table(name, *found[name]) for name in metadata.tables if name in found]
    used = used_bytes(connection)
    others = TableSize(_OTHERS, None, max(0, used - sum(one.bytes for one in tables)))
    version = str(connection.exec_driver_sql("SHOW server_version").scalar_one()).partition(" ")[0]
    return CatalogSize(f"PostgreSQL {version}", used, _sorted([*tables, others]))


def _postgresql_table(name: str, rows: float, size: int) -> TableSize:
    # -1: never analysed.
    return TableSize(name, None if rows < 0 else round(rows), size, is_estimate=True)

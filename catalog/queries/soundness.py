"""Whether the database is sound: its pages, and what its rows refer to."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from catalog.tables import array, shard, snapshot, snapshot_shard


class MisreadShard(NamedTuple):
    """A listing of an array's folder that was stored as if there were no array."""

    bucket_id: int
    prefix: str
    """Full key prefix of the array."""
    objects: int


def broken_pages(connection: Connection, *, with_indexes: bool) -> tuple[str, ...]:
    """Return what SQLite finds wrong with its file, at most a hundred lines; nothing for other databases.

    Parameters
    ----------
    with_indexes
        Compare each index with its rows too, which takes several times as long.
    """
    if connection.dialect.name != "sqlite":
        return ()
    pragma = "integrity_check" if with_indexes else "quick_check"
    lines = tuple(str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA {pragma}"))
    return () if lines == ("ok",) else lines


def broken_references(connection: Connection, limit: int = 100) -> tuple[str, ...]:
    """Return the rows that refer to rows which are not there, as `table row -> table`; none on other databases.

    Those hold rows to their references at each change, whatever made it.
    """
    if connection.dialect.name != "sqlite":
        return ()
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(limit)
    return tuple(f"{table} {'?' if row_id is None else row_id} -> {parent}" for table, row_id, parent, _ in rows)


def misread_shards(connection: Connection) -> tuple[MisreadShard, ...]:
    """Return what the newest listing of a dataset has of arrays and does not know as theirs, by bucket and prefix.

    Their metadata could not be read when they were listed, and were read since; the next listing mends it.
    """
    newest = select(func.max(snapshot.c.id)).where(snapshot.c.is_complete)
    newest = newest.group_by(snapshot.c.bucket_id, snapshot.c.dataset)
    query = (
        select(shard.c.bucket_id, shard.c.prefix, shard.c.objects)
        .join(snapshot_shard, snapshot_shard.c.shard_id == shard.c.id)
        .where(snapshot_shard.c.snapshot_id.in_(newest), shard.c.array_id.is_(None))
        .order_by(shard.c.bucket_id, shard.c.prefix)
    )
    present = select(array.c.bucket_id, array.c.prefix, array.c.path).where(array.c.is_present)
    places = {
        (row.bucket_id, f"{row.prefix}{row.path}/" if row.path else row.prefix) for row in connection.execute(present)
    }
    return tuple(MisreadShard(*row) for row in connection.execute(query) if (row.bucket_id, row.prefix) in places)

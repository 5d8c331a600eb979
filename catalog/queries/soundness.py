"""Whether the database is sound: its pages, and what its rows refer to."""

from __future__ import annotations

from sqlalchemy import Connection


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

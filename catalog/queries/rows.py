"""Rows in bulk: written as positional tuples (executemany, COPY), read as plain tuples, keys by range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Dialect,
    MetaData,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.dialects import postgresql

_T = TypeVar("_T")
BATCH_ROWS = 5_000
"""Rows a statement; more is not faster, and fewer keep less in memory."""


def put_rows(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows, or replace those with their primary key; columns in the order of the table, as they are stored.

    Of two rows with one key the later one stays.
    """
    for batch in batches(rows):
        put_batch(connection, table, batch)


def put_batch(connection: Connection, table: Table, batch: Sequence[tuple[Any, ...]]) -> None:
    """Insert or replace at most some thousands of rows by one statement."""
    if not batch:
        return
    # Both are several times as fast as Core with dicts: 100,000 rows a second are needed, and no type to convert is.
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_upsert_sql(table, connection.dialect), list(batch))
    else:
        _copy_in(connection, table, batch)


def _copy_in(connection: Connection, table: Table, batch: Sequence[tuple[Any, ...]]) -> None:
    """Copy rows into a table of this connection alone, and from there into theirs."""
    sql = _copy_sql(table, connection.dialect)
    position = {column.name: number for number, column in enumerate(table.columns)}
    key = itemgetter(*(position[column.name] for column in table.primary_key))
    connection.exec_driver_sql(sql.make)
    cursor = connection.connection.cursor()
    with cast("psycopg.Cursor[Any]", cursor) as driver, driver.copy(sql.copy) as copy:
        copy.set_types(sql.types)
        # One statement cannot replace a row twice.
        for row in {key(row): row for row in batch}.values():
            copy.write_row(row)
    connection.exec_driver_sql(sql.move)
    connection.exec_driver_sql(sql.clear)


def put_named(connection: Connection, table: Table, record: object, by: Sequence[str]) -> int:
    """Insert one record, or replace the row with its name; return the row's id, which stays the same.

    Parameters
    ----------
    record
        Has an attribute for each column but `id`.
    by
        Columns of the unique constraint that names the row.
    """
    values = {column.name: getattr(record, column.name) for column in table.columns if column.name != "id"}
    connection.execute(upsert(table, connection.dialect, by), values)
    named = [table.c[name] == values[name] for name in by]
    return int(connection.execute(select(table.c.id).where(*named)).scalar_one())


def delete_rows(connection: Connection, table: Table, keys: Iterable[tuple[Any, ...]]) -> None:
    """Delete the rows of these primary keys; those that are not there are no error."""
    _execute_by_key(connection, table, delete(table), keys)


def update_rows(connection: Connection, table: Table, keys: Iterable[tuple[Any, ...]], **values: object) -> None:
    """Give the rows of these primary keys other values; those that are not there are no error."""
    _execute_by_key(connection, table, update(table).values(**values), keys)


def _execute_by_key(
    connection: Connection, table: Table, statement: Delete | Update, keys: Iterable[tuple[Any, ...]]
) -> None:
    condition = and_(*(column == _parameter(column.name, column) for column in table.primary_key))
    names = [f"of_{column.name}" for column in table.primary_key]
    for batch in batches(keys):
        connection.execute(statement.where(condition), [dict(zip(names, key, strict=True)) for key in batch])


def stream(connection: Connection, query: Select[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query as plain tuples, some thousands in memory at a time.

    The connection must stay open until the last one; the order is the query's.
    """
    if connection.dialect.name != "sqlite":
        # A cursor on the server: the driver's own would first have all rows in memory.
        with connection.execute(query, execution_options={"yield_per": BATCH_ROWS}) as result:
            yield from map(tuple, result)
        return
    with connection.execute(query) as result:
        # SQLite's own cursor streams, and its tuples cost a third of SQLAlchemy's rows; no column here is converted.
        yield from cast("Iterator[tuple[Any, ...]]", result.cursor)


def inserted_id(result: CursorResult[Any]) -> int:
    """Return the id that the database gave to the one row of an INSERT."""
    key = result.inserted_primary_key
    if key is None:
        raise TypeError("the statement was no INSERT of one row")
    return int(key[0])


def batches(values: Iterable[_T], size: int = BATCH_ROWS) -> Iterator[list[_T]]:
    """Yield rows, or other values, in lists of at most `size`."""
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch


def upsert(table: Table, dialect: Dialect, by: Sequence[str] | None = None) -> sqlite.Insert | postgresql.Insert:
    """Return the statement that inserts a row, or replaces the one with its key.

    Parameters
    ----------
    by
        Columns of the unique constraint that names the row; default: its primary key.
    """
    insert = _insert(table, dialect)
    key = set(by or (column.name for column in table.primary_key))
    own_id = {column.name for column in table.primary_key if by}
    changed = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in key | own_id}
    index = [table.c[name] for name in sorted(key)]
    return (
        insert.on_conflict_do_update(index_elements=index, set_=changed) if changed else insert.on_conflict_do_nothing()
    )


def insert_new(table: Table, dialect: Dialect) -> sqlite.Insert | postgresql.Insert:
    """Return the statement that inserts a row, or leaves the one that has its key."""
    return _insert(table, dialect).on_conflict_do_nothing()


def starts_with(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Return the condition that a key has a prefix, as a range: indexed, and no character is special."""
    after = first_after(prefix)
    return column >= prefix if after is None else and_(column >= prefix, column < after)


def first_after(prefix: str) -> str | None:
    """Return the least text above all texts with this prefix, in the order of their UTF-8 bytes; None if there is none.

    >>> first_after("jrc_hela-2/")
    'jrc_hela-20'
    """
    for end in range(len(prefix), 0, -1):
        code = ord(prefix[end - 1]) + 1
        if code <= 0x10FFFF:
            # Surrogates are no characters: UTF-8 cannot spell them.
            return prefix[: end - 1] + chr(0xE000 if 0xD800 <= code < 0xE000 else code)
    return None


def _insert(table: Table, dialect: Dialect) -> sqlite.Insert | postgresql.Insert:
    if dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def _parameter(name: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    return bindparam(f"of_{name}", type_=column.type)


_TYPE_NAMES = {"float": "float8"}
"""A type as SQL spells it, to PostgreSQL's own name."""


class _CopySql(NamedTuple):
    make: str
    copy: str
    types: list[str]
    move: str
    clear: str


@cache
def _copy_sql(table: Table, dialect: Dialect) -> _CopySql:
    quote = dialect.identifier_preparer.quote
    staging = Table(
        f"incoming_{table.name}", MetaData(), *(Column(column.name, column.type) for column in table.columns)
    )
    words = [str(column.type.compile(dialect)).partition(" ")[0].lower() for column in table.columns]
    types = [_TYPE_NAMES.get(word, word) for word in words]
    move = upsert(table, dialect).from_select([column.name for column in table.columns], select(staging))
    name = quote(staging.name)
    return _CopySql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} (LIKE {quote(table.name)}) ON COMMIT DELETE ROWS",
        f"COPY {name} FROM STDIN (FORMAT BINARY)",
        types,
        str(move.compile(dialect=dialect)),
        f"TRUNCATE {name}",
    )


@cache
def _upsert_sql(table: Table, dialect: Dialect) -> str:
    return str(upsert(table, dialect).compile(dialect=dialect))

"""The share, the buckets, their arrays and their metadata documents."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from catalog.errors import OtherShareError
from catalog.queries.rows import put_named, put_rows, starts_with, stream
from catalog.records import ArrayRecord, DocumentRow, ShareRecord
from catalog.tables import (
    array,
    bucket,
    document,
    import_source,
    manifest,
    mirror_state,
    mirrored_block,
    mirrored_object,
)
from catalog.tables import share as share_table


def share(connection: Connection) -> ShareRecord | None:
    """Return the share whose state the catalog holds, or None before the first."""
    row = connection.execute(select(share_table)).first()
    return None if row is None else ShareRecord(row.uuid, row.path, row.created_at)


def is_blank(connection: Connection) -> bool:
    """Return whether the catalog holds nothing yet but a share's marker: no bucket was looked at, nothing imported."""
    seen = (select(table.c.id).limit(1) for table in (bucket, import_source, manifest))
    return all(connection.execute(one).first() is None for one in seen)


def remember_share(connection: Connection, uuid: str, path: str, *, now: datetime) -> None:
    """Keep the share's marker and path; a share that moved keeps its state.

    Raises
    ------
    OtherShareError
        The catalog holds the state of another share.
    """
    known = share(connection)
    if known is None:
        connection.execute(insert(share_table).values(id=1, uuid=uuid, path=path, created_at=now))
    elif known.uuid == uuid:
        connection.execute(update(share_table).values(path=path))
    else:
        raise OtherShareError(
            "the catalog holds the state of another share",
            path,
            expected=f"the share marked {known.uuid}, last seen at {known.path}",
            found=f"one marked {uuid}",
            hint="If the new share is meant, `oomirror init --new-share` forgets the state of the old one.",
        )


def replace_share(connection: Connection, uuid: str, path: str, *, now: datetime) -> None:
    """Keep another share instead, and forget all that was mirrored to the old one."""
    for table in (mirrored_block, mirrored_object, mirror_state, share_table):
        connection.execute(delete(table))
    remember_share(connection, uuid, path, now=now)


def buckets(connection: Connection) -> dict[int, str]:
    """Return the URLs of the buckets that the catalog knows, by id."""
    return {row.id: row.url for row in connection.execute(select(bucket).order_by(bucket.c.id))}


def find_bucket(connection: Connection, url: str) -> int | None:
    """Return the id of the bucket with this URL, or None if the catalog does not know it."""
    return connection.execute(select(bucket.c.id).where(bucket.c.url == url)).scalar()


def bucket_id(connection: Connection, url: str) -> int:
    """Return the id of the bucket with this URL, kept now if it is new. Needs a write transaction then."""
    found = find_bucket(connection, url)
    if found is not None:
        return found
    connection.execute(insert(bucket).values(url=url))
    return int(connection.execute(select(bucket.c.id).where(bucket.c.url == url)).scalar_one())


def bucket_prefix(connection: Connection, bucket_id: int) -> str:
    """Return the key prefix that the bucket's URL names: empty, or ending with a slash."""
    url = connection.execute(select(bucket.c.url).where(bucket.c.id == bucket_id)).scalar_one()
    prefix = url.partition("://")[2].partition("/")[2].strip("/")
    return f"{prefix}/" if prefix else ""


def put_array(connection: Connection, record: ArrayRecord) -> int:
    """Keep an array, or what is now known of it; return its id, which stays the same."""
    return put_named(connection, array, record, ("bucket_id", "prefix", "path"))


def arrays(connection: Connection, bucket_id: int, key_prefix: str) -> tuple[ArrayRecord, ...]:
    """Return the arrays whose container lies under a full key prefix (`jrc_hela-2/`), by container and path."""
    query = (
        select(array)
        .where(array.c.bucket_id == bucket_id, starts_with(array.c.prefix, key_prefix))
        .order_by(array.c.prefix, array.c.path)
    )
    return tuple(array_record(row) for row in connection.execute(query).mappings())


def documents(connection: Connection, bucket_id: int, key_prefix: str) -> dict[str, tuple[bytes, bytes]]:
    """Return the kept documents under a full key prefix: packed ETag and bytes by key, in the keys' order."""
    query = (
        select(document.c.key, document.c.etag, document.c.body)
        .where(document.c.bucket_id == bucket_id, starts_with(document.c.key, key_prefix))
        .order_by(document.c.key)
    )
    return {key: (etag, body) for key, etag, body in stream(connection, query)}


def put_documents(connection: Connection, rows: Iterable[DocumentRow]) -> None:
    """Keep documents as they were read, instead of what those keys had before."""
    put_rows(connection, document, rows)


def array_record(row: RowMapping) -> ArrayRecord:
    """Return a row of the table as a record."""
    values: dict[Any, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return ArrayRecord(**values)

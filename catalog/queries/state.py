"""Mirror state: what the share has, block by block and object by object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import TypeAlias, cast

from sqlalchemy import Connection, func, select, tuple_

from catalog.queries.rows import batches, delete_rows, put_batch, starts_with, stream, update_rows
from catalog.records import MirroredBlock, MirroredBlockRow, MirroredObject, MirroredObjectRow
from catalog.tables import mirrored_block, mirrored_object

_BLOCK_KEY = itemgetter(0, 1, 2, 3)
_OBJECT_KEY = itemgetter(0, 1)
_TUPLES = 300
"""Keys a statement, where a key is of several numbers: SQLite takes some thousand parameters."""
IN_DOUBT_ETAG = b""
"""Of rows in doubt. No object has such an ETag: it differs from whatever the bucket has.

Size and hash stay: they tell, once the new file is there, whether its content is another. Of the file that lies there
they say nothing.
"""
_IN_DOUBT: dict[str, object] = {"etag": IN_DOUBT_ETAG}
Contents: TypeAlias = tuple[int, bytes | None]
"""Size and xxh3-128 of what was on the share last."""


def put_mirrored_blocks(connection: Connection, rows: Iterable[MirroredBlockRow]) -> None:
    """Keep that blocks are on the share, instead of what was known of them before."""
    for batch in batches(rows):
        # In the order of the key, pages are filled one after the other: faster, and fuller.
        put_batch(connection, mirrored_block, sorted(batch, key=_BLOCK_KEY))


def put_mirrored_objects(connection: Connection, rows: Iterable[MirroredObjectRow]) -> None:
    """Keep that objects are on the share, instead of what was known of them before."""
    for batch in batches(rows):
        put_batch(connection, mirrored_object, sorted(batch, key=_OBJECT_KEY))


def mirrored_blocks(
    connection: Connection, array_id: int, *, x_from: int | None = None, x_to: int | None = None, y: int | None = None
) -> Iterator[MirroredBlock]:
    """Yield the blocks of an array that are on the share, in the order of x, y, z.

    Parameters
    ----------
    x_from, x_to
        Only blocks with `x_from <= x < x_to`.
    y
        Only blocks of this row.
    """
    t = mirrored_block.c
    query = select(t.x, t.y, t.z, t.size, t.etag, t.how).where(t.array_id == array_id)
    if x_from is not None:
        query = query.where(t.x >= x_from)
    if x_to is not None:
        query = query.where(t.x < x_to)
    if y is not None:
        query = query.where(t.y == y)
    return cast("Iterator[MirroredBlock]", stream(connection, query.order_by(t.x, t.y, t.z)))


def mirrored_rows(connection: Connection, array_id: int) -> tuple[tuple[int, int], ...]:
    """Return the rows of an array, x and y, in which blocks are on the share."""
    t = mirrored_block.c
    query = select(t.x, t.y).where(t.array_id == array_id).distinct().order_by(t.x, t.y)
    return tuple((x, y) for x, y in connection.execute(query))


def mirrored_objects(connection: Connection, bucket_id: int, key_prefix: str) -> Iterator[MirroredObject]:
    """Yield the objects under a full key prefix that are on the share and are no blocks, in the order of their keys."""
    t = mirrored_object.c
    query = (
        select(t.key, t.size, t.etag, t.how)
        .where(t.bucket_id == bucket_id, starts_with(t.key, key_prefix))
        .order_by(t.key)
    )
    return cast("Iterator[MirroredObject]", stream(connection, query))


def doubt_mirrored_blocks(connection: Connection, array_id: int, indices_xyz: Iterable[tuple[int, int, int]]) -> None:
    """Keep that these blocks are on the share, but not as what: they are about to be replaced."""
    update_rows(connection, mirrored_block, ((array_id, *index) for index in indices_xyz), **_IN_DOUBT)


def doubt_mirrored_objects(connection: Connection, bucket_id: int, keys: Iterable[str]) -> None:
    """Keep that these objects are on the share, but not as what: they are about to be replaced."""
    update_rows(connection, mirrored_object, ((bucket_id, key) for key in keys), **_IN_DOUBT)


def forget_mirrored_blocks(connection: Connection, array_id: int, indices_xyz: Iterable[tuple[int, int, int]]) -> None:
    """Forget that these blocks of an array are on the share; unknown ones are no error."""
    delete_rows(connection, mirrored_block, ((array_id, *index) for index in indices_xyz))


def forget_mirrored_objects(connection: Connection, bucket_id: int, keys: Iterable[str]) -> None:
    """Forget that these objects are on the share; unknown ones are no error."""
    delete_rows(connection, mirrored_object, ((bucket_id, key) for key in keys))


def mirrored_objects_of(connection: Connection, bucket_id: int, keys: Sequence[str]) -> list[MirroredObject]:
    """Return the rows of these keys, of those that there are, in no order."""
    found: list[MirroredObject] = []
    t = mirrored_object.c
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        query = select(t.key, t.size, t.etag, t.how).where(t.bucket_id == bucket_id, t.key.in_(some))
        found += [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]
    return found


def keys_of_any_case(connection: Connection, bucket_id: int, keys: Sequence[str]) -> list[str]:
    """Return the keys of rows that are these but for the case of their letters, in no order; looks at all rows."""
    found: list[str] = []
    t = mirrored_object.c
    for start in range(0, len(keys), 500):
        some = [func.lower(key) for key in keys[start : start + 500]]
        query = select(t.key).where(t.bucket_id == bucket_id, func.lower(t.key).in_(some))
        found += connection.scalars(query)
    return found


def contents_of_blocks(
    connection: Connection, array_id: int, indices_xyz: Sequence[tuple[int, int, int]]
) -> dict[tuple[int, int, int], Contents]:
    """Return what these blocks of an array were on the share last, by their place; rows in doubt, too."""
    t = mirrored_block.c
    found: dict[tuple[int, int, int], Contents] = {}
    for start in range(0, len(indices_xyz), _TUPLES):
        places = tuple_(t.x, t.y, t.z).in_(indices_xyz[start : start + _TUPLES])
        query = select(t.x, t.y, t.z, t.size, t.hash).where(t.array_id == array_id, places)
        found |= {(x, y, z): (size, digest) for x, y, z, size, digest in connection.execute(query)}
    return found


def contents_of_objects(connection: Connection, bucket_id: int, keys: Sequence[str]) -> dict[str, Contents]:
    """Return what these objects were on the share last, by their key; rows in doubt, too."""
    t = mirrored_object.c
    found: dict[str, Contents] = {}
    for start in range(0, len(keys), _TUPLES):
        some = keys[start : start + _TUPLES]
        query = select(t.key, t.size, t.hash).where(t.bucket_id == bucket_id, t.key.in_(some))
        found |= {key: (size, digest) for key, size, digest in connection.execute(query)}
    return found

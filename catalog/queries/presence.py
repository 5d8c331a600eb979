"""Which of some blocks a listing has, and which the share: for those who met no file."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from catalog.tables import listed_block, listed_object, mirrored_block, shard, snapshot_shard

Place = tuple[int, int, int]
"""x, y, z."""
_KEYS_A_QUERY = 500


def listed_places(connection: Connection, snapshot_id: int, array_id: int, places: Collection[Place]) -> set[Place]:
    """Return those of some blocks of an array that one listing has."""
    if not places:
        return set()
    t = listed_block.c
    query = (
        select(t.x, t.y, t.z)
        .join(shard, shard.c.id == t.shard_id)
        .join(snapshot_shard, snapshot_shard.c.shard_id == shard.c.id)
        .where(
            snapshot_shard.c.snapshot_id == snapshot_id, shard.c.array_id == array_id, *_around(listed_block, places)
        )
    )
    return _those(connection.execute(query), places)


def listed_keys(connection: Connection, snapshot_id: int, array_id: int, keys: Collection[str]) -> set[str]:
    """Return those of some keys below an array that one listing has, of objects that are no rows by their place."""
    t = listed_object.c
    of_array = and_(snapshot_shard.c.snapshot_id == snapshot_id, shard.c.array_id == array_id)
    found: set[str] = set()
    for some in _some(keys):
        query = (
            select(t.key)
            .join(shard, shard.c.id == t.shard_id)
            .join(snapshot_shard, snapshot_shard.c.shard_id == shard.c.id)
            .where(of_array, t.key.in_(some))
        )
        found.update(connection.execute(query).scalars())
    return found


def mirrored_places(connection: Connection, array_id: int, places: Collection[Place]) -> set[Place]:
    """Return those of some blocks of an array that are on the share."""
    if not places:
        return set()
    t = mirrored_block.c
    query = select(t.x, t.y, t.z).where(t.array_id == array_id, *_around(mirrored_block, places))
    return _those(connection.execute(query), places)


def _around(table: Table, places: Collection[Place]) -> Iterable[ColumnElement[bool]]:
    """Return the condition of the smallest box around the places: one range of the key, whatever their number."""
    for column, numbers in zip((table.c.x, table.c.y, table.c.z), zip(*places, strict=True), strict=True):
        yield column.between(min(numbers), max(numbers))


def _those(rows: Iterable[Any], places: Collection[Place]) -> set[Place]:
    wanted = set(places)
    return {place for place in map(tuple, rows) if place in wanted}


def _some(keys: Collection[str]) -> Iterable[list[str]]:
    ordered = sorted(keys)
    return (ordered[start : start + _KEYS_A_QUERY] for start in range(0, len(ordered), _KEYS_A_QUERY))

"""Sums of what is on the share, by prefix: kept beside the rows, so that nobody counts millions to look at them.

A sum is said to be stale in each transaction that changes one of its rows, and counted anew when the run is over.
Who reads a stale sum, or one that was never made, counts the rows: always right, and slow only while a run goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, case, func, select

from catalog.queries.places import arrays, bucket_prefix
from catalog.queries.rows import first_after, insert_new, put_rows, starts_with, update_rows, upsert
from catalog.queries.state import IN_DOUBT_ETAG
from catalog.records import (
    HOW_ADOPTED,
    HOW_CHECKSUM,
    HOW_MD5,
    HOW_MULTIPART_ETAG,
    HOW_SIZE_ONLY,
    ArrayRecord,
    Count,
    MirrorState,
)
from catalog.tables import mirror_state, mirrored_block, mirrored_object

_COUNTED = (
    "objects",
    "bytes",
    "by_md5",
    "by_multipart_etag",
    "by_checksum",
    "by_size_only",
    "adopted",
    "first_run_id",
    "last_run_id",
)
_DOCUMENTS = ("attributes.json", ".zarray", "zarr.json")


def doubt_sums(connection: Connection, bucket_id: int, prefixes: Iterable[str]) -> None:
    """Say that rows below these prefixes change: their sums hold no more."""
    for prefix in sorted(prefixes):
        values = dict.fromkeys(_COUNTED[:-2], 0)
        row = {"bucket_id": bucket_id, "prefix": prefix, "is_stale": True, "is_published": False, **values}
        connection.execute(upsert(mirror_state, connection.dialect), row)


def doubt_sums_around(connection: Connection, bucket_id: int, prefixes: Iterable[str]) -> None:
    """Say that the sums of all folders above these prefixes hold no more: an array has a sum of its own from now on."""
    above = {place for prefix in prefixes for place in _folders_above(prefix)}
    update_rows(connection, mirror_state, ((bucket_id, place) for place in sorted(above)), is_stale=True)


def _folders_above(prefix: str) -> Iterator[str]:
    folder = prefix.rstrip("/").rpartition("/")[0]
    while folder:
        yield f"{folder}/"
        folder = folder.rpartition("/")[0]


def count_sums(connection: Connection, bucket_id: int, dataset: str) -> int:
    """Count the sums of a dataset that are stale or were never made; return how many there were.

    For the end of a run, while no other run changes the dataset's rows.
    """
    prefix = f"{bucket_prefix(connection, bucket_id)}{dataset}/"
    records = arrays(connection, bucket_id, prefix)
    kept = _kept(connection, bucket_id, prefix)
    counted = [_count_array(connection, one, records) for one in records if one.key_prefix not in kept]
    if prefix not in kept:
        counted.append(_count_loose(connection, bucket_id, prefix, records))
    put_rows(connection, mirror_state, map(_row, counted))
    return len(counted)


def keep_sums(connection: Connection, states: Iterable[MirrorState]) -> None:
    """Keep sums that were counted from the rows, where there are none; those that are there stay, stale or not."""
    names = [column.name for column in mirror_state.columns]
    rows = [dict(zip(names, _row(state), strict=True)) for state in states]
    if rows:
        connection.execute(insert_new(mirror_state, connection.dialect), rows)


def mirror_states(
    connection: Connection, bucket_id: int, prefix: str, records: Iterable[ArrayRecord]
) -> dict[str, MirrorState]:
    """Return the sums of a dataset by prefix: those of its arrays, and under its own of all outside them.

    Parameters
    ----------
    prefix
        Full key prefix of the dataset, ending with a slash.
    records
        All arrays of it.
    """
    known = tuple(records)
    states = _kept(connection, bucket_id, prefix)
    for record in known:
        if record.key_prefix not in states:
            states[record.key_prefix] = _count_array(connection, record, known)
    if prefix not in states:
        states[prefix] = _count_loose(connection, bucket_id, prefix, known)
    return states


def wrong_sums(connection: Connection, bucket_id: int, dataset: str) -> tuple[tuple[MirrorState, MirrorState], ...]:
    """Return the kept sums of a dataset that do not fit the rows, each with what the rows say, by prefix.

    Reads every row of the dataset. Sums that say themselves that they are stale are not wrong.
    """
    prefix = f"{bucket_prefix(connection, bucket_id)}{dataset}/"
    records = arrays(connection, bucket_id, prefix)
    kept = _kept(connection, bucket_id, prefix)
    counted = [_count_array(connection, one, records) for one in records if one.key_prefix in kept]
    if prefix in kept:
        counted.append(_count_loose(connection, bucket_id, prefix, records))
    pairs = [(kept[one.prefix], one) for one in counted if kept[one.prefix] != one]
    return tuple(sorted(pairs, key=lambda pair: pair[0].prefix))


def _kept(connection: Connection, bucket_id: int, prefix: str) -> dict[str, MirrorState]:
    t = mirror_state.c
    query = select(mirror_state).where(t.bucket_id == bucket_id, starts_with(t.prefix, prefix), ~t.is_stale)
    columns = [column.name for column in mirror_state.columns]
    rows = (dict(zip(columns, row, strict=True)) for row in connection.execute(query))
    return {row["prefix"]: _state(row) for row in rows}


def _state(row: Mapping[Any, Any]) -> MirrorState:
    values = dict(row)
    values.pop("is_stale", None)
    return MirrorState(mirrored=Count(values.pop("objects"), values.pop("bytes")), **values)


def _row(state: MirrorState) -> tuple[Any, ...]:
    counted = {"objects": state.mirrored.objects, "bytes": state.mirrored.bytes, "is_stale": False}
    return tuple(counted.get(column.name, getattr(state, column.name, None)) for column in mirror_state.columns)


def _count_array(connection: Connection, record: ArrayRecord, records: Iterable[ArrayRecord]) -> MirrorState:
    blocks = _sums(connection, mirrored_block, mirrored_block.c.array_id == record.id)
    others = _sums_outside(connection, record.bucket_id, record.key_prefix, records)
    return _state(
        {
            "bucket_id": record.bucket_id,
            "prefix": record.key_prefix,
            "is_published": _is_published(connection, record),
            **_added(blocks, others),
        }
    )


def _count_loose(connection: Connection, bucket_id: int, prefix: str, records: Iterable[ArrayRecord]) -> MirrorState:
    sums = _sums_outside(connection, bucket_id, prefix, records)
    return _state({"bucket_id": bucket_id, "prefix": prefix, "is_published": False, **sums})


def _sums_outside(
    connection: Connection, bucket_id: int, prefix: str, records: Iterable[ArrayRecord]
) -> Mapping[str, int | None]:
    """Count what is below a prefix and in no array inside it: between their folders, so that no row of theirs is read.

    An array has arrays inside where it was one for a while, and is a group now.
    """
    total: Mapping[str, int | None] = dict.fromkeys(_COUNTED[:-2], 0)
    t = mirrored_object.c
    start = prefix
    for place in sorted({record.key_prefix for record in records if record.bucket_id == bucket_id}):
        if place == prefix or not place.startswith(prefix) or place < start:
            continue  # not inside, or inside the array before
        between = _sums(connection, mirrored_object, t.bucket_id == bucket_id, t.key >= start, t.key < place)
        total = _added(total, between)
        start = first_after(place) or place
    rest = _sums(connection, mirrored_object, *_inside(bucket_id, prefix), t.key >= start)
    return _added(total, rest)


def _inside(bucket_id: int, prefix: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return mirrored_object.c.bucket_id == bucket_id, starts_with(mirrored_object.c.key, prefix)


def _sums(connection: Connection, table: FromClause, *conditions: ColumnElement[bool]) -> dict[str, int | None]:
    """Count rows; those in doubt are not: what lies there is not what the bucket has, or nobody knows."""
    how = table.c.how
    ways = (HOW_MD5, HOW_MULTIPART_ETAG, HOW_CHECKSUM, HOW_SIZE_ONLY)
    query = select(
        func.count(),
        func.coalesce(func.sum(table.c.size), 0),
        *(func.coalesce(func.sum(case((how.in_((way, way + HOW_ADOPTED)), 1), else_=0)), 0) for way in ways),
        func.coalesce(func.sum(case((how >= HOW_ADOPTED, 1), else_=0)), 0),
        func.min(table.c.run_id),
        func.max(table.c.run_id),
    ).where(*conditions, table.c.etag != IN_DOUBT_ETAG)
    row: Row[Any] = connection.execute(query).one()
    return {name: None if value is None else int(value) for name, value in zip(_COUNTED, row, strict=True)}


def _added(one: Mapping[str, int | None], other: Mapping[str, int | None]) -> dict[str, int | None]:
    total: dict[str, int | None] = {name: (one[name] or 0) + (other[name] or 0) for name in _COUNTED[:-2]}
    for name, pick in (("first_run_id", min), ("last_run_id", max)):
        known = [value for value in (one.get(name), other.get(name)) if value is not None]
        total[name] = pick(known) if known else None
    return total


def _is_published(connection: Connection, record: ArrayRecord) -> bool:
    """Return whether a document is there that opens the array; a scale of precomputed opens by its volume's `info`."""
    folder = record.key_prefix
    keys = [folder + name for name in _DOCUMENTS] + [f"{folder[:-1].rpartition('/')[0]}/info"]
    wanted = keys[-1:] if record.format == "precomputed" else keys[:-1]
    t = mirrored_object.c
    query = select(func.count()).where(t.bucket_id == record.bucket_id, t.key.in_(wanted))
    return bool(connection.execute(query).scalar_one())

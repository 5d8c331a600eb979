"""What changed upstream from one listing to the next, summed by folder: kept when the older listing goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, cast

from sqlalchemy import Connection, Select, Text, literal, select, union_all
from sqlalchemy import cast as sql_cast

from catalog.queries.parts import Part, differing_parts
from catalog.queries.places import bucket_prefix
from catalog.queries.rows import put_rows, stream
from catalog.queries.snapshots import snapshot_shards
from catalog.records import NOTHING, ChangeKind, ChangeRecord, Count, ShardRecord, SnapshotScope
from catalog.tables import KeyText, array, change, listed_block, listed_object, run, snapshot

_Row: TypeAlias = tuple[str, int, bytes, int]
"""Full key, size, packed ETag, shard id."""


class Found(NamedTuple):
    """How much changed in one folder in one way."""

    changed: Count
    example: str
    """Full key of the first."""


Changes: TypeAlias = dict[tuple[str, ChangeKind], Found]
"""By folder and kind."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A listing beside the one before it."""

    previous_id: int
    parts: tuple[Part, ...]
    """Where they may differ."""


def put_changes(connection: Connection, records: Iterable[ChangeRecord]) -> None:
    """Keep what a run found changed; an equal key replaces."""
    put_rows(connection, change, map(_row, records))


def changes(
    connection: Connection, *, run_id: int | None = None, bucket_id: int | None = None, dataset: str | None = None
) -> tuple[ChangeRecord, ...]:
    """Return what changed, of one run, bucket or dataset where given, by run, prefix and kind."""
    wanted = {"run_id": run_id, "bucket_id": bucket_id, "dataset": dataset}
    conditions = [change.c[name] == value for name, value in wanted.items() if value is not None]
    query = select(change).where(*conditions).order_by(change.c.run_id, change.c.prefix, change.c.kind)
    records = []
    for row in connection.execute(query).mappings():
        values = {**row, "kind": ChangeKind(row["kind"]), "changed": Count(row["objects"], row["bytes"])}
        del values["objects"], values["bytes"]
        records.append(ChangeRecord(**values))
    return tuple(records)


def compare_listings(connection: Connection, snapshot_id: int) -> Comparison | None:
    """Return where a snapshot may differ from the complete one before it, of its scope; None for a first one.

    All its shards must be linked; it need not be finished. Where two runs did not choose alike, only what both chose is
    compared.
    """
    newest = connection.execute(select(snapshot).where(snapshot.c.id == snapshot_id)).one()
    previous_id = previous_snapshot(connection, snapshot_id)
    if previous_id is None:
        return None
    query = select(snapshot.c.run_id).where(snapshot.c.id == previous_id)
    previous_run = connection.execute(query).scalar_one()
    is_alike = newest.scope == SnapshotScope.ALL or (
        _choice(connection, newest.run_id, newest.dataset) == _choice(connection, previous_run, newest.dataset)
    )
    prefix = f"{bucket_prefix(connection, newest.bucket_id)}{newest.dataset}/"
    parts = differing_parts(
        snapshot_shards(connection, previous_id),
        snapshot_shards(connection, snapshot_id),
        chosen=None if is_alike else prefix,
    )
    return Comparison(previous_id, parts)


def previous_snapshot(connection: Connection, snapshot_id: int) -> int | None:
    """Return the id of the newest other complete snapshot of the same bucket, dataset and scope, or None."""
    this = select(snapshot).where(snapshot.c.id == snapshot_id).subquery()
    query = (
        select(snapshot.c.id)
        .join(this, snapshot.c.id != this.c.id)
        .where(
            snapshot.c.is_complete, *(snapshot.c[name] == this.c[name] for name in ("bucket_id", "dataset", "scope"))
        )
        .order_by(snapshot.c.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def add_changes(connection: Connection, part: Part, found: Changes) -> None:
    """Compare both sides of a part key by key, and add what differs to `found`. Reads only.

    The database puts both sides in the order of keys; one row of each is in memory.
    """
    folders = _folders(connection, (*part.before, *part.after))
    rows = (_rows(connection, side, folders) for side in (part.before, part.after))
    for kind, (key, size, _, shard_id) in _differences(*rows):
        if key.endswith("/") or (part.is_by_name and kind is not ChangeKind.CHANGED):
            continue
        place = folders[shard_id], kind
        before, example = found.get(place, (NOTHING, key))
        found[place] = Found(Count(before.objects + 1, before.bytes + size), min(example, key))


def change_records(found: Changes, run_id: int, bucket_id: int, dataset: str) -> tuple[ChangeRecord, ...]:
    """Return what was found as the rows of a run, by folder and kind."""
    return tuple(
        ChangeRecord(run_id, bucket_id, dataset, folder, kind, changed, example)
        for (folder, kind), (changed, example) in sorted(found.items())
    )


def _choice(connection: Connection, run_id: int, dataset: str) -> Mapping[str, Any]:
    """Return what a run chose of a dataset: as it was asked, not which volumes that were."""
    selection = connection.execute(select(run.c.selection).where(run.c.id == run_id)).scalar_one()
    asked = selection.get(dataset)
    # What is excluded is listed, and only not fetched.
    others = {"chosen", "exclude"}
    return (
        {name: value for name, value in asked.items() if name not in others} if isinstance(asked, dict) else selection
    )


def _folders(connection: Connection, shards: Iterable[ShardRecord]) -> dict[int, str]:
    """Return by shard the folder under which its changes are told: its array's, else its own."""
    known = tuple(shards)
    ids = {shard.array_id for shard in known if shard.array_id is not None}
    query = select(array.c.id, array.c.prefix, array.c.path).where(array.c.id.in_(ids))
    arrays = {row.id: f"{row.prefix}{row.path}/" if row.path else row.prefix for row in connection.execute(query)}
    return {shard.id: arrays.get(shard.array_id or 0, shard.prefix) for shard in known}


def _rows(connection: Connection, shards: Sequence[ShardRecord], folders: Mapping[int, str]) -> Iterator[_Row]:
    """Yield all rows of some shards in the order of their full keys."""
    if not shards:
        return iter(())
    by_array: dict[str, list[int]] = {}
    for shard in shards:
        if shard.array_id is not None:
            by_array.setdefault(folders[shard.id], []).append(shard.id)
    t = listed_object.c
    objects = select(t.key, t.size, t.etag, t.shard_id).where(t.shard_id.in_([shard.id for shard in shards]))
    blocks = (_blocks(folder, ids) for folder, ids in by_array.items())
    every = union_all(objects, *blocks).subquery()
    return cast("Iterator[_Row]", stream(connection, select(every).order_by(every.c[0])))


def _blocks(folder: str, shard_ids: Sequence[int]) -> Select[Any]:
    t = listed_block.c
    x, y, z = (sql_cast(one, Text) for one in (t.x, t.y, t.z))
    key = sql_cast(literal(folder) + x + "/" + y + "/" + z, KeyText)
    return select(key, t.size, t.etag, t.shard_id).where(t.shard_id.in_(shard_ids))


def _differences(before: Iterator[_Row], after: Iterator[_Row]) -> Iterator[tuple[ChangeKind, _Row]]:
    old, new = next(before, None), next(after, None)
    while old is not None or new is not None:
        if new is None or (old is not None and old[0] < new[0]):
            yield ChangeKind.VANISHED, cast("_Row", old)
            old = next(before, None)
        elif old is None or new[0] < old[0]:
            yield ChangeKind.NEW, new
            new = next(after, None)
        else:
            if old[1:3] != new[1:3]:
                yield ChangeKind.CHANGED, new
            old, new = next(before, None), next(after, None)


def _row(record: ChangeRecord) -> tuple[object, ...]:
    values = {"kind": record.kind.value, "objects": record.changed.objects, "bytes": record.changed.bytes}
    return tuple(values.get(column.name, getattr(record, column.name, None)) for column in change.columns)

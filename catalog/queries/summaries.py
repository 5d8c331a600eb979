"""What listings show of many datasets at once: a few queries, however many levels there are, and no row is counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from catalog.queries.overview import dataset_names
from catalog.queries.places import arrays, bucket_prefix
from catalog.queries.rows import starts_with
from catalog.queries.sums import mirror_states
from catalog.queries.tree import datasets
from catalog.records import NOTHING, Count, SnapshotScope
from catalog.tables import (
    annotation,
    array,
    container,
    dataset,
    finding,
    manifest,
    mirror_state,
    snapshot,
    volume,
)


class DatasetSummary(NamedTuple):
    """What is known of a dataset in one bucket."""

    name: str
    prefix: str
    """Full key prefix of its folder, ending with a slash."""
    listed: Count | None
    """None where it was never listed whole."""
    listed_at: datetime | None
    mirrored: Count
    n_volumes: int
    """Of those that the bucket still had when it was last looked at, as the two below."""
    n_levels: int
    n_findings: int
    """Open ones."""
    discovered_at: datetime | None


class VolumeNote(NamedTuple):
    """What a manifest says of a volume."""

    is_mirrored_y: bool | None
    description: str | None
    source: str
    """File or URL of the manifest."""


def dataset_summaries(connection: Connection, bucket_id: int) -> tuple[DatasetSummary, ...]:
    """Return what is known of each dataset of a bucket that was ever listed, described or mirrored, by name."""
    root = bucket_prefix(connection, bucket_id)
    names = dataset_names(connection, bucket_id)
    listed = _newest_whole(connection, bucket_id)
    mirrored = _mirrored(connection, bucket_id, [f"{root}{name}/" for name in names])
    described = {record.name: record.discovered_at for record in datasets(connection, bucket_id)}
    n_volumes = _counted(connection, _volumes_by_dataset(bucket_id))
    n_levels = _counted(connection, _levels_by_dataset(bucket_id))
    n_findings = _counted(connection, _findings_by_dataset(bucket_id))
    summaries = []
    for name in names:
        count, listed_at = listed.get(name, (None, None))
        prefix = f"{root}{name}/"
        numbers = n_volumes.get(name, 0), n_levels.get(name, 0), n_findings.get(name, 0)
        summaries.append(
            DatasetSummary(name, prefix, count, listed_at, mirrored[prefix], *numbers, described.get(name))
        )
    return tuple(summaries)


def volume_notes(connection: Connection, bucket_url: str, prefix: str) -> dict[str, VolumeNote]:
    """Return what manifests say of the volumes below a full key prefix of one bucket, by their own prefix."""
    t = annotation.c
    query = (
        select(t.prefix, t.is_mirrored_y, t.description, manifest.c.source)
        .join(manifest, manifest.c.id == t.manifest_id)
        .where(t.bucket_url == bucket_url, starts_with(t.prefix, prefix))
        .order_by(t.id)
    )
    return {row.prefix: VolumeNote(row.is_mirrored_y, row.description, row.source) for row in connection.execute(query)}


def _newest_whole(connection: Connection, bucket_id: int) -> dict[str, tuple[Count, datetime | None]]:
    t = snapshot.c
    query = (
        select(t.dataset, t.objects, t.bytes, t.finished_at)
        .where(t.bucket_id == bucket_id, t.scope == SnapshotScope.ALL.value, t.is_complete)
        .order_by(t.finished_at, t.id)
    )
    return {row.dataset: (Count(row.objects, row.bytes), row.finished_at) for row in connection.execute(query)}


def _mirrored(connection: Connection, bucket_id: int, prefixes: Iterable[str]) -> dict[str, Count]:
    """Return what is on the share of each dataset: from the kept sums where all of them hold."""
    t = mirror_state.c
    query = select(t.prefix, t.objects, t.bytes).where(t.bucket_id == bucket_id, ~t.is_stale)
    kept = {row.prefix: Count(row.objects, row.bytes) for row in connection.execute(query)}
    places = select(array.c.prefix, array.c.path).where(array.c.bucket_id == bucket_id)
    wanted = [f"{row.prefix}{row.path}/" if row.path else row.prefix for row in connection.execute(places)]
    return {prefix: _sum_of(connection, bucket_id, prefix, kept, wanted) for prefix in prefixes}


def _sum_of(
    connection: Connection, bucket_id: int, prefix: str, kept: dict[str, Count], array_prefixes: Iterable[str]
) -> Count:
    inside = {prefix, *(one for one in array_prefixes if one.startswith(prefix))}
    if inside <= kept.keys():
        return _total(kept[one] for one in inside)
    states = mirror_states(connection, bucket_id, prefix, arrays(connection, bucket_id, prefix))
    return _total(state.mirrored for state in states.values())


def _total(counts: Iterable[Count]) -> Count:
    total = NOTHING
    for one in counts:
        total = total.plus(one)
    return total


def _volumes_by_dataset(bucket_id: int) -> Select[Any]:
    return (
        select(dataset.c.name, func.count())
        .join(container, container.c.dataset_id == dataset.c.id)
        .join(volume, volume.c.container_id == container.c.id)
        .where(dataset.c.bucket_id == bucket_id, volume.c.is_present)
        .group_by(dataset.c.name)
    )


def _levels_by_dataset(bucket_id: int) -> Select[Any]:
    return (
        select(dataset.c.name, func.count())
        .join(container, container.c.dataset_id == dataset.c.id)
        .join(volume, volume.c.container_id == container.c.id)
        .join(array, array.c.volume_id == volume.c.id)
        .where(dataset.c.bucket_id == bucket_id, array.c.is_present)
        .group_by(dataset.c.name)
    )


def _findings_by_dataset(bucket_id: int) -> Select[Any]:
    return (
        select(finding.c.dataset, func.count())
        .where(finding.c.bucket_id == bucket_id, finding.c.closed_at.is_(None))
        .group_by(finding.c.dataset)
    )


def _counted(connection: Connection, query: Select[Any]) -> dict[str, int]:
    return {name: int(n) for name, n in connection.execute(query)}

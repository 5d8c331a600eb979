"""`oomirror ls`: what the buckets hold, as they were last listed, and what the share holds, as the catalog knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from catalog import queries
from catalog.errors import CatalogMissingError
from catalog.records import Count, LevelState, LooseState, SnapshotRecord, SnapshotScope
from catalog.session import Catalog
from mirror.app.datasets import datasets_in, plain_errors
from mirror.app.reading import Tell, catalog_for_reading, say_nothing
from mirror.config import Settings
from mirror.errors import MirrorError, UnknownNameError
from mirror.formats.n5.multiscale import parse_level_name
from mirror.report.model import Amount, DatasetLine, LevelLine
from mirror.store.bucket import Bucket
from mirror.store.connection import Connection

OTHER_FILES = "other files"
"""The line of a dataset's objects outside arrays."""


def list_datasets(
    settings: Settings,
    bucket: str | None = None,
    *,
    on_unreachable: Callable[[MirrorError], None] = lambda _: None,
    tell: Tell = say_nothing,
) -> tuple[DatasetLine, ...]:
    """Return a line for each dataset, by bucket and name: those of the catalog, and those that the bucket shows.

    Parameters
    ----------
    bucket
        None: every bucket of the configuration.
    on_unreachable
        Told of each bucket that does not answer; what the catalog knows of it is shown.
    tell
        As `catalog_for_reading`.

    Raises
    ------
    MirrorError
        No bucket answers, and the catalog knows nothing.
    """
    names = sorted(settings.buckets) if bucket is None else [bucket]
    lines: list[DatasetLine] = []
    silent: list[MirrorError] = []
    catalog = _catalog(settings, tell)
    try:
        for name in names:
            connection = settings.bucket(name).connection()
            try:
                shown = asyncio.run(_names_in_bucket(connection))
            except MirrorError as error:
                silent.append(error)
                shown = ()
            lines += _lines_of_bucket(catalog, name, str(settings.bucket(name).url), shown)
    finally:
        if catalog is not None:
            catalog.close()
    if silent and not lines:
        raise silent[0]
    for one in silent:
        on_unreachable(one)
    return tuple(lines)


def list_levels(
    settings: Settings, dataset: str, bucket: str | None = None, *, tell: Tell = say_nothing
) -> tuple[LevelLine, ...]:
    """Return a line for each level of the dataset that the catalog knows, by bucket and volume.

    Parameters
    ----------
    tell
        As `catalog_for_reading`.

    Raises
    ------
    UnknownNameError
        The catalog knows no such dataset: it was neither scanned nor mirrored.
    """
    names = sorted(settings.buckets) if bucket is None else [bucket]
    for name in names:
        settings.bucket(name)
    catalog = _catalog(settings, tell)
    if catalog is None:
        raise _never_seen(dataset, ())
    with catalog:
        known = {name: _known_datasets(catalog, str(settings.bucket(name).url)) for name in names}
        if not any(dataset in datasets for datasets in known.values()):
            raise _never_seen(dataset, tuple({one for datasets in known.values() for one in datasets}))
        return tuple(
            line
            for name in names
            if dataset in known[name]
            for line in _lines_of_dataset(catalog, name, str(settings.bucket(name).url), dataset)
        )


def _never_seen(dataset: str, known: tuple[str, ...]) -> UnknownNameError:
    others = f" It knows {', '.join(sorted(known))}." if known else ""
    return UnknownNameError(
        "the catalog knows no such dataset",
        dataset,
        hint=f"`oomirror scan {dataset}` lists it, if a bucket has it.{others}",
    )


def _catalog(settings: Settings, tell: Tell) -> Catalog | None:
    try:
        return catalog_for_reading(settings, tell=tell)
    except CatalogMissingError:
        return None


async def _names_in_bucket(connection: Connection) -> tuple[str, ...]:
    async with plain_errors(), Bucket(connection) as bucket:
        return await datasets_in(bucket)


def _known_datasets(catalog: Catalog, url: str) -> tuple[str, ...]:
    with catalog.read() as connection:
        bucket_id = queries.find_bucket(connection, url)
        return () if bucket_id is None else queries.dataset_names(connection, bucket_id)


def _lines_of_bucket(catalog: Catalog | None, name: str, url: str, shown: tuple[str, ...]) -> list[DatasetLine]:
    known = _known_datasets(catalog, url) if catalog else ()
    lines = []
    for dataset in sorted({*shown, *known}):
        if catalog is None or dataset not in known:
            lines.append(DatasetLine(bucket=name, dataset=dataset, listed=None, listed_at=None, mirrored=Amount()))
        else:
            lines.append(_dataset_line(catalog, name, url, dataset))
    return lines


def _dataset_line(catalog: Catalog, name: str, url: str, dataset: str) -> DatasetLine:
    levels, loose, scanned = _states(catalog, url, dataset)
    states: list[LevelState | LooseState] = [*levels, loose]
    return DatasetLine(
        bucket=name,
        dataset=dataset,
        listed=_amount(scanned.listed) if scanned else None,
        listed_at=_listed_at(scanned),
        mirrored=_sum([state.mirrored for state in states]),
    )


def _listed_at(scanned: SnapshotRecord | None) -> str | None:
    return scanned.finished_at.isoformat() if scanned and scanned.finished_at else None


def _states(
    catalog: Catalog, url: str, dataset: str
) -> tuple[tuple[LevelState, ...], LooseState, SnapshotRecord | None]:
    with catalog.read() as connection:
        bucket_id = queries.bucket_id(connection, url)
        newest = queries.newest_snapshot(connection, bucket_id, dataset, SnapshotScope.ALL)
        return (
            queries.level_states(connection, bucket_id, dataset),
            queries.loose_state(connection, bucket_id, dataset),
            newest,
        )


def _lines_of_dataset(catalog: Catalog, name: str, url: str, dataset: str) -> list[LevelLine]:
    states, loose, scanned = _states(catalog, url, dataset)
    listed_at = _listed_at(scanned)
    lines = [_level_line(name, dataset, state, listed_at) for state in states]
    lines.append(
        LevelLine(
            bucket=name,
            dataset=dataset,
            container="",
            volume=OTHER_FILES,
            level=None,
            shape_zyx=None,
            data_type=None,
            listed=_amount(loose.listed),
            listed_at=listed_at,
            mirrored=_amount(loose.mirrored) or Amount(),
            state=_state_word(loose.listed, loose.mirrored),
        )
    )
    return lines


def _level_line(name: str, dataset: str, state: LevelState, listed_at: str | None) -> LevelLine:
    array = state.array
    parent, _, last = array.path.rpartition("/")
    is_level = parse_level_name(last) is not None
    return LevelLine(
        bucket=name,
        dataset=dataset,
        container=array.prefix.rstrip("/").rpartition("/")[2],
        volume=parent if is_level else array.path,
        level=last if is_level else None,
        shape_zyx=tuple(reversed(array.shape_xyz)) or None,
        data_type=array.data_type or None,
        listed=_amount(state.listed),
        listed_at=listed_at,
        mirrored=_amount(state.mirrored) or Amount(),
        state=_state_word(state.listed, state.mirrored),
    )


def _state_word(listed: Count | None, mirrored: Count) -> Literal["none", "partial", "whole", "unknown"]:
    if not mirrored.objects:
        return "none"
    if listed is None:
        return "unknown"
    return "whole" if mirrored.objects >= listed.objects else "partial"


def _amount(count: Count | None) -> Amount | None:
    return None if count is None else Amount(objects=count.objects, bytes=count.bytes)


def _sum(counts: list[Count | None]) -> Amount:
    known = [count for count in counts if count is not None]
    return Amount(objects=sum(count.objects for count in known), bytes=sum(count.bytes for count in known))

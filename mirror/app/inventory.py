"""`oomirror ls`: what the buckets hold, as they were last listed, and what the share holds, as the catalog knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from catalog import queries
from catalog.errors import CatalogMissingError
from catalog.session import Catalog
from mirror.app.datasets import datasets_in, plain_errors
from mirror.app.levels import Known, amount, level_lines, read_known, state_word
from mirror.app.lookup import bucket_names, find_places, never_seen
from mirror.app.reading import catalog_for_reading
from mirror.config import Settings
from mirror.errors import MirrorError
from mirror.report.model import Amount, DatasetLine, LevelLine
from mirror.store.bucket import Bucket
from mirror.store.connection import Connection

if TYPE_CHECKING:
    from sqlalchemy import Connection as DatabaseConnection

OTHER_FILES = "other files"
"""The line of a dataset's objects outside arrays."""


def list_datasets(
    settings: Settings,
    bucket: str | None = None,
    *,
    on_unreachable: Callable[[MirrorError], None] = lambda _: None,
) -> tuple[DatasetLine, ...]:
    """Return a line for each dataset, by bucket and name: those of the catalog, and those that the bucket shows.

    Parameters
    ----------
    bucket
        None: every bucket of the configuration, and those that the catalog knows besides.
    on_unreachable
        Told of each bucket that does not answer; what the catalog knows of it is shown.

    Raises
    ------
    MirrorError
        No bucket answers, and the catalog knows nothing.
    """
    names = sorted(settings.buckets) if bucket is None else [bucket]
    silent: list[MirrorError] = []
    shown: list[DatasetLine] = []
    for name in names:
        connection = settings.bucket(name).connection()
        try:
            shown += [_unknown_line(name, dataset) for dataset in asyncio.run(_names_in_bucket(connection))]
        except MirrorError as error:
            silent.append(error)
    known = _lines_of_catalog(settings, bucket)
    if silent and not shown and not known:
        raise silent[0]
    for one in silent:
        on_unreachable(one)
    lines = {(line.bucket, line.dataset): line for line in (*shown, *known)}
    return tuple(line for _, line in sorted(lines.items()))


def list_levels(settings: Settings, dataset: str, bucket: str | None = None) -> tuple[LevelLine, ...]:
    """Return a line for each level of the dataset that the catalog knows, by bucket and volume.

    Raises
    ------
    UnknownNameError
        The catalog knows no such dataset: it was neither scanned nor mirrored.
    """
    if bucket is not None:
        settings.bucket(bucket)
    catalog = _catalog(settings)
    if catalog is None:
        raise never_seen(dataset, (), bucket)
    with catalog, catalog.read() as connection:
        places = find_places(connection, settings, bucket=bucket, dataset=dataset)
        return tuple(line for place in places for line in _lines_of_dataset(read_known(connection, place)))


def dataset_lines(
    connection: DatabaseConnection, settings: Settings, bucket: str | None = None
) -> tuple[DatasetLine, ...]:
    """Return a line for each dataset that the catalog knows, by bucket and name."""
    titles = {fact.dataset: str(fact.value) for fact in reversed(queries.facts(connection)) if fact.name == "title"}
    return tuple(
        DatasetLine(
            bucket=name,
            dataset=one.name,
            title=titles.get(one.name),
            volumes=one.n_volumes,
            levels=one.n_levels,
            findings=one.n_findings,
            discovered_at=one.discovered_at.isoformat() if one.discovered_at else None,
            listed=amount(one.listed),
            listed_at=one.listed_at.isoformat() if one.listed_at else None,
            mirrored=Amount(objects=one.mirrored.objects, bytes=one.mirrored.bytes),
        )
        for bucket_id, name in bucket_names(connection, settings, bucket).items()
        for one in queries.dataset_summaries(connection, bucket_id)
    )


def _catalog(settings: Settings) -> Catalog | None:
    try:
        return catalog_for_reading(settings)
    except CatalogMissingError:
        return None


async def _names_in_bucket(connection: Connection) -> tuple[str, ...]:
    async with plain_errors(), Bucket(connection) as bucket:
        return await datasets_in(bucket)


def _lines_of_catalog(settings: Settings, bucket: str | None) -> tuple[DatasetLine, ...]:
    catalog = _catalog(settings)
    if catalog is None:
        return ()
    with catalog, catalog.read() as connection:
        return dataset_lines(connection, settings, bucket)


def _unknown_line(bucket: str, dataset: str) -> DatasetLine:
    return DatasetLine(bucket=bucket, dataset=dataset, listed=None, listed_at=None, mirrored=Amount())


def _lines_of_dataset(known: Known) -> Sequence[LevelLine]:
    """Return the levels, without those that neither side has any more, and the line of all other files."""
    lines = [line for line in level_lines(known) if line.present or line.mirrored.objects]
    loose = known.loose
    other = LevelLine(
        bucket=known.place.bucket,
        dataset=known.place.dataset,
        container="",
        volume=OTHER_FILES,
        level=None,
        shape_zyx=None,
        data_type=None,
        listed=amount(loose.listed),
        listed_at=loose.listed_at.isoformat() if loose.listed_at else None,
        listed_whole_at=known.listed_at,
        mirrored=Amount(objects=loose.mirrored.objects, bytes=loose.mirrored.bytes),
        state=state_word(loose.listed, loose.mirrored),
    )
    return (*lines, other)

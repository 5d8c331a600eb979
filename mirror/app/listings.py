"""`oomirror catalog datasets|volumes|levels|runs|findings|facts`: what the catalog knows, as lines of reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog import queries
from catalog.records import RunKind, RunRecord
from mirror.app.inventory import dataset_lines
from mirror.app.levels import level_lines, read_known, volume_lines
from mirror.app.lookup import bucket_names, check_word, find_places
from mirror.app.reading import catalog_for_reading
from mirror.config import Settings
from mirror.formats.kinds import VolumeKind
from mirror.formats.layout import Severity
from mirror.formats.organelles import ORGANELLES, find_organelle
from mirror.report.model import Amount, DatasetLine, FactLine, FindingLine, LevelLine, RunLine, VolumeLine

_MOVED_BY: Mapping[RunKind, str] = {
    RunKind.SYNC: "transferred",
    RunKind.ADOPT: "adopted",
    RunKind.SCAN: "listed",
    RunKind.VERIFY: "checked",
    RunKind.FETCH: "transferred",
}


def list_known_datasets(
    settings: Settings, dataset: str | None = None, *, bucket: str | None = None
) -> tuple[DatasetLine, ...]:
    """Return a line for each dataset of the catalog, by bucket and name.

    Raises
    ------
    UnknownNameError
        A bucket that is not configured, a dataset that the catalog does not know; so of all below.
    CatalogError
        There is no catalog, or it cannot be read; so of all below.
    """
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        find_places(connection, settings, bucket=bucket, dataset=dataset)
        lines = dataset_lines(connection, settings, bucket)
    return tuple(line for line in lines if dataset in {None, line.dataset})


def list_volumes(
    settings: Settings,
    dataset: str | None = None,
    *,
    bucket: str | None = None,
    kind: str | None = None,
    organelle_class: str | None = None,
    with_vanished: bool = False,
) -> tuple[VolumeLine, ...]:
    """Return a line for each volume, by bucket, dataset, container and path.

    Parameters
    ----------
    kind
        Only volumes of this kind, a word of `VolumeKind`.
    organelle_class
        Only those that show this organelle, by any spelling of its short name; also beside another (`er_mito`).
    with_vanished
        Those that the bucket has no more as well.

    Raises
    ------
    UnknownNameError
        No such kind, no such organelle; and as `list_known_datasets`.
    """
    check_word("kind of volume", kind, [one.value for one in VolumeKind])
    organelle = _organelle(organelle_class)
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        places = find_places(connection, settings, bucket=bucket, dataset=dataset)
        lines = tuple(line for place in places for line in volume_lines(read_known(connection, place)))
    return tuple(
        line
        for line in lines
        if (line.present or with_vanished)
        and kind in {None, line.kind}
        and (organelle is None or organelle in {line.organelle_class, *(line.organelle_class or "").split("_")})
    )


def list_level_table(
    settings: Settings,
    dataset: str | None = None,
    *,
    bucket: str | None = None,
    volume: str | None = None,
    with_vanished: bool = False,
) -> tuple[LevelLine, ...]:
    """Return a line for each level, by bucket, dataset, container, volume and level.

    Parameters
    ----------
    volume
        Only of the volume of this path.

    Raises
    ------
    UnknownNameError
        No volume of that path; and as `list_known_datasets`.
    """
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        places = find_places(connection, settings, bucket=bucket, dataset=dataset)
        lines = [line for place in places for line in level_lines(read_known(connection, place))]
    check_word("volume", volume, {line.volume for line in lines})
    return tuple(line for line in lines if (line.present or with_vanished) and volume in {None, line.volume})


def list_runs(
    settings: Settings, dataset: str | None = None, *, bucket: str | None = None, limit: int | None = None
) -> tuple[RunLine, ...]:
    """Return a line for each run, the newest first, at most `limit`.

    Raises
    ------
    UnknownNameError
        As `list_known_datasets`.
    """
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        find_places(connection, settings, bucket=bucket, dataset=dataset)
        names = bucket_names(connection, settings, bucket)
        is_filtered = dataset is not None or bucket is not None
        records = queries.runs(connection, None if is_filtered else limit)
    chosen = [one for one in records if one.bucket_id in names and (dataset is None or dataset in one.datasets)]
    return tuple(_run_line(names[one.bucket_id], one) for one in chosen[:limit])


def list_findings(
    settings: Settings,
    dataset: str | None = None,
    *,
    bucket: str | None = None,
    severity: str | None = None,
    with_closed: bool = False,
) -> tuple[FindingLine, ...]:
    """Return a line for each thing that is odd, by bucket, dataset and place.

    Raises
    ------
    UnknownNameError
        No such severity; and as `list_known_datasets`.
    """
    check_word("severity", severity, [one.value for one in Severity])
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        find_places(connection, settings, bucket=bucket, dataset=dataset)
        names = bucket_names(connection, settings, bucket)
        records = queries.findings(connection, dataset=dataset, with_closed=with_closed)
    lines = [
        FindingLine(
            bucket=names[one.bucket_id],
            dataset=one.dataset,
            severity=one.severity,
            code=one.code,
            place=one.place,
            expected=one.expected,
            found=one.found,
            origin=one.origin,
            first_seen_at=one.first_seen_at.isoformat() if one.first_seen_at else None,
            closed_at=one.closed_at.isoformat() if one.closed_at else None,
        )
        for one in records
        if one.bucket_id in names and severity in {None, one.severity}
    ]
    return tuple(sorted(lines, key=lambda line: (line.bucket, line.dataset, line.place, line.code, line.found)))


def list_facts(settings: Settings, dataset: str | None = None) -> tuple[FactLine, ...]:
    """Return a line for each thing that documents and manifests say of datasets, by dataset, name and source.

    Raises
    ------
    UnknownNameError
        As `list_known_datasets`.
    """
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        facts = queries.facts(connection, dataset)
        if not facts:
            find_places(connection, settings, dataset=dataset)
    return tuple(FactLine(dataset=one.dataset, name=one.name, value=one.value, source=one.source) for one in facts)


def _organelle(name: str | None) -> str | None:
    """Return the short name of a class; a pair of classes that touch stays as it is.

    Raises
    ------
    UnknownNameError
        There is none of that name.
    """
    if name is None:
        return None
    known = find_organelle(name)
    if known is not None:
        return known.name
    if "_" not in name or any(find_organelle(part) is None for part in name.split("_")):
        check_word("organelle class", name, [one.name for one in ORGANELLES])
    return name


def _run_line(bucket: str, record: RunRecord) -> RunLine:
    counters: Mapping[str, Any] = record.counters or {}
    ended = record.finished_at
    seconds = counters.get("seconds", (ended - record.started_at).total_seconds() if ended else None)
    return RunLine(
        run=record.id,
        kind=record.kind.value,
        bucket=bucket,
        datasets=record.datasets,
        started_at=record.started_at.isoformat(),
        finished_at=ended.isoformat() if ended else None,
        seconds=seconds,
        state=record.state.value,
        exit=record.exit_code,
        moved=_amount(counters.get(_MOVED_BY[record.kind])),
        adopted=_amount(counters.get("adopted")),
        host=record.host,
        pid=record.pid,
        version=record.version,
        selection=dict(record.selection),
    )


def _amount(counted: object) -> Amount | None:
    return Amount.model_validate(counted) if isinstance(counted, dict) else None

"""Volumes and levels as the catalog knows them, as lines of reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from catalog import queries
from catalog.queries import VolumeNote
from catalog.records import (
    ArrayRecord,
    ContainerRecord,
    Count,
    LevelState,
    LooseState,
    SnapshotScope,
    VolumeRecord,
)
from mirror.app.lookup import Place
from mirror.formats.n5.multiscale import parse_level_name
from mirror.formats.organelles import title_of
from mirror.report.model import Amount, LevelLine, State, VolumeLine

if TYPE_CHECKING:
    from sqlalchemy import Connection

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Known:
    """All that the catalog knows of a dataset in one bucket, without its rows."""

    place: Place
    listed_at: str | None
    """Of the newest listing of the whole dataset."""
    containers: Mapping[int, ContainerRecord]
    volumes: Mapping[int, VolumeRecord]
    levels: Sequence[LevelState]
    loose: LooseState
    notes: Mapping[str, VolumeNote]
    """Of manifests, by the volumes' prefixes."""
    run_times: Mapping[int, datetime]


def read_known(connection: Connection, place: Place) -> Known:
    """Return what is known of a dataset: some queries, whatever its size."""
    record = queries.find_dataset(connection, place.bucket_id, place.dataset)
    dataset_id = None if record is None else record.id
    levels, loose = queries.dataset_state(connection, place.bucket_id, place.dataset)
    newest = queries.newest_snapshot(connection, place.bucket_id, place.dataset, SnapshotScope.ALL)
    containers = () if dataset_id is None else queries.containers(connection, dataset_id)
    volumes = () if dataset_id is None else queries.volumes(connection, dataset_id)
    states = [level.state for level in levels]
    run_ids = {one for state in states for one in (state.first_run_id, state.last_run_id) if one is not None}
    return Known(
        place=place,
        listed_at=newest.finished_at.isoformat() if newest and newest.finished_at else None,
        containers={one.id: one for one in containers if one.id is not None},
        volumes={one.id: one for one in volumes if one.id is not None},
        levels=levels,
        loose=loose,
        notes=queries.volume_notes(connection, place.url, place.prefix),
        run_times=queries.run_times(connection, run_ids),
    )


def level_lines(known: Known) -> tuple[LevelLine, ...]:
    """Return a line for each level, by container, volume and level; those that are gone from the bucket too."""

    def order(state: LevelState) -> tuple[str, str, int, str]:
        """Return what sorts s2 before s10."""
        array = state.array
        volume = known.volumes.get(array.volume_id) if array.volume_id is not None else None
        return _container(known, array, volume), _named(array, volume)[0], array.level_index or 0, array.path

    return tuple(_level_line(known, state) for state in sorted(known.levels, key=order))


def _level_line(known: Known, state: LevelState) -> LevelLine:
    array, sums = state.array, state.state
    volume = known.volumes.get(array.volume_id) if array.volume_id is not None else None
    path, level = _named(array, volume)
    # Where the grid is not known, nothing tells blocks from other objects.
    stored = None if array.n_blocks is None else state.blocks
    return LevelLine(
        bucket=known.place.bucket,
        dataset=known.place.dataset,
        container=_container(known, array, volume),
        format=array.format,
        volume=path,
        kind=volume.kind if volume else None,
        organelle_class=volume.organelle_class if volume else None,
        mirrored_y=orientation_y(known.notes.get(volume.prefix) if volume else None, array)[0],
        level=level,
        prefix=array.key_prefix,
        present=array.is_present,
        shape_zyx=_zyx(array.shape_xyz),
        data_type=array.data_type or None,
        axes_zyx=_zyx(array.axes_xyz),
        voxel_size_nm_zyx=_zyx(array.voxel_size_nm_xyz),
        translation_nm_zyx=_zyx(array.translation_nm_xyz),
        placement_source=array.placement_source,
        block_size_zyx=_zyx(array.block_size_xyz),
        inner_block_size_zyx=_zyx(array.inner_block_size_xyz),
        codec=codec_word(array.compression),
        compression=dict(array.compression) or None,
        grid_blocks=array.n_blocks,
        stored=amount(stored),
        absent_blocks=None if stored is None or array.n_blocks is None else array.n_blocks - stored.objects,
        voxel_bytes=array.raw_bytes,
        listed=amount(state.listed),
        listed_at=_iso(state.listed_at),
        listed_whole_at=known.listed_at,
        mirrored=Amount(objects=state.mirrored.objects, bytes=state.mirrored.bytes),
        state=level_word(state),
        published=sums.is_published,
        by_md5=sums.by_md5,
        by_multipart_etag=sums.by_multipart_etag,
        by_checksum=sums.by_checksum,
        by_size_only=sums.by_size_only,
        adopted=sums.adopted,
        verified_first_at=_ended(known, sums.first_run_id),
        verified_last_at=_ended(known, sums.last_run_id),
    )


def volume_lines(known: Known) -> tuple[VolumeLine, ...]:
    """Return a line for each volume, by container and path; those that are gone from the bucket too."""
    levels: dict[int | None, list[LevelState]] = {}
    for state in known.levels:
        levels.setdefault(state.array.volume_id, []).append(state)
    return tuple(_volume_line(known, volume, levels.get(volume.id, [])) for volume in known.volumes.values())


def _volume_line(known: Known, volume: VolumeRecord, levels: list[LevelState]) -> VolumeLine:
    container, note = known.containers[volume.container_id], known.notes.get(volume.prefix)
    levels.sort(key=lambda level: (level.array.level_index or 0, level.array.path))
    finest = levels[0].array if levels else None
    listed = [level.listed for level in levels if level.listed is not None]
    whole = _total(listed) if levels and len(listed) == len(levels) else None
    mirrored = _total(level.mirrored for level in levels)
    mirrored_y, source = orientation_y(note, finest)
    return VolumeLine(
        bucket=known.place.bucket,
        dataset=known.place.dataset,
        container=_below(container.prefix, known.place.prefix),
        format=container.format,
        format_version=container.version,
        volume=volume.path,
        prefix=volume.prefix,
        kind=volume.kind,
        organelle_class=volume.organelle_class,
        organelle=title_of(volume.organelle_class) if volume.organelle_class else None,
        description=note.description if note else None,
        mirrored_y=mirrored_y,
        mirrored_y_source=source,
        levels=tuple(level.array.level_name for level in levels if level.array.level_name is not None),
        shape_zyx=_zyx(finest.shape_xyz) if finest else None,
        voxel_size_nm_zyx=_zyx(finest.voxel_size_nm_xyz) if finest else None,
        data_type=(finest.data_type or None) if finest else None,
        block_size_zyx=_zyx(finest.block_size_xyz) if finest else None,
        codec=codec_word(finest.compression) if finest else None,
        listed=amount(whole),
        listed_at=min((_iso(level.listed_at) or "" for level in levels), default="") or None,
        mirrored=Amount(objects=mirrored.objects, bytes=mirrored.bytes),
        state=_state_of(levels, whole, mirrored),
        present=volume.is_present,
    )


def _state_of(levels: Sequence[LevelState], listed: Count | None, mirrored: Count) -> State:
    """Return the state of a volume: whole only where each level is."""
    if not levels:
        return "unknown"  # Meshes: their files count with the dataset's others.
    word = state_word(listed, mirrored)
    words = {level_word(one) for one in levels}
    if (word == "whole" and words != {"whole"}) or (word == "unknown" and "partial" in words):
        return "partial"
    return word


def level_word(level: LevelState) -> State:
    """Return how much of a level is on the share; one that was mirrored for crops and never listed is partial."""
    word = state_word(level.listed, level.mirrored)
    most = level.most_objects
    return "partial" if word == "unknown" and most is not None and level.mirrored.objects < most else word


def state_word(listed: Count | None, mirrored: Count) -> State:
    """Return how much of what was listed is on the share, told by the sums of both."""
    if not mirrored.objects:
        return "none"
    if listed is None:
        return "unknown"
    # Bytes too: where there are as many objects but fewer bytes, some are not those that were listed.
    return "whole" if mirrored.objects >= listed.objects and mirrored.bytes >= listed.bytes else "partial"


def codec_word(compression: Mapping[str, Any]) -> str | None:
    """Return the codec of an array in one word, `raw` where it is not compressed, or None where nothing is said.

    >>> codec_word({"type": "gzip", "level": -1}), codec_word({"type": "blosc", "cname": "zstd"}), codec_word({})
    ('gzip', 'blosc-zstd', None)
    """
    words = [word for key in ("type", "cname") if isinstance(word := compression.get(key), str)]
    return "-".join(words) or None


def amount(count: Count | None) -> Amount | None:
    """Return a count as reports have it."""
    return None if count is None else Amount(objects=count.objects, bytes=count.bytes)


def orientation_y(note: VolumeNote | None, array: ArrayRecord | None) -> tuple[bool | None, str | None]:
    """Return whether a volume's rows are stored in the opposite order, and what says so."""
    if note is not None and note.is_mirrored_y is not None:
        return note.is_mirrored_y, note.source
    size = array.voxel_size_nm_xyz if array else None
    if array is not None and size is not None and len(size) > 1 and size[1] < 0:
        return True, array.placement_source
    return None, None


def _named(array: ArrayRecord, volume: VolumeRecord | None) -> tuple[str, str | None]:
    """Return volume and level of an array; from its path where it was found before volumes were kept."""
    if volume is not None:
        return volume.path, array.level_name
    parent, _, last = array.path.rpartition("/")
    return (array.path, None) if parse_level_name(last) is None else (parent, last)


def _container(known: Known, array: ArrayRecord, volume: VolumeRecord | None) -> str:
    """Return the path of an array's container below the dataset."""
    prefix = array.prefix if volume is None else known.containers[volume.container_id].prefix
    return _below(prefix, known.place.prefix)


def _below(prefix: str, root: str) -> str:
    return prefix.removeprefix(root).rstrip("/")


def _zyx(values_xyz: tuple[_Value, ...] | None) -> tuple[_Value, ...] | None:
    return tuple(reversed(values_xyz)) if values_xyz else None


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _ended(known: Known, run_id: int | None) -> str | None:
    return None if run_id is None else _iso(known.run_times.get(run_id))


def _total(counts: Iterable[Count]) -> Count:
    total = Count()
    for one in counts:
        total = total.plus(one)
    return total

"""`oomirror crops locate`: a located crop as a report."""

from __future__ import annotations

from mirror.app.crops.locate import locate_crop, locate_in_volume
from mirror.app.crops.located import Located, LocatedGroundTruth, LocatedLevel, LocatedVolume
from mirror.app.reading import catalog_for_reading
from mirror.config import Settings
from mirror.crops.place import Opinion
from mirror.errors import UnknownNameError, known_hint
from mirror.report.locate import GroundTruthBox, LevelBox, LocateReport, SourceLine, VolumeBox


def locate(
    settings: Settings,
    number: str,
    *,
    bucket: str | None = None,
    version: str | None = None,
    dataset: str | None = None,
    volume: str | None = None,
    level: str | None = None,
) -> LocateReport:
    """Return where a crop lies, from the catalog alone.

    Parameters
    ----------
    bucket
        As the configuration names it; None is its default.
    version, dataset
        As of `locate_crop`.
    volume
        Another volume of the dataset to place the crop in: its path inside the container.
    level
        Of raw and of `volume`, as `s3`: only that one is told. None: all.

    Raises
    ------
    UnknownNameError
        No such bucket, crop, dataset, volume or level.
    UsageError
        The number is that of several crops.
    MirrorError
        No source places the crop, or the catalog does not know the raw.
    CatalogError
        There is no catalog, or it cannot be read.
    """
    name = settings.default_bucket if bucket is None else bucket
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        found = locate_crop(connection, settings, number, bucket=name, version=version, dataset=dataset)
        other = None if volume is None else locate_in_volume(connection, found, volume)
    labels = tuple(_label_box(settings, found, one) for one in found.ground_truth)
    return LocateReport(
        number=found.number,
        version=found.version,
        dataset=found.dataset,
        bucket=found.bucket,
        raw=_volume_box(settings, found, found.raw, level),
        ground_truth=labels[0] if labels else None,
        labels=labels,
        volume=None if other is None else _volume_box(settings, found, other, level),
        source=found.source.value,
        start_nm_zyx=found.start_nm_zyx,
        size_nm_zyx=found.size_nm_zyx,
        sources=(_source_line(found, found.ruling), *(_source_line(found, one) for one in found.others)),
        remarks=found.remarks,
    )


def _label_box(settings: Settings, located: Located, label: LocatedGroundTruth) -> GroundTruthBox:
    box = _volume_box(settings, located, label.where, None)
    return GroundTruthBox(**box.model_dump(), label=label.label, version=label.version)


def _volume_box(settings: Settings, located: Located, where: LocatedVolume, level: str | None) -> VolumeBox:
    levels = {_level_name(one): one for one in where.levels}
    if level is not None and level not in levels:
        raise UnknownNameError(
            "the volume has no such level", f"{where.volume.path}: {level}", hint=known_hint(level, levels)
        )
    told = {name: one for name, one in levels.items() if level in {None, name}}
    url = settings.bucket(located.bucket).url
    folder = None if settings.share is None else settings.share / url.bucket / where.container_prefix
    return VolumeBox(
        volume=where.volume.path,
        container=where.container_prefix.removeprefix(located.dataset_prefix).rstrip("/"),
        format=where.levels[0].array.format,
        url=url.url_of(where.volume.prefix),
        share_path=None if folder is None else str(folder),
        mirrored_y=where.lattice.is_mirrored_y,
        start_zyx=where.box.start_zyx,
        stop_zyx=where.box.stop_zyx,
        shape_zyx=where.box.shape_zyx,
        voxel_size_nm_zyx=where.lattice.voxel_size_nm_zyx,
        blocks={name: one.blocks.n_blocks for name, one in told.items()},
        levels=tuple(_level_box(name, one) for name, one in told.items()),
    )


def _level_name(level: LocatedLevel) -> str:
    return level.array.level_name or level.array.path.rpartition("/")[2]


def _level_box(name: str, level: LocatedLevel) -> LevelBox:
    return LevelBox(
        level=name,
        path=level.array.path,
        start_zyx=level.box.start_zyx,
        stop_zyx=level.box.stop_zyx,
        shape_zyx=level.box.shape_zyx,
        array_shape_zyx=level.array.shape_xyz[::-1],
        blocks=level.blocks.n_blocks,
        first_block_xyz=level.blocks.first_xyz,
        stop_block_xyz=level.blocks.stop_xyz,
    )


def _source_line(located: Located, opinion: Opinion) -> SourceLine:
    rules = opinion is located.ruling
    return SourceLine(
        source=opinion.claim.source.value,
        start_zyx=tuple(round(one, 4) for one in opinion.claim.start_zyx),
        shape_zyx=opinion.claim.shape_zyx,
        where=opinion.claim.where,
        rules=rules,
        agrees=None if not opinion.is_comparable else rules or opinion in located.agreements,
        reason=opinion.reason,
    )

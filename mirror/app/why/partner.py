"""What shows the same in another bucket: the volume, its level, and the block at the same place."""

from __future__ import annotations

from catalog import queries
from catalog.records import ArrayRecord
from mirror.app.why.asked import Asked
from mirror.app.why.known import KnownDataset, Thing
from mirror.config import Settings
from mirror.explain.pairs import LevelGrid, NoPair, find_block_pair, find_pair
from mirror.formats.n5.grid import block_key
from mirror.report.model import PartnerStory


def partner_story(settings: Settings, known: KnownDataset, thing: Thing) -> PartnerStory:
    """Return the partner of a volume, a level or a block, or why there is none."""
    if thing.volume is None:
        return _none("only volumes, their levels and blocks have partners")
    if thing.place is not None and not thing.place.is_inside:
        return _none("it lies outside the grid")
    pair = find_pair(thing.volume.path)
    if isinstance(pair, NoPair):
        return _none(pair.reason)
    for name in sorted(settings.buckets):
        if name == known.bucket:
            continue
        other = KnownDataset(
            known.connection, settings, Asked(name, f"{settings.bucket(name).url.prefix}{known.name}/")
        )
        volume = next((one for one in other.volumes if one.path == pair.path and one.is_present), None)
        if volume is None:
            continue
        if thing.array is None:
            return _found(other, volume.prefix, pair.reason)
        level = _level_of(other, thing.array, volume.id)
        if level is None:
            return _none(f"{pair.path} in bucket {name} has no level {thing.array.level_name or 'at all'}")
        return _level_story(known, other, thing, level, pair.reason)
    return _none(f"the catalog knows no {pair.path} of {known.name} in another bucket")


def _level_of(other: KnownDataset, array: ArrayRecord, volume_id: int | None) -> ArrayRecord | None:
    levels = (one for one in other.arrays if one.volume_id == volume_id and one.is_present)
    return next((one for one in levels if one.level_index == array.level_index), None)


def _level_story(
    known: KnownDataset, other: KnownDataset, thing: Thing, level: ArrayRecord, reason: str
) -> PartnerStory:
    if thing.place is None or thing.array is None:
        return _found(other, level.key_prefix, reason)
    found = find_block_pair(_grid(known, thing.array), _grid(other, level), thing.place.index_xyz)
    if isinstance(found, NoPair):
        return _none(f"{level.path} in bucket {other.bucket} shows the same, but {found.reason}")
    return _found(other, level.key_prefix + block_key(found), reason)


def _grid(known: KnownDataset, array: ArrayRecord) -> LevelGrid:
    notes = queries.annotations_below(known.connection, str(known.url), array.key_prefix.partition(array.path)[0])
    said = [one.is_mirrored_y for one in notes if array.key_prefix.startswith(one.prefix)]
    return LevelGrid(array.shape_xyz, array.block_size_xyz, said[0] if said else None)


def _found(other: KnownDataset, key: str, reason: str) -> PartnerStory:
    is_listed, is_mirrored = None, None
    thing = other.object_at(key)
    if thing.place is not None:
        seen = other.sightings(thing, key)
        is_listed = (seen[0].size is not None) if seen else None
        is_mirrored = other.recorded(thing, key) is not None
    url = other.url.url_of(key)
    return PartnerStory(bucket=other.bucket, url=url, is_listed=is_listed, is_mirrored=is_mirrored, reason=reason)


def _none(reason: str) -> PartnerStory:
    return PartnerStory(bucket=None, url=None, is_listed=None, is_mirrored=None, reason=reason)

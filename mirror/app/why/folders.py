"""The story of a folder: its levels, how whole they are, and what lies beside them."""

from __future__ import annotations

from catalog import queries
from catalog.records import Count, LevelState, SnapshotScope
from mirror.app.why.known import KnownDataset, Thing
from mirror.report.model import Amount, FolderStory, WhyLevel


def folder_story(known: KnownDataset, prefix: str, thing: Thing) -> FolderStory:
    """Return what became of what lies below a folder; of one inside a level, that level's."""
    if known.bucket_id is None:
        return FolderStory(levels=(), other_listed=None, other_mirrored=None, listed_at=None)
    states, loose = queries.dataset_state(known.connection, known.bucket_id, known.name)
    inside = thing.array.key_prefix if thing.array is not None else prefix
    levels = [state for state in states if state.array.key_prefix.startswith(inside)]
    listed, mirrored = None, None
    if thing.word == "dataset":
        listed, mirrored = loose.listed, loose.mirrored
    elif not levels:
        listed, mirrored = known.others_below(prefix)
    return FolderStory(
        levels=tuple(_level(known, state) for state in levels),
        other_listed=_amount(listed),
        other_mirrored=_amount(mirrored),
        listed_at=_listed_at(known, levels),
    )


def _listed_at(known: KnownDataset, levels: list[LevelState]) -> str | None:
    """Return when all of it was listed: the oldest of its levels tells, without levels the whole dataset's listing."""
    moments = [state.listed_at for state in levels]
    if not levels and known.bucket_id is not None:
        newest = queries.newest_snapshot(known.connection, known.bucket_id, known.name, SnapshotScope.ALL)
        moments = [newest.finished_at if newest is not None else None]
    there = [moment for moment in moments if moment is not None]
    return min(there).isoformat() if len(there) == len(moments) and there else None


def _level(known: KnownDataset, state: LevelState) -> WhyLevel:
    array = state.array
    thing = known.object_at(array.key_prefix)
    return WhyLevel(
        volume=thing.volume.path if thing.volume is not None else array.path,
        level=array.level_name,
        blocks_in_grid=array.n_blocks,
        blocks_listed=None if state.blocks is None else state.blocks.objects,
        listed=_amount(state.listed),
        mirrored=_amount(state.mirrored) or Amount(),
        is_published=state.state.is_published,
        is_chosen=next(known.choosers(thing), None) is not None,
    )


def _amount(count: Count | None) -> Amount | None:
    return None if count is None else Amount(objects=count.objects, bytes=count.bytes)

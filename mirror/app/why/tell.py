"""From what a user wrote to the report: what it is, what became of it, and all that concerns it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import RunKind, RunRecord
from mirror.app.reading import catalog_for_reading, is_share_seen
from mirror.app.why.asked import Asked, places_asked
from mirror.app.why.folders import folder_story
from mirror.app.why.known import KnownDataset, Thing, choice_of
from mirror.app.why.objects import SharePlaces, is_known, object_story
from mirror.app.why.partner import partner_story
from mirror.config import Settings
from mirror.errors import UnknownNameError, known_hint
from mirror.report.model import FolderStory, ObjectStory, RunBrief, WhyFinding, WhyReport

if TYPE_CHECKING:
    from sqlalchemy import Connection


def why(settings: Settings, text: str, *, bucket: str | None = None, here: Path) -> WhyReport:
    """Return the story of the object or folder that the text means. Needs no network.

    Parameters
    ----------
    text
        A path on the share, an `s3://` address, a key, or a key that begins with the dataset.
    bucket
        Look at this bucket only; None: at all, the default bucket first.
    here
        Where the user is: paths may be relative to it.

    Raises
    ------
    UnknownNameError
        Nothing is known of such a thing.
    UnsafeError
        The share is another one than the catalog knows: what lies there, or not, tells nothing.
    CatalogError
        There is no catalog, or it cannot be read.
    """
    is_seen = is_share_seen(settings)
    candidates = places_asked(settings, text, bucket=bucket, here=here)
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        told = (_report(connection, settings, asked, is_seen=is_seen) for asked in candidates)
        reports = [report for report in told if report is not None]
        if not reports:
            raise _unknown(connection, settings, text, candidates)
    return reports[0].model_copy(update={"also": tuple(dict.fromkeys(one.url for one in reports[1:]))})


def _report(connection: Connection, settings: Settings, asked: Asked, *, is_seen: bool) -> WhyReport | None:
    """Return the story of one place, or None where nothing is known of it."""
    known = KnownDataset(connection, settings, asked)
    one = settings.bucket(asked.bucket)
    places = SharePlaces(settings.share, (one.url.bucket, *one.aliases), is_seen)
    folder = asked.key if asked.key.endswith("/") else f"{asked.key}/"
    thing = known.folder_at(folder)
    if (thing is None or thing.word == "folder") and asked.key and not asked.key.endswith("/"):
        alone = known.object_at(asked.key)
        story = object_story(known, places, alone, asked.key)
        is_folder_there = story.file is not None and story.file.size is None and story.recorded is None
        if is_known(story) and not is_folder_there:
            return _told(settings, known, places, alone, asked.key, story=story)
    if thing is None:
        return None
    return _told(settings, known, places, thing, folder, story=folder_story(known, folder, thing))


def _told(
    settings: Settings,
    known: KnownDataset,
    places: SharePlaces,
    thing: Thing,
    key: str,
    *,
    story: ObjectStory | FolderStory,
) -> WhyReport:
    path = places.path(key)
    chosen_by = next(known.choosers(thing), None)
    return WhyReport(
        bucket=known.bucket,
        dataset=known.name,
        url=known.url.url_of(key),
        key=key,
        path=None if path is None else str(path),
        thing=thing.word,
        format=thing.container.format if thing.container else None,
        container=thing.container.prefix.removeprefix(known.prefix).rstrip("/") if thing.container else None,
        volume=thing.volume.path if thing.volume else None,
        volume_kind=thing.volume.kind if thing.volume else None,
        organelle_class=thing.volume.organelle_class if thing.volume else None,
        level=thing.array.level_name if thing.array else None,
        object=story if isinstance(story, ObjectStory) else None,
        folder=story if isinstance(story, FolderStory) else None,
        runs=tuple(_brief(run, known.name) for run in _runs(known, story, chosen_by)),
        chosen_by=chosen_by.id if chosen_by else None,
        findings=tuple(_findings(known, thing, key)),
        partner=partner_story(settings, known, thing),
        also=(),
    )


def _runs(known: KnownDataset, story: ObjectStory | FolderStory, chosen_by: RunRecord | None) -> Iterator[RunRecord]:
    """Yield the runs that the report names, the newest first."""
    wanted = {chosen_by.id} if chosen_by else set()
    wanted |= {run.id for run in known.runs if run.kind is RunKind.SYNC and run is _last_sync(known)}
    if isinstance(story, ObjectStory):
        wanted |= {one.run for one in (story.upstream, story.recorded) if one is not None}
    return (run for run in known.runs if run.id in wanted)


def _last_sync(known: KnownDataset) -> RunRecord | None:
    return next((run for run in known.runs if run.kind is RunKind.SYNC), None)


def _brief(run: RunRecord, dataset: str) -> RunBrief:
    choice = choice_of(run, dataset)
    return RunBrief(
        run=run.id,
        kind=run.kind.value,
        started_at=run.started_at.isoformat(),
        state=run.state.value,
        scales=choice.get("scales"),
        volumes=tuple(choice.get("volumes", ())),
        crops=tuple(one["number"] for one in choice.get("crops", ())),
    )


def _findings(known: KnownDataset, thing: Thing, key: str) -> Iterator[WhyFinding]:
    """Yield what is odd about the object, about what lies below the folder, and about the volume above."""
    if known.bucket_id is None or not known.name:
        return
    above = thing.volume.prefix if thing.volume is not None else key
    for one in queries.findings(known.connection, bucket_id=known.bucket_id, dataset=known.name):
        folder = one.place if one.place.endswith("/") else one.place.rpartition("/")[0] + "/"
        is_below = key.endswith("/") and one.place.startswith(key)
        if one.place == key or is_below or (key.startswith(folder) and folder.startswith(above)):
            yield WhyFinding(
                severity=one.severity, code=one.code, place=one.place, expected=one.expected, found=one.found
            )


def _unknown(connection: Connection, settings: Settings, text: str, candidates: tuple[Asked, ...]) -> UnknownNameError:
    if not candidates:
        hint = "Give a path on the share, an s3:// address, or a key such as jrc_hela-2/jrc_hela-2.n5/volumes/raw/s0."
        return UnknownNameError("no bucket has such a place", text, hint=hint)
    known = [KnownDataset(connection, settings, asked) for asked in candidates]
    names = {
        name for one in known if one.bucket_id is not None for name in queries.dataset_names(connection, one.bucket_id)
    }
    asked_name = candidates[0].key.removeprefix(settings.bucket(candidates[0].bucket).url.prefix).partition("/")[0]
    if asked_name in names:
        hint = f"`oomirror ls {asked_name}` shows what the catalog knows of {asked_name}."
    else:
        hint = known_hint(asked_name, names) if names else "`oomirror scan DATASET` lists a dataset."
    return UnknownNameError("nothing is known of such a thing", text, hint=hint)

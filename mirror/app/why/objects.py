"""The story of one object: what listings say, what the catalog recorded, what lies on the share; and the verdict."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from catalog.records import HOW_ADOPTED, Recorded, Sighting
from mirror.app.why.known import KnownDataset, Thing
from mirror.explain.block import BlockPlace
from mirror.explain.verdict import Content, Evidence, Upstream, Verdict, judge
from mirror.objects import Verification, unpack_etag
from mirror.report.model import BlockStory, FileStory, ObjectStory, RecordedStory, UpstreamStory
from mirror.store.share import NOT_A_FILE


@dataclass(frozen=True, slots=True)
class SharePlaces:
    """Where an object may lie on the share."""

    root: Path | None
    """None where no share is configured."""
    folders: tuple[str, ...]
    """Of the bucket, below the root: its name, then names that it was filled under."""
    is_seen: bool
    """Whether the share can be seen from here: its mark is there."""

    def path(self, key: str) -> Path | None:
        """Return where the object belongs."""
        return None if self.root is None else self.root / self.folders[0] / key

    def file(self, key: str) -> FileStory | None:
        """Return what lies there, under the bucket's name or an older one; None where nothing does."""
        if self.root is None or not self.is_seen:
            return None
        for folder in self.folders:
            path = self.root / folder / key
            try:
                found = path.stat()
            except (OSError, ValueError):
                continue
            modified = datetime.fromtimestamp(found.st_mtime, UTC).isoformat(timespec="seconds")
            size = found.st_size if stat.S_ISREG(found.st_mode) else None
            return FileStory(path=str(path), size=size, modified_at=modified)
        return None


def object_story(known: KnownDataset, places: SharePlaces, thing: Thing, key: str) -> ObjectStory:
    """Return what became of an object."""
    sightings, recorded = known.sightings(thing, key), known.recorded(thing, key)
    has_rows = recorded is not None or known.has_rows(thing)
    file = places.file(key)
    evidence = Evidence(
        upstream=_upstream(sightings, has_rows=has_rows),
        listed=_content(sightings[0]) if sightings else None,
        recorded=None if recorded is None else Content(recorded.size, recorded.etag),
        file_size=None if file is None else NOT_A_FILE if file.size is None else file.size,
        is_share_seen=places.is_seen,
        is_block=thing.place is not None,
        is_inside_grid=thing.place is None or thing.place.is_inside,
        is_chosen=next(known.choosers(thing), None) is not None,
        has_rows=has_rows,
    )
    return ObjectStory(
        verdict=judge(evidence).value,
        block=None if thing.place is None else _block(thing.place),
        upstream=_upstream_story(sightings) if has_rows else None,
        recorded=None if recorded is None else _recorded(recorded),
        file=file,
        share_is_seen=evidence.is_share_seen,
    )


def is_known(story: ObjectStory) -> bool:
    """Return whether anything is known of the object."""
    return story.verdict != Verdict.UNKNOWN


def _upstream(sightings: tuple[Sighting, ...], *, has_rows: bool) -> Upstream:
    if not sightings or not has_rows:
        return Upstream.UNKNOWN
    return Upstream.ABSENT if sightings[0].size is None else Upstream.LISTED


def _content(one: Sighting) -> Content | None:
    return None if one.size is None or one.etag is None else Content(one.size, one.etag)


def _block(place: BlockPlace) -> BlockStory:
    return BlockStory(
        index_xyz=place.index_xyz,
        start_zyx=place.start_xyz[::-1],
        stop_zyx=place.stop_xyz[::-1],
        is_inside=place.is_inside,
        is_edge=place.is_edge,
    )


def _upstream_story(sightings: tuple[Sighting, ...]) -> UpstreamStory | None:
    if not sightings:
        return None
    newest, modified = sightings[0], sightings[0].last_modified
    return UpstreamStory(
        is_listed=newest.size is not None,
        listed_at=newest.listed_at.isoformat(),
        run=newest.run_id,
        size=newest.size,
        etag=None if newest.etag is None else unpack_etag(newest.etag),
        last_modified=None if modified is None else datetime.fromtimestamp(modified, UTC).isoformat(),
        was_listed_at=_last_seen(sightings[1:]) if newest.size is None else None,
    )


def _last_seen(older: Iterable[Sighting]) -> str | None:
    return next((one.listed_at.isoformat() for one in older if one.size is not None), None)


def _recorded(row: Recorded) -> RecordedStory:
    is_adopted = row.how >= HOW_ADOPTED
    return RecordedStory(
        size=row.size,
        etag=unpack_etag(row.etag),
        xxh3=None if row.hash is None else row.hash.hex(),
        verified_by=Verification(row.how - HOW_ADOPTED if is_adopted else row.how).word,  # type: ignore[arg-type]
        adopted=is_adopted,
        run=row.run_id,
    )

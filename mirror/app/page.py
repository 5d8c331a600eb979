"""The page of the share, put together from the catalog: datasets in all their buckets, volumes, levels, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import Count, FactRecord, FindingRecord, LevelState, MirrorState, RunRecord, RunState, VolumeRecord
from catalog.sealed import SealedCatalog
from mirror.app.example import example_of
from mirror.app.levels import level_word
from mirror.formats.organelles import title_of
from mirror.keys import S3Url
from mirror.objects import Tally
from mirror.report.html.page import Checked, Container, Dataset, InBucket, Level, Oddity, Page, Volume, Wholeness

if TYPE_CHECKING:
    from sqlalchemy import Connection

THUMBNAIL = "thumbnail.jpg"
_KINDS = {
    "em": "EM",
    "subsampled-em": "EM, subsampled",
    "lm": "light microscopy",
    "ground-truth": "ground truth",
    "unknown": "",
}
_WORST_FIRST = ("error", "warning", "note")


def page_of(catalog: SealedCatalog, share: Path, unc: str | None) -> Page:
    """Return what the page shows.

    Parameters
    ----------
    share
        The share's root on this machine.
    unc
        The same from Windows, or None.

    Raises
    ------
    CatalogError
        The catalog cannot be read.
    """
    with catalog.read() as connection:
        return _Reader.of(connection, share).page(catalog, unc)


@dataclass(frozen=True, slots=True)
class _Reader:
    connection: Connection
    share: Path
    runs: Mapping[int, RunRecord]
    facts: Mapping[str, Sequence[FactRecord]]
    findings: Mapping[tuple[int, str], Sequence[FindingRecord]]
    buckets: Sequence[tuple[int, S3Url]]

    @classmethod
    def of(cls, connection: Connection, share: Path) -> _Reader:
        """Return a reader that has read what is small."""
        facts, findings = queries.facts(connection), queries.findings(connection)
        return cls(
            connection,
            share,
            {run.id: run for run in queries.runs(connection, limit=None)},
            {name: tuple(group) for name, group in groupby(facts, key=lambda fact: fact.dataset)},
            _by_dataset(findings),
            [
                (number, S3Url.parse(url))
                for number, url in sorted(queries.buckets(connection).items(), key=itemgetter(1))
            ],
        )

    def page(self, catalog: SealedCatalog, unc: str | None) -> Page:
        names: dict[str, list[tuple[int, S3Url]]] = {}
        for number, url in self.buckets:
            for name in queries.dataset_names(self.connection, number):
                names.setdefault(name, []).append((number, url))
        return Page(
            share=str(self.share),
            unc=unc,
            published_at=catalog.seal.published_at,
            host=catalog.seal.host,
            version=catalog.seal.version,
            datasets=tuple(self._dataset(name, buckets) for name, buckets in sorted(names.items())),
        )

    def _dataset(self, name: str, buckets: Sequence[tuple[int, S3Url]]) -> Dataset:
        said = {fact.name: fact.value for fact in reversed(self.facts.get(name, ()))}
        found = [one for number, _ in buckets for one in self.findings.get((number, name), ())]
        voxel_size = said.get("voxel_size_nm_xyz")
        in_buckets = tuple(self._in_bucket(name, number, url) for number, url in buckets)
        return Dataset(
            name=name,
            title=_words(said.get("title")),
            organism=_words(said.get("organism")),
            voxel_size_nm_zyx=_reversed(voxel_size) if isinstance(voxel_size, list) else (),
            thumbnail=self._thumbnail(name, buckets),
            buckets=in_buckets,
            oddities=tuple(map(_oddity, sorted(found, key=_severity))),
            example=example_of(in_buckets, self.share),
            is_running=any(run.state is RunState.RUNNING and name in run.datasets for run in self.runs.values()),
        )

    def _thumbnail(self, name: str, buckets: Sequence[tuple[int, S3Url]]) -> str | None:
        for number, url in buckets:
            key = f"{url.prefix}{name}/{THUMBNAIL}"
            if queries.mirrored_objects_of(self.connection, number, [key]):
                return f"{url.bucket}/{key}"
        return None

    def _in_bucket(self, name: str, number: int, url: S3Url) -> InBucket:
        levels, loose = queries.dataset_state(self.connection, number, name)
        record = queries.find_dataset(self.connection, number, name)
        known = (
            {}
            if record is None or record.id is None
            else {one.id: one for one in queries.volumes(self.connection, record.id)}
        )
        return InBucket(
            url=f"{url}/{name}",
            folder=f"{url.bucket}/{url.prefix}{name}",
            containers=tuple(
                self._container(url, name, prefix, tuple(group), known)
                for prefix, group in groupby(levels, key=lambda level: level.array.prefix)
            ),
            other_files=_tally(loose.mirrored),
            checked_files=self._checked(loose.state),
            listed_at=max(filter(None, [loose.listed_at, *(level.listed_at for level in levels)]), default=None),
        )

    def _container(
        self,
        url: S3Url,
        dataset: str,
        prefix: str,
        levels: Sequence[LevelState],
        known: Mapping[int | None, VolumeRecord],
    ) -> Container:
        volumes = [self._volume(tuple(group), known) for _, group in groupby(levels, key=_of_volume)]
        here = [volume for volume in volumes if volume.here.objects]
        absent = [volume.path for volume in volumes if not volume.here.objects]
        return Container(
            name=prefix.removeprefix(f"{url.prefix}{dataset}/").rstrip("/"),
            folder=f"{url.bucket}/{prefix}".rstrip("/"),
            format=levels[0].array.format,
            volumes=tuple(here),
            absent_paths=tuple(absent),
        )

    def _volume(self, levels: Sequence[LevelState], known: Mapping[int | None, VolumeRecord]) -> Volume:
        finest = min(levels, key=lambda level: level.array.level_index or 0).array
        record = known.get(finest.volume_id)
        return Volume(
            path=_of_volume(levels[0])[1],
            shows=shown(record.kind, record.organelle_class) if record else "",
            levels=tuple(
                Level(
                    name=level.array.level_name or "",
                    wholeness=wholeness(level),
                    here=_tally(level.mirrored),
                    listed_objects=level.most_objects,
                )
                for level in sorted(levels, key=lambda level: level.array.level_index or 0)
            ),
            shape_zyx=finest.shape_xyz[::-1],
            voxel_size_nm_zyx=_reversed(finest.voxel_size_nm_xyz or ()),
            checked=Checked.of(self._checked(level.state) for level in levels),
        )

    def _checked(self, state: MirrorState) -> Checked:
        return Checked(
            self._end_of(state.first_run_id),
            self._end_of(state.last_run_id),
            state.by_md5,
            state.by_multipart_etag,
            state.by_checksum,
            state.by_size_only,
            state.adopted,
        )

    def _end_of(self, run_id: int | None) -> datetime | None:
        run = self.runs.get(run_id or 0)
        return None if run is None else run.finished_at or run.started_at


def shown(kind: str | None, organelle_class: str | None) -> str:
    """Return in words what a volume shows.

    >>> shown("segmentation", "er_mito"), shown("em", None)
    ('endoplasmic reticulum (ER) with mitochondria, segmentation', 'EM')
    """
    words = _KINDS.get(kind or "", (kind or "").replace("-", " "))
    return ", ".join(word for word in (title_of(organelle_class) if organelle_class else "", words) if word)


def wholeness(level: LevelState) -> Wholeness:
    """Return how much of a level is on the share. One whose document is not there yet does not open, so is partial."""
    if not level.mirrored.objects:
        return Wholeness.NONE
    word = level_word(level)
    if word == "unknown":
        return Wholeness.UNKNOWN
    return Wholeness.WHOLE if word == "whole" and level.state.is_published else Wholeness.PARTIAL


def _of_volume(level: LevelState) -> tuple[int | None, str]:
    array = level.array
    path = array.path
    if array.level_name is not None and array.path.rpartition("/")[2] == array.level_name:
        path = array.path.rpartition("/")[0]
    return array.volume_id, path


def _by_dataset(findings: Iterable[FindingRecord]) -> dict[tuple[int, str], list[FindingRecord]]:
    found: dict[tuple[int, str], list[FindingRecord]] = {}
    for one in findings:
        found.setdefault((one.bucket_id, one.dataset), []).append(one)
    return found


def _severity(finding: FindingRecord) -> tuple[int, str, str]:
    known = finding.severity in _WORST_FIRST
    rank = _WORST_FIRST.index(finding.severity) if known else len(_WORST_FIRST)
    return rank, finding.place, finding.code


def _oddity(finding: FindingRecord) -> Oddity:
    return Oddity(finding.severity, finding.code, finding.place, finding.expected, finding.found)


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _reversed(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(reversed(values))


def _tally(count: Count) -> Tally:
    return Tally(count.objects, count.bytes)

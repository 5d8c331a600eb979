"""What the sources of crops do not agree about, kept as findings of each bucket that has the dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from catalog import queries
from mirror.app.crops.locate import Views, frame_here, opinions_of, raw_lattice, read_views
from mirror.app.crops.scene import Scene
from mirror.app.crops.which import CropName, CropSayings, sayings_of
from mirror.app.findings import put_findings
from mirror.crops.box import Box
from mirror.crops.place import CropSource, Opinion, agrees, is_integral, rule
from mirror.formats.layout import Finding, FindingCode, Severity

if TYPE_CHECKING:
    from sqlalchemy import Connection

CROPS = "crops"
"""Origin of the findings that a look at crops makes."""


def check_crops(connection: Connection, dataset: str, *, now: datetime) -> int:
    """Compare what all sources say of a dataset's crops, and keep what is odd in each bucket; return how much that is.

    Replaces what the last such look found. Cheap where the catalog knows neither crops nor ground truth of it.
    """
    views = read_views(connection, dataset)
    records = queries.crops(connection, dataset=dataset)
    rows = queries.class_crops(connection, dataset=dataset)
    named = {CropName(one.number, one.version, dataset) for one in records}
    named |= {CropName(row.number, None, dataset) for row in rows}
    for seen in views.values():
        named |= {CropName(path.number, path.version, dataset) for path, _ in seen.here.ground_truth}
    crops = [sayings_of(name, records, rows) for name in _without_parts(named)]
    n_found = 0
    for bucket_id, url in queries.buckets(connection).items():
        if url in views:
            found = tuple(_of_bucket(views[url], crops))
        else:
            prefix = f"{queries.bucket_prefix(connection, bucket_id)}{dataset}/"
            found = () if views else tuple(_unknown(crops, prefix))
        put_findings(connection, bucket_id, dataset, CROPS, found, now=now)
        n_found += len(found)
    return n_found


def check_all_crops(connection: Connection, *, now: datetime) -> int:
    """Look at the crops of all datasets that documents and tables name; return how much is odd about them."""
    named = {one.dataset for one in queries.crops(connection)} | {
        row.dataset for row in queries.class_crops(connection)
    }
    # Those of crops that were dropped close.
    named |= {one.dataset for one in queries.findings(connection) if one.origin == CROPS}
    return sum(check_crops(connection, name, now=now) for name in sorted(name for name in named if name))


def _without_parts(names: set[CropName]) -> list[CropName]:
    """Return the names without those that tell no version where another one of the number does."""
    versioned = {name.number for name in names if name.version is not None}
    kept = (name for name in names if name.version is not None or name.number not in versioned)
    return sorted(kept, key=lambda name: (name.number, name.version or ""))


def _of_bucket(views: Views, crops: list[CropSayings]) -> Iterator[Finding]:
    if views.here.raw is not None:
        for sayings in crops:
            yield from _of_crop(views, sayings)


def _of_crop(views: Views, sayings: CropSayings) -> Iterator[Finding]:
    opinions = [one for one in opinions_of(views, sayings) if one.is_comparable]
    note = _Note(_place(views.here, sayings.name), sayings.name)
    for one in opinions:
        if one.may_place and not is_integral(one.claim):
            yield note.finding(FindingCode.CROP_START_NOT_WHOLE, "a start at whole raw voxels", _says(one))
    ruling = rule(opinions, frame_here(views))
    if ruling is None:
        return
    leader, box = ruling
    shape = raw_lattice(views.here, sayings).shape_zyx
    if box.clipped(shape) != box:
        yield note.finding(FindingCode.CROP_OUTSIDE_RAW, f"inside of raw, {_voxels(shape)}", _says(leader))
    yield from (
        note.finding(FindingCode.CROP_SOURCES_DISAGREE, _says(leader), _says(one))
        for one in opinions
        if one is not leader and not _agrees(one, box)
    )
    said = sayings.record.shape_xyz if sayings.record is not None else None
    if said is not None and said[::-1] != box.shape_zyx:
        expected = f"{_voxels(said[::-1])} of raw, as its document says, and twice as many of ground truth"
        found = f"{_voxels(box.shape_zyx)} by {leader.claim.source}"
        yield note.finding(FindingCode.CROP_SHAPE_DIFFERS, expected, found)


@dataclass(frozen=True, slots=True)
class _Note:
    """Writes findings about one crop."""

    place: str
    name: CropName

    def finding(self, code: FindingCode, expected: str, found: str) -> Finding:
        """Return a finding whose words begin with the crop."""
        return Finding(Severity.WARNING, code, self.place, f"{self.name}: {expected}", found)


def _unknown(crops: Sequence[CropSayings], prefix: str) -> Iterator[Finding]:
    numbers = ", ".join(sorted({one.name.number for one in crops}, key=lambda number: (len(number), number)))
    if numbers:
        expected = "a dataset that was scanned"
        yield Finding(Severity.NOTE, FindingCode.CROP_OF_UNKNOWN_DATASET, prefix, expected, f"crops {numbers}")


def _place(scene: Scene, name: CropName) -> str:
    """Return the prefix of the crop's ground truth in the bucket, or that of raw where it has none."""
    for path, volume in scene.ground_truth:
        if path.number == name.number and path.version in {None, name.version}:
            return volume.volume.prefix.removesuffix(f"{path.label}/").removesuffix("labels/")
    return scene.raw.volume.prefix if scene.raw is not None else scene.prefix


def _agrees(opinion: Opinion, box: Box) -> bool:
    """Return whether an opinion gives that box; the document's own shape is told of apart."""
    claim = opinion.claim
    return agrees(replace(claim, shape_zyx=box.shape_zyx) if claim.source is CropSource.MONGO_OFFSET else claim, box)


def _says(opinion: Opinion) -> str:
    start = ",".join(f"{round(one, 2):g}" for one in opinion.claim.start_zyx)
    return f"start {start} (z,y,x), {_voxels(opinion.claim.shape_zyx)} by {opinion.claim.source}"


def _voxels(shape: Sequence[int]) -> str:
    return f"{' x '.join(map(str, shape))} voxels"

"""Where a crop lies in a bucket: what the catalog has of it, weighed by the rules of `mirror.crops.place`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalog import queries
from catalog.records import ClassCrop
from mirror.app.crops.located import Located, LocatedGroundTruth, LocatedVolume, locate_in
from mirror.app.crops.scene import Scene, array_lattice, read_scene
from mirror.app.crops.which import CropSayings, find_crop
from mirror.app.lookup import never_seen
from mirror.config import Settings
from mirror.crops.box import Box
from mirror.crops.lattice import Lattice, moved
from mirror.crops.place import (
    HOME,
    Claim,
    CropSource,
    Frame,
    Opinion,
    claim_of_translation,
    claim_of_voxels,
    is_integral,
    opinion_of,
    rule,
    voxel_size_by_ground_truth,
)
from mirror.errors import MirrorError, UnknownNameError, known_hint

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Views:
    """A dataset as all buckets of the catalog have it, seen from one of them."""

    here: Scene
    elsewhere: tuple[Scene, ...]

    def raw_of(self, frame: Frame) -> Lattice | None:
        """Return the voxels of a bucket's raw, or None where the catalog does not know it."""
        of_frame = (one.raw_lattice for one in (self.here, *self.elsewhere) if one.frame is frame)
        return next(of_frame, None)


def locate_crop(
    connection: Connection,
    settings: Settings,
    number: str,
    *,
    bucket: str,
    version: str | None = None,
    dataset: str | None = None,
) -> Located:
    """Return where a crop lies in the raw and in the ground truth of a bucket, from the catalog alone.

    Parameters
    ----------
    bucket
        As the configuration names it.
    version
        Of the ground truth, as `0003`; needed only where the number has several.
    dataset
        Needed only where the number is that of crops in several datasets.

    Raises
    ------
    UnknownNameError
        No such bucket, nothing names such a crop, or the catalog knows no such dataset there.
    UsageError
        The number is that of several crops.
    MirrorError
        No source places it, or the catalog does not know the raw: the hint says what to scan or to import.
    """
    url = str(settings.bucket(bucket).url)
    sayings = find_crop(connection, number, version=version, dataset=dataset)
    views = read_views(connection, sayings.name.dataset, number).get(url)
    if views is None:
        known = queries.dataset_names(connection, found) if (found := queries.find_bucket(connection, url)) else ()
        raise never_seen(sayings.name.dataset, known, bucket)
    return locate_seen(views, sayings, bucket)


def locate_seen(views: Views, sayings: CropSayings, bucket: str) -> Located:
    """Return where a crop lies in the bucket that is `here`, from what was read of all of them.

    Raises
    ------
    MirrorError
        As `locate_crop`.
    """
    raw = views.here.raw
    if raw is None:
        hint = f"`oomirror scan {sayings.name.dataset} --bucket {bucket} --metadata-only` reads where it is."
        raise MirrorError("the catalog knows no raw of the dataset", views.here.prefix, hint=hint)
    opinions = opinions_of(views, sayings)
    ruling = rule(opinions, frame_here(views))
    if ruling is None:
        raise _unplaced(sayings, bucket, opinions)
    opinion, box = ruling
    lattice = raw_lattice(views.here, sayings)
    stored = box.mirrored_y(lattice.shape_zyx[-2]) if lattice.is_mirrored_y else box
    return Located(
        number=sayings.name.number,
        version=sayings.name.version,
        dataset=sayings.name.dataset,
        bucket=bucket,
        bucket_id=views.here.bucket_id,
        dataset_prefix=views.here.prefix,
        raw=locate_in(raw, lattice, stored),
        ground_truth=tuple(_ground_truth(views.here, sayings)),
        ruling=opinion,
        others=tuple(one for one in opinions if one is not opinion),
        remarks=tuple(_remarks(opinion.claim, box, lattice)),
    )


def locate_in_volume(connection: Connection, located: Located, path: str) -> LocatedVolume:
    """Return where a crop lies in another volume of its dataset and bucket, by voxel sizes, translations and mirroring.

    Parameters
    ----------
    path
        Inside its container, as `labels/er_pred`.

    Raises
    ------
    UnknownNameError
        The catalog knows no such volume there, or it has no three axes.
    """
    scene = read_scene(connection, located.bucket_id, located.dataset, located.number)
    path = path.strip("/")
    found = queries.volume_at(connection, located.bucket_id, located.dataset, path)
    volume = next(
        (one for one in found if one.arrays and len(one.arrays[0].shape_xyz) == len(located.box.shape_zyx)), None
    )
    if volume is None:
        record = queries.find_dataset(connection, located.bucket_id, located.dataset)
        known = queries.volumes(connection, record.id) if record is not None and record.id is not None else ()
        paths = {one.path for one in known if one.is_present}
        raise UnknownNameError("no such volume of three axes", path, hint=known_hint(path, paths) if paths else "")
    lattice = scene.lattice_of(volume)
    return locate_in(volume, lattice, moved(located.box, located.raw.lattice, lattice))


def read_views(connection: Connection, dataset: str, number: str | None = None) -> dict[str, Views]:
    """Return a dataset as seen from each bucket of the catalog that has it, by the bucket's URL."""
    scenes = {
        url: read_scene(connection, bucket_id, dataset, number)
        for bucket_id, url in queries.buckets(connection).items()
        if queries.find_dataset(connection, bucket_id, dataset) is not None
    }
    return {
        url: Views(scene, tuple(other for key, other in scenes.items() if key != url)) for url, scene in scenes.items()
    }


def frame_here(views: Views) -> Frame:
    """Return whose raw a dataset has in the bucket that it is seen from."""
    if views.here.frame is None:
        raise TypeError("a scene without raw")
    return views.here.frame


def raw_lattice(scene: Scene, sayings: CropSayings) -> Lattice:
    """Return the voxels of a bucket's raw; their size by the cellmap table where no document of the bucket tells it."""
    lattice = scene.raw_lattice
    if lattice is None:
        raise TypeError("a scene without raw")
    if lattice.voxel_size_nm_zyx is not None or sayings.record is None or sayings.record.shape_xyz is None:
        return lattice
    shape = sayings.record.shape_xyz[::-1]
    sizes = (voxel_size_by_ground_truth(_row_lattice(row), shape) for row in sayings.rows)
    return replace(lattice, voxel_size_nm_zyx=next((one for one in sizes if one is not None), None))


def opinions_of(views: Views, sayings: CropSayings) -> tuple[Opinion, ...]:
    """Return what all sources say of a crop, as it counts in one bucket; those that say the same are one."""
    frame, raw = frame_here(views), raw_lattice(views.here, sayings)
    other = views.raw_of(Frame.A if frame is Frame.B else Frame.B)
    found: dict[tuple[object, ...], Opinion] = {}
    for claim in _claims(views, sayings, raw):
        found.setdefault((claim.source, claim.start_zyx, claim.shape_zyx), opinion_of(claim, frame, raw, other))
    return tuple(found.values())


def _claims(views: Views, sayings: CropSayings, raw: Lattice) -> Iterator[Claim]:
    name = sayings.name
    for scene in (views.here, *views.elsewhere):
        yield from scene.claims(raw, name.number, name.version)
    record = sayings.record
    if record is not None and record.offset_xyz is not None and record.shape_xyz is not None:
        yield claim_of_voxels(record.offset_xyz, record.shape_xyz, f"the document of {name}")
    for row in sayings.rows:
        where = f"the cellmap table, class {row.class_label}"
        claim = claim_of_translation(CropSource.CELLMAP_MANIFEST, _row_lattice(row), raw, where)
        if claim is not None:
            yield claim


def _row_lattice(row: ClassCrop) -> Lattice:
    return Lattice(row.shape_zyx, row.voxel_size_nm_zyx, row.translation_nm_zyx)


def _ground_truth(scene: Scene, sayings: CropSayings) -> Iterator[LocatedGroundTruth]:
    name = sayings.name
    for path, volume in scene.ground_truth:
        if path.number == name.number and (name.version is None or path.version in {None, name.version}):
            lattice = array_lattice(volume.arrays[0])
            whole = Box((0,) * len(lattice.shape_zyx), lattice.shape_zyx)
            yield LocatedGroundTruth(path.label, path.version, locate_in(volume, lattice, whole))


def _remarks(claim: Claim, box: Box, raw: Lattice) -> Iterator[str]:
    if not is_integral(claim):
        exact = ", ".join(f"{one:.2f}" for one in claim.start_zyx)
        yield f"The source gives the start {exact} (z,y,x), which is no whole voxel: rounded to the nearest."
    inside = box.clipped(raw.shape_zyx)
    if inside != box:
        n_outside = box.n_voxels - inside.n_voxels
        yield f"{n_outside:,} of its {box.n_voxels:,} voxels lie outside of raw, which has {list(raw.shape_zyx)}."


def _unplaced(sayings: CropSayings, bucket: str, opinions: Sequence[Opinion]) -> MirrorError:
    """Return the error of a crop that no source places, with what to scan or to import."""
    name = sayings.name
    sources = {one.claim.source for one in opinions}
    scan = f"`oomirror scan {name.dataset} --bucket"
    steps = []
    if sources.isdisjoint({CropSource.A_ATTRIBUTE, CropSource.B_ATTRIBUTE}):
        steps.append(f"{scan} {bucket} --metadata-only` reads the attributes of its ground truth, if the bucket has it")
    # The frames are called as the buckets are that need no configuration.
    homes = sorted({HOME[one.claim.source] for one in opinions if not one.may_place and one.is_comparable})
    steps += [f"{scan} {home} --metadata-only` tells whether raw has the same grid there" for home in homes]
    if CropSource.MONGO_OFFSET not in sources:
        steps.append("`oomirror import-mongo SOURCE` takes its offset, if the documents have one")
    if not sayings.rows:
        steps.append("`oomirror crops import-manifest FILE` takes its translation from the cellmap table")
    said = "; ".join(f"{one.claim.source} does not, for {_why_not(one)}" for one in opinions)
    hint = f"{'; '.join(steps)}." if steps else ""
    return MirrorError("no source places the crop", f"{name} in bucket {bucket}", found=said, hint=hint)


def _why_not(opinion: Opinion) -> str:
    if not opinion.may_place:
        return opinion.reason
    start = ", ".join(f"{one:.2f}" for one in opinion.claim.start_zyx)
    return f"its start {start} (z,y,x) lies half-way between two voxels"

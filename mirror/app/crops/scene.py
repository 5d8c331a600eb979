"""What the catalog has of a dataset in one bucket that bears on crops: its raw, its ground truth, their voxels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from catalog import queries
from catalog.queries import CropVolume, VolumeNote
from catalog.records import ArrayRecord
from mirror.app.levels import orientation_y
from mirror.crops.lattice import Lattice
from mirror.crops.paths import WHOLE, GroundTruthPath, frame_of, parse_ground_truth_path, raw_rank
from mirror.crops.place import Claim, CropSource, Frame, claim_of_offset, claim_of_translation
from mirror.errors import MalformedDocumentError
from mirror.formats.folder import Format
from mirror.formats.n5.attributes import ATTRIBUTES_NAME, parse_attributes
from mirror.formats.units import nanometres

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NDIM = 3
_OFFSET_SOURCE = "resolution"
"""`placement_source` of arrays whose translation is their `offset`, as written."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One dataset in one bucket."""

    bucket_id: int
    url: str
    dataset: str
    prefix: str
    """Full key prefix of the dataset's folder."""
    raw: CropVolume | None
    """None where the catalog knows no raw with three axes."""
    ground_truth: tuple[tuple[GroundTruthPath, CropVolume], ...]
    """By number, the label image of all classes first."""
    notes: Mapping[str, VolumeNote]
    """Of manifests, by the volumes' prefixes."""
    offsets_nm_xyz: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """`offset` of ground truth whose place is told by another field too, by the arrays' prefixes."""

    @property
    def frame(self) -> Frame | None:
        """Whose raw it is; None without raw."""
        return None if self.raw is None else frame_of(self.raw.volume.path)

    @property
    def raw_lattice(self) -> Lattice | None:
        """The voxels of raw at its finest level."""
        return None if self.raw is None else self.lattice_of(self.raw)

    def lattice_of(self, volume: CropVolume) -> Lattice:
        """Return the voxels of a volume's finest level."""
        is_mirrored, _ = orientation_y(self.notes.get(volume.volume.prefix), volume.arrays[0])
        return array_lattice(volume.arrays[0], is_mirrored_y=bool(is_mirrored))

    def claims(self, raw: Lattice, number: str, version: str | None) -> Iterator[Claim]:
        """Yield what the ground truth of a crop says of its place, in voxels of `raw` where it speaks of nanometres.

        Parameters
        ----------
        version
            Of the ground truth; None for any.
        """
        for path, volume in self.ground_truth:
            if path.number == number and (version is None or path.version in {None, version}):
                claim = self._claim(raw, volume)
                if claim is not None:
                    yield claim

    def _claim(self, raw: Lattice, volume: CropVolume) -> Claim | None:
        array = volume.arrays[0]
        where = self._url_of(array.key_prefix)
        offset = array.translation_nm_xyz if array.placement_source == _OFFSET_SOURCE else None
        offset = offset or self.offsets_nm_xyz.get(array.key_prefix)
        if offset is not None and len(offset) == _NDIM:
            numbers = ",".join(f"{one:g}" for one in offset)
            return claim_of_offset(offset, array.shape_xyz, f"offset {numbers} nm (x,y,z) of {where}")
        if self.frame is Frame.B:
            return None
        return claim_of_translation(CropSource.A_ATTRIBUTE, array_lattice(array), raw, where)

    def _url_of(self, key: str) -> str:
        return f"s3://{self.url.removeprefix('s3://').partition('/')[0]}/{key}"


def read_scene(connection: Connection, bucket_id: int, dataset: str, number: str | None = None) -> Scene:
    """Return what the catalog has of a dataset in a bucket; of one crop's ground truth where a number is given."""
    url = queries.buckets(connection)[bucket_id]
    prefix = f"{queries.bucket_prefix(connection, bucket_id)}{dataset}/"
    notes = queries.volume_notes(connection, url, prefix)
    found = queries.crop_volumes(connection, bucket_id, dataset, number)
    scene = scene_of(bucket_id, url, dataset, prefix, found=found, notes=notes)
    offsets = dict(_written_offsets(connection, bucket_id, (one for _, one in scene.ground_truth)))
    return replace(scene, offsets_nm_xyz=offsets)


def scene_of(
    bucket_id: int,
    url: str,
    dataset: str,
    prefix: str,
    *,
    found: Iterable[CropVolume],
    notes: Mapping[str, VolumeNote],
) -> Scene:
    """Return a scene of some volumes, of which those of raw and of ground truth count; without written offsets."""
    volumes = [one for one in found if one.arrays and len(one.arrays[0].shape_xyz) == _NDIM]
    ranked = [
        (rank, one) for one in volumes if (rank := raw_rank(one.volume.path, Format(one.arrays[0].format))) is not None
    ]
    truth = [(path, one) for one in volumes if (path := parse_ground_truth_path(one.volume.path)) is not None]
    truth.sort(key=lambda item: (item[0].number, item[0].label != WHOLE, item[0].label, item[1].volume.prefix))
    return Scene(
        bucket_id,
        url,
        dataset,
        prefix,
        raw=min(ranked, key=lambda item: item[0])[1] if ranked else None,
        ground_truth=tuple(truth),
        notes=notes,
    )


def array_lattice(array: ArrayRecord, *, is_mirrored_y: bool = False) -> Lattice:
    """Return the voxels of an array of three axes.

    >>> array_lattice(ArrayRecord(1, "x.n5/", "s0", "n5", (9, 8, 7), (4, 4, 4), "uint8", {})).shape_zyx
    (7, 8, 9)
    """
    shape, sizes, at = array.shape_xyz[::-1], array.voxel_size_nm_xyz, array.translation_nm_xyz
    if sizes is None or len(sizes) != len(shape) or not all(sizes):
        return Lattice(shape, is_mirrored_y=is_mirrored_y)
    if at is not None:
        # Of an axis that is written backwards the last voxel lies first.
        ends = zip(at, sizes, array.shape_xyz, strict=True)
        at = tuple(t + size * (n - 1) if size < 0 else t for t, size, n in ends)[::-1]
    return Lattice(shape, tuple(map(abs, sizes))[::-1], at, is_mirrored_y)


def _written_offsets(
    connection: Connection, bucket_id: int, volumes: Iterable[CropVolume]
) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Yield the `offset` that documents have beside the field from which the array's place was taken."""
    for volume in volumes:
        array = volume.arrays[0]
        place = f"{array.key_prefix}{ATTRIBUTES_NAME}"
        if has_more_to_say(array):
            for _, body in queries.documents(connection, bucket_id, place).values():
                offset = written_offset_nm_xyz(body, place)
                if offset is not None:
                    yield array.key_prefix, offset


def has_more_to_say(array: ArrayRecord) -> bool:
    """Return whether the document of an array may have an `offset` that is not its place as it was read."""
    return array.format == Format.N5 and array.placement_source != _OFFSET_SOURCE


def written_offset_nm_xyz(body: bytes, place: str) -> tuple[float, ...] | None:
    """Return the `offset` that the attributes of ground truth have; None without one, or where they cannot be read."""
    try:
        said = parse_attributes(body, place)
    except MalformedDocumentError:
        return None  # Discovery has found that already.
    values = [nanometres(one, said.offset_unit or said.resolution_unit or "nm") for one in said.offset_xyz or ()]
    known = tuple(one for one in values if one is not None)
    return known if known and len(known) == len(values) else None

"""A ground-truth crop of the share: its raw voxels, its labels, and both on one grid."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catalog import queries
from catalog.records import CropRecord, LabelState
from mirror.app.crops.locate import locate_crop
from mirror.app.crops.located import Located, LocatedLevel
from mirror.app.reading import catalog_for_reading, readable_share
from mirror.config import Settings, load_settings
from mirror.crops.box import Box
from mirror.crops.paths import WHOLE
from mirror.errors import MirrorError, UnknownNameError, UsageError
from mirror.formats.n5.multiscale import parse_level_name
from mirror.view.errors import how_to_mirror
from mirror.view.fetching import describe_dataset
from mirror.view.find import is_known
from mirror.view.grids import Grids, taken
from mirror.view.labels import label_ids, label_names
from mirror.view.planes import Plane
from mirror.view.volume import VolumeView, open_in

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class CropBoxes:
    """Where a crop lies, in voxels."""

    raw: Box
    """Of raw at its finest level, without padding."""
    at_level: Box
    """Of raw at the level that was opened, with padding, as far as raw reaches."""
    ground_truth_shape_zyx: tuple[int, ...] | None
    """None where the bucket has no ground truth of it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog knows of a crop."""

    located: Located
    at_level: LocatedLevel
    """Of raw."""
    box: Box
    """As `CropBoxes.at_level`."""
    record: CropRecord | None
    """None where no document of it was imported."""
    names: Mapping[int, str]
    """Of labels, by their numbers."""


def open_crop(
    number: str | int,
    *,
    dataset: str | None = None,
    bucket: str | None = None,
    version: str | None = None,
    level: str = "s0",
    padding: int = 0,
    config: str | Path | None = None,
    fetch_missing: bool = False,
) -> CropView:
    """Return a crop: where it lies in raw, and views of its raw and its labels; no voxel is read yet.

    Parameters
    ----------
    number
        Of the crop, as `1` or `113`.
    dataset, version
        Needed only where several crops have the number: the version of the ground truth is as `0003`.
    bucket
        As the configuration names it; None: its `default_bucket`.
    level
        Of raw.
    padding
        Voxels of the finest raw more on each side.
    config, fetch_missing
        As of `open_volume`.

    Raises
    ------
    UnknownNameError
        Nothing names such a crop, or raw has no such level.
    UsageError
        The number is that of several crops.
    MirrorError
        No source places it; the hint says what to scan or to import.
    NotOnShareError
        Nothing of raw is on the share at that level.

    Examples
    --------
    >>> crop = open_crop(1)  # doctest: +SKIP
    >>> crop.raw.shape, crop.labels.shape  # doctest: +SKIP
    ((100, 500, 500), (200, 1000, 1000))
    """
    settings = load_settings(None if config is None else Path(config))
    return crop_in(
        settings,
        str(number),
        dataset=dataset,
        bucket=bucket,
        version=version,
        level=level,
        padding=padding,
        fetches=fetch_missing,
    )


def crop_in(
    settings: Settings,
    number: str,
    *,
    dataset: str | None = None,
    bucket: str | None = None,
    version: str | None = None,
    level: str = "s0",
    padding: int = 0,
    fetches: bool = False,
) -> CropView:
    """Return what `open_crop` returns."""
    if padding < 0:
        raise UsageError("not a padding", str(padding), expected="a number of voxels, 0 or more")
    readable_share(settings)
    name = bucket or settings.default_bucket
    if fetches and dataset is not None and not is_known(settings, dataset, name):
        describe_dataset(settings, dataset, name)
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        located = locate_crop(connection, settings, number, bucket=name, version=version, dataset=dataset)
        record = queries.find_crop(connection, number, located.version)
        known = {one.id: one.name for one in queries.labels(connection)}
    at_level = _level_of(located, level, padding)
    inside = at_level.box.clipped(at_level.array.shape_xyz[::-1])
    if not inside.n_voxels:
        raise MirrorError("the crop lies outside of raw", f"crop {number} of {located.dataset}", found=str(located.box))
    hint = how_to_mirror(_sync_command(settings, located, padding))
    raw = open_in(settings, _path(located, at_level.array.key_prefix), None, bucket=name, fetches=fetches, hint=hint)
    known_of = Known(located, at_level, inside, record, label_names(record, known))
    return CropView(settings, known_of, raw, fetches=fetches, hint=hint)


class CropView:
    """One ground-truth crop: axes are z, y and x everywhere.

    Ground truth has its own grid, twice as fine as raw at its finest level: its voxel i lies in raw voxel
    `start + i // 2` along each axis. `raw_on_label_grid` and `labels_on_raw_grid` bring both onto one, by the nearest
    voxel. Where raw is stored with its rows in the opposite order, they are turned, so that it fits the labels.
    """

    def __init__(
        self,
        settings: Settings,
        known: Known,
        raw: VolumeView,
        *,
        fetches: bool,
        hint: str,
    ) -> None:
        self._settings = settings
        self._located = known.located
        self._level = known.at_level
        self._record = known.record
        self._raw = raw
        self._fetches = fetches
        self._hint = hint
        self.box = known.box
        """Voxels of raw at the level that was opened, with padding, as they are stored."""
        self.names = dict(known.names)
        """Name of each label, by its number: as the crop's own document has it, else as the paper has."""

    @property
    def number(self) -> str:
        """Number of the crop."""
        return self._located.number

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self._located.dataset

    @property
    def version(self) -> str | None:
        """Version of the ground truth, as `0003`; None where no source tells one."""
        return self._located.version

    @property
    def bucket(self) -> str:
        """Bucket, as the configuration names it."""
        return self._located.bucket

    @property
    def volume(self) -> str:
        """Path of raw inside its container."""
        return self._raw.volume

    @property
    def level(self) -> str | None:
        """Level of raw."""
        return self._raw.level

    @property
    def source(self) -> str:
        """What says where the crop lies: `b_attribute`, `mongo_offset`, `cellmap_manifest`, ..."""
        return self._located.source.value

    @property
    def boxes(self) -> CropBoxes:
        """Where it lies in raw, and how large its ground truth is."""
        truth = self._ground_truth
        return CropBoxes(self._located.box, self.box, None if truth is None else truth.array.shape_xyz[::-1])

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of `raw`."""
        return self.box.shape_zyx

    @property
    def voxel_size_nm_zyx(self) -> tuple[float, ...] | None:
        """Of a voxel of `raw`, in nanometres; None where no document says."""
        sizes = self._raw.voxel_size_nm_zyx
        return None if sizes is None else tuple(map(abs, sizes))

    @property
    def index_text(self) -> str:
        """The box in the finest raw as an index of NumPy spells it."""
        ends = zip(self._located.box.start_zyx, self._located.box.stop_zyx, strict=True)
        return f"[{', '.join(f'{start}:{stop}' for start, stop in ends)}]"

    @property
    def label_states(self) -> dict[str, LabelState]:
        """What the crop's document says of each label, by its name; {} where no document was imported."""
        said = () if self._record is None else self._record.labels
        return {one.name or str(one.label_id): one.state for one in said}

    @property
    def raw_view(self) -> VolumeView:
        """The whole of raw at that level, lazily."""
        return self._raw

    @cached_property
    def label_view(self) -> VolumeView:
        """The ground truth, all of it the crop's, lazily.

        Raises
        ------
        UnknownNameError
            The bucket has none that holds all labels.
        NotOnShareError
            It is not on the share.
        """
        truth = self._ground_truth
        if truth is None:
            hint = f"`oomirror scan {self.dataset} --bucket {self.bucket}` looks for it."
            raise UnknownNameError(
                "the bucket has no ground truth of the crop", f"crop {self.number} of {self.dataset}", hint=hint
            )
        path = _path(self._located, truth.array.key_prefix)
        return open_in(self._settings, path, None, bucket=self.bucket, fetches=self._fetches, hint=self._hint)

    @cached_property
    def raw(self) -> NDArray[Any]:
        """Voxels of raw in the box, read at the first look. Raises as reading a `VolumeView` does."""
        voxels = np.asarray(self._raw[self.box.slices_zyx])
        return voxels[:, ::-1] if self._is_mirrored else voxels

    @cached_property
    def labels(self) -> NDArray[Any]:
        """Labels on their own grid, read at the first look; 0 is unlabelled. Raises as `label_view`, and as reading."""
        return np.asarray(self.label_view)

    def raw_on_label_grid(self) -> NDArray[Any]:
        """Return for each voxel of `labels` the raw voxel that it lies in; 0 where that is outside of raw."""
        return taken(self.raw, [self._grids.raw_of_labels(axis) for axis in range(3)])

    def labels_on_raw_grid(self) -> NDArray[Any]:
        """Return for each voxel of `raw` the label at its centre; 0 in the padding."""
        return taken(self.labels, [self._grids.labels_of_raw(axis) for axis in range(3)])

    def label_ids(self, labels: Collection[str | int]) -> frozenset[int]:
        """Return the numbers of labels that are meant by number, by name or by class, as `mito` or `er-mem`.

        Raises
        ------
        UnknownNameError
            There is none of that name.
        """
        return label_ids(labels, self.names)

    def picture(
        self,
        z: str | int = "mid",
        *,
        axis: str = "z",
        labels: Collection[str | int] = (),
        opacity: float = 0.5,
        contrast: str = "auto",
    ) -> Image.Image:
        """Return one slice as a Pillow image: raw, and beside it the labels over raw, with their names.

        Parameters
        ----------
        z
            Slice of `raw`, 0 being the first of the box: `mid`, a share as `"50%"`, or a number.
        axis
            That the slice stands on.
        labels
            Only these, by number, name or class; none given: all.
        opacity
            Of the labels, 0 to 1.
        contrast
            As of `VolumeView.picture`.

        Raises
        ------
        UsageError
            There is no such slice, label or contrast, or the picture would be too large.
        MirrorError
            As reading does.
        """
        from mirror.view.pictures import crop_picture

        return crop_picture(self, z, axis=axis, labels=labels, opacity=opacity, contrast=contrast)

    def raw_plane(self, plane: Plane) -> NDArray[Any]:
        """Return one slice of `raw`; no other is read."""
        at = self.shape[1] - 1 - plane.position if self._is_mirrored and plane.axis == 1 else plane.position
        index: list[int | slice] = list(self.box.slices_zyx)
        index[plane.axis] = self.box.start_zyx[plane.axis] + at
        voxels = np.asarray(self._raw[tuple(index)])
        if not self._is_mirrored or plane.axis == 1:
            return voxels
        return voxels[::-1] if plane.axis == 0 else voxels[:, ::-1]

    def label_plane(self, plane: Plane, height: int, width: int) -> NDArray[Any]:
        """Return the labels of one slice of `raw`, each pixel of so many the label at its centre."""
        at = int(self._grids.labels_at(np.array([plane.position + 0.5]), plane.axis)[0])
        if at < 0:
            return np.zeros((height, width), self.label_view.dtype)
        index: list[int | slice] = [slice(None)] * 3
        index[plane.axis] = at
        across = [axis for axis in range(3) if axis != plane.axis]
        places = [self._grids.labels_of_raw(axis, n) for axis, n in zip(across, (height, width), strict=True)]
        return taken(np.asarray(self.label_view[tuple(index)]), places)

    def __repr__(self) -> str:
        return f"<CropView {self.number} of {self.dataset}, bucket {self.bucket}: {self.volume} {self.index_text}>"

    @property
    def _is_mirrored(self) -> bool:
        return self._located.raw.lattice.is_mirrored_y

    @property
    def _ground_truth(self) -> LocatedLevel | None:
        whole = (one.where.levels[0] for one in self._located.ground_truth if one.label == WHOLE)
        return next(whole, None)

    @property
    def _grids(self) -> Grids:
        shape, factors = self.label_view.shape, self._level.factors_zyx
        return Grids(self.box, self._located.box, factors, shape, is_mirrored_y=self._is_mirrored)


def _level_of(located: Located, level: str, padding: int) -> LocatedLevel:
    levels = located.raw.padded(padding).levels if padding else located.raw.levels
    index = parse_level_name(level)
    for one in levels:
        if one.array.level_name == level or (index is not None and one.array.level_index == index):
            return one
    names = ", ".join(one.array.level_name or "" for one in levels)
    raise UnknownNameError("raw has no such level", f"{located.raw.volume.path} {level}", expected=names)


def _path(located: Located, key_prefix: str) -> str:
    """Return the path of an array as `open_volume` takes it, its container named."""
    return f"{located.dataset}/{key_prefix.removeprefix(located.dataset_prefix).rstrip('/')}"


def _sync_command(settings: Settings, located: Located, padding: int) -> str:
    there = "" if located.bucket == settings.default_bucket else f" --bucket {located.bucket}"
    around = f" --padding {padding}" if padding else ""
    return f"oomirror sync {located.dataset}{there} --crops {located.number}{around}"

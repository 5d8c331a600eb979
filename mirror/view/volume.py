"""A volume of the share as NumPy sees it: z,y,x, read lazily, and never zeros where nothing was mirrored."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mirror.app.reading import readable_share
from mirror.config import Settings, load_settings
from mirror.crops.box import Box
from mirror.errors import MirrorError
from mirror.formats.n5.grid import BlockIndex
from mirror.formats.opening import opening_keys
from mirror.view.choice import parse_volume
from mirror.view.described import Described, read_description
from mirror.view.errors import BlockLostError, BlockNotMirroredError, NotOnShareError, how_to_mirror
from mirror.view.fetching import describe_dataset
from mirror.view.fetching import fetch_missing as fetch_missing_blocks
from mirror.view.find import Found, find_volume, is_known
from mirror.view.index import Index, Wanted, want
from mirror.view.missing import Verdict, blocks_without_file, judge
from mirror.view.stores import Stores, damaged, is_missing

if TYPE_CHECKING:
    from PIL import Image

_AXES = ("x", "y", "z")


def open_volume(
    volume: str,
    level: str | None = None,
    *,
    bucket: str | None = None,
    config: str | Path | None = None,
    fetch_missing: bool = False,
) -> VolumeView:
    """Return a level of a volume that is on the share; no voxel is read before it is asked for.

    Parameters
    ----------
    volume
        `<dataset>/<volume>`, the volume as `oomirror ls` shows it: `jrc_hela-2/volumes/raw`. The word `raw` is the EM
        of either bucket: `jrc_hela-2/raw`.
    level
        `s0` is the finest, and what None means where the volume has levels.
    bucket
        As the configuration names it; None: its `default_bucket`.
    config
        The configuration; None: as every command finds it.
    fetch_missing
        Whether blocks that are not on the share are fetched when they are read: verified, recorded in the catalog and
        kept, as `oomirror sync` does. What opens the level is fetched now.

    Raises
    ------
    UnknownNameError
        Neither catalog nor share know the dataset, the volume or the level; near names are in the hint.
    NotOnShareError
        Nothing of it is on the share; the hint is the command that mirrors it.
    UnsafeError
        The share is not there, unmarked, or not the one that the catalog knows. Where no catalog knows any, be it this
        machine's or the one published on the share, each that is marked is read.
    MirrorError
        It is there, and cannot be opened.

    Examples
    --------
    >>> raw = open_volume("jrc_hela-2/volumes/raw", level="s0")  # doctest: +SKIP
    >>> raw[600:700, 225:725, 6466:6966].mean()  # doctest: +SKIP
    """
    settings = load_settings(None if config is None else Path(config))
    readable_share(settings)
    return open_in(settings, volume, level, bucket=bucket, fetches=fetch_missing)


def open_in(
    settings: Settings,
    volume: str,
    level: str | None,
    *,
    bucket: str | None = None,
    fetches: bool = False,
    hint: str | None = None,
) -> VolumeView:
    """Return what `open_volume` returns; of a share that was looked at, as by `readable_share`.

    Parameters
    ----------
    hint
        What to do about blocks that were never mirrored; None: mirror the level.
    """
    dataset, _ = parse_volume(volume)
    if fetches and not is_known(settings, dataset, bucket):
        describe_dataset(settings, dataset, bucket or settings.default_bucket)
    found = find_volume(settings, volume, level, bucket)
    document = _document(found)
    if document is None and fetches:
        fetch_missing_blocks(settings, found, {})
        document = _document(found)
    if document is None:
        path = found.roots[0] / found.chosen.array.prefix
        hint = hint or how_to_mirror(found.sync_command)
        raise NotOnShareError("the level is not on the share", str(path), hint=hint)
    return VolumeView(settings, found, read_description(found.chosen.array, document), fetches=fetches, hint=hint)


def _document(found: Found) -> Path | None:
    """Return the document on the share that opens the array."""
    places = (root / key for root in found.roots for key in opening_keys(found.chosen.array))
    return next((place for place in places if place.is_file()), None)


class VolumeView:
    """One level of a volume, indexed as a NumPy array whose axes are z, y and x.

    An index of integers, slices with any steps, `...` and None gives an array of its own; only the blocks that hold
    its voxels are read. A block that the bucket does not have either reads as 0 (of zarr: as its fill value). One
    that was never mirrored raises `BlockNotMirroredError`, one that was lost since `BlockLostError`; neither is ever
    taken for zeros. Opened with `fetch_missing=True`, blocks of both kinds are fetched instead. An index that NumPy
    refuses is refused as NumPy does.

    Holds no file open; may be used by threads at once.
    """

    def __init__(
        self, settings: Settings, found: Found, described: Described, *, fetches: bool = False, hint: str | None = None
    ) -> None:
        self._settings = settings
        self._fetches = fetches
        self._hint = hint or how_to_mirror(found.sync_command)
        self._found = found
        self._described = described
        self._stores = Stores(found.chosen.array, described)
        self._absent: frozenset[BlockIndex] = frozenset()
        """Blocks that are known to be absent from the bucket."""
        shape = described.facts.shape_xyz[::-1]
        if tuple(self._stores.strict.shape) != shape:
            raise MirrorError(
                "cannot open the array", str(self.path), expected=f"shape {shape}", found=str(self._stores.strict.shape)
            )

    @property
    def dataset(self) -> str:
        """Name of the dataset."""
        return self._found.chosen.dataset

    @property
    def bucket(self) -> str:
        """Bucket, as the configuration names it."""
        return self._found.bucket

    @property
    def volume(self) -> str:
        """Path of the volume inside its container: `volumes/raw`."""
        return self._found.chosen.volume.path

    @property
    def level(self) -> str | None:
        """Name of the level; None where the volume has none."""
        return self._found.chosen.array.level_name

    @property
    def levels(self) -> tuple[str, ...]:
        """All levels that the bucket has of the volume, the finest first, be they mirrored or not."""
        return self._found.chosen.levels

    @property
    def prefix(self) -> str:
        """Key prefix of the array in the bucket, ending with a slash."""
        return self._found.chosen.array.prefix

    @property
    def path(self) -> Path:
        """Folder of the array on the share."""
        return self._stores.folder

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y and x. Arrays with channels or time have more axes, before these."""
        return self._described.facts.shape_xyz[::-1]

    @property
    def block_shape(self) -> tuple[int, ...]:
        """Voxels of a block along each axis: what is read as one."""
        facts = self._described.facts
        return (facts.inner_block_size_xyz or facts.block_size_xyz)[::-1]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a voxel."""
        found: np.dtype[Any] = self._stores.strict.dtype.numpy_dtype
        return found

    @property
    def nbytes(self) -> int:
        """Bytes of all voxels in memory."""
        return self.size * self.dtype.itemsize

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes, z first."""
        names = self._found.chosen.array.facts.axes_xyz if self._found.chosen.array.facts else None
        return (names or (*_AXES[: self.ndim], *map(str, range(len(_AXES), self.ndim))))[::-1]

    @property
    def voxel_size_nm_zyx(self) -> tuple[float, ...] | None:
        """Size of a voxel in nanometres along z, y and x; None where no document says."""
        placement = self._found.chosen.array.placement
        return None if placement is None else placement.voxel_size_nm_xyz[::-1]

    @property
    def translation_nm_zyx(self) -> tuple[float, ...] | None:
        """Where the centre of the first voxel lies, in nanometres; None where no document says."""
        placement = self._found.chosen.array.placement
        translation = None if placement is None else placement.translation_nm_xyz
        return None if translation is None else translation[::-1]

    @property
    def tensorstore(self) -> Any:
        """The `tensorstore.TensorStore` behind, its axes as here; a missing block is an error to it, too."""
        return self._stores.strict

    def picture(
        self, z: str | int = "mid", *, axis: str = "z", box: str | None = None, contrast: str = "auto"
    ) -> Image.Image:
        """Return one slice as a Pillow image, with its place, and a scale bar where the size of a voxel is known.

        Voxels are drawn as large as they are: where z is coarser than x, slices along y and x are stretched.
        Segmentations and ground truth are drawn in colours, one a label.

        Parameters
        ----------
        z
            Which slice: `mid`, a share as `"50%"`, or a number.
        axis
            That the slice stands on: z, y or x.
        box
            A part of the slice, rows and columns: `"225:725,6466:6966"`.
        contrast
            `auto`: but for half a per cent at either end, what there is goes from black to white. `full`: the range of
            the type does. `"LO,HI"`: these two values do.

        Raises
        ------
        UsageError
            There is no such slice, part or contrast, or the picture would have more than 100 megapixels.
        MirrorError
            As reading does.
        """
        from mirror.view.pictures import volume_picture

        return volume_picture(self, z, axis=axis, box=box, contrast=contrast)

    def __getitem__(self, index: Index) -> Any:
        wanted = want(index, self.shape)
        return self._read(wanted)[wanted.rest]

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:  # noqa: FBT001  NumPy's
        if copy is False:
            raise ValueError("a volume on the share becomes an array only by a copy")
        return np.asarray(self[...], dtype)

    def __repr__(self) -> str:
        name = " ".join(filter(None, (self._found.chosen.title, self.level)))
        return f"<VolumeView {name} of bucket {self.bucket}: {self.dtype} {self.shape}>"

    def _read(self, wanted: Wanted) -> NDArray[Any]:
        """Return the voxels, all axes kept, once their blocks are there or known to be absent from the bucket."""
        if 0 in wanted.shape:
            return np.empty(wanted.shape, self.dtype)
        try:
            return self._read_from(self._stores.strict, wanted)
        except (ValueError, LookupError) as error:
            if not is_missing(error):
                raise
        self._account_for_missing(wanted)
        return self._read_from(self._stores.filled, wanted)

    def _read_from(self, store: Any, wanted: Wanted) -> NDArray[Any]:
        slices = tuple(slice(one.start, one[-1] + 1, one.step) for one in wanted.ranges)
        try:
            voxels: NDArray[Any] = store[slices].read().result()
        except ValueError as error:
            if isinstance(error, MirrorError) or is_missing(error):
                raise
            raise damaged(error, str(self.path)) from error
        return voxels

    def _account_for_missing(self, wanted: Wanted) -> None:
        """Return where each block that has no file is known to be absent from the bucket, else raise."""
        names = self._described.block_names
        if names is None:
            self._refuse_shards(wanted)
            return
        numbers = wanted.blocks(self._described.facts.block_size_xyz[::-1])
        missing = blocks_without_file(self.path, names, numbers)
        unknown = {index: name for index, name in missing.items() if index not in self._absent}
        if not unknown:
            return
        verdict = judge(self._settings, self._found, unknown)
        self._absent |= verdict.absent
        if self._fetches and (wanted_blocks := verdict.lost | verdict.not_mirrored):
            blocks = {index: unknown[index] for index in wanted_blocks}
            self._absent |= fetch_missing_blocks(self._settings, self._found, blocks)
            # A folder under the bucket's older name does not get what is fetched: it must not read as zeros.
            left = frozenset(blocks_without_file(self.path, names, numbers)) - self._absent
            verdict = Verdict(not_mirrored=left, reason="they were fetched, and are not in this folder")
        if verdict.lost:
            raise self._lost(verdict.lost)
        if verdict.not_mirrored:
            raise self._not_mirrored(wanted.box, verdict.not_mirrored, math.prod(map(len, numbers)), verdict.reason)

    def _refuse_shards(self, wanted: Wanted) -> None:
        """Raise unless the whole level is here: which shard a block lies in is not known."""
        verdict = judge(self._settings, self._found, {})
        if not verdict.is_whole:
            raise self._not_mirrored(wanted.box, (), 0, "its blocks lie in shards, and the level is not whole here")

    def _lost(self, lost: frozenset[BlockIndex]) -> BlockLostError:
        chosen = self._found.chosen
        return BlockLostError(
            f"{len(lost):,} blocks that were mirrored are not on the share any more",
            str(self.path),
            missing_xyz=sorted(lost),
            hint=f"`oomirror verify {chosen.dataset} --repair` looks for what is lost, and fetches it again.",
        )

    def _not_mirrored(
        self, box: Box, missing: frozenset[BlockIndex] | tuple[()], n_touched: int, reason: str
    ) -> BlockNotMirroredError:
        return BlockNotMirroredError(
            volume=self._found.chosen.title,
            level=self.level,
            missing_xyz=sorted(missing),
            n_touched=n_touched,
            box=box,
            reason=reason,
            hint=self._hint,
        )

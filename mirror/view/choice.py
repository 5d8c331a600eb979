"""Which array of a dataset is meant by the path of a volume and the name of a level."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from mirror.errors import UnknownNameError, UsageError, near_names
from mirror.formats.folder import Format
from mirror.formats.kinds import is_em_path
from mirror.formats.layout import Array, Dataset, Volume
from mirror.formats.n5.multiscale import parse_level_name

_RAW_WORD = "raw"
_PREFERRED = (Format.N5, Format.ZARR, Format.PRECOMPUTED)


@dataclass(frozen=True, slots=True)
class Chosen:
    """An array, and the volume that it is a level of."""

    dataset: str
    volume: Volume
    array: Array

    @property
    def title(self) -> str:
        """What users call the volume: `<dataset>/<volume>`."""
        return f"{self.dataset}/{self.volume.path}"

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of all levels that the bucket has of the volume, the finest first; () where it has none."""
        return tuple(one.level_name for one in self.volume.arrays if one.level_name is not None)

    def sync_command(self, bucket: str | None) -> str:
        """Return the command that mirrors the array.

        Parameters
        ----------
        bucket
            None for the default one, which needs not be named.
        """
        words = ["oomirror", "sync", self.dataset]
        words += ["--bucket", bucket] if bucket else []
        words += ["--volumes", self.volume.path]
        if self.array.level_index is not None:
            words += ["--scales", f"s{self.array.level_index}"]
        if self.array.format is not Format.N5:
            words += ["--formats", self.array.format.value]
        return shlex.join(words)


def parse_volume(path: str) -> tuple[str, str]:
    """Return dataset and volume of `<dataset>/<volume>`.

    Raises
    ------
    UsageError
        One of them is missing, or cannot be the name of a folder.

    >>> parse_volume("jrc_hela-2/volumes/raw")
    ('jrc_hela-2', 'volumes/raw')
    """
    dataset, _, volume = path.strip("/").partition("/")
    if not volume or dataset in {"", ".", ".."} or not path.isprintable():
        raise UsageError("not a volume", repr(path), expected="DATASET/VOLUME, as jrc_hela-2/volumes/raw")
    return dataset, volume


def choose(dataset: Dataset, path: str, level: str | None) -> Chosen:
    """Return the array that is meant. Of a volume in several formats N5 is taken, then zarr, then precomputed.

    Parameters
    ----------
    path
        Of the volume inside its container, or `raw` for the EM; the container's name may precede it, the level follow.
    level
        Its name; None: the one that the path names, or else the finest.

    Raises
    ------
    UnknownNameError
        There is no such volume or level; the near ones are named.
    """
    volumes = [volume for volume in dataset.volumes() if volume.arrays and volume.format in _PREFERRED]
    found, named = _find(volumes, dataset.prefix, path)
    if not found:
        raise _unknown_volume(dataset, volumes, path)
    least = min(_PREFERRED.index(volume.format) for volume in found)
    found = [volume for volume in found if _PREFERRED.index(volume.format) == least]
    if len(found) > 1:
        raise UnknownNameError(
            "more than one volume is meant",
            f"{dataset.name}/{path}",
            expected=f"one of {', '.join(sorted(volume.path for volume in found))}",
        )
    return Chosen(dataset.name, found[0], _level(dataset, found[0], level or named))


def _find(volumes: Iterable[Volume], dataset_prefix: str, path: str) -> tuple[list[Volume], str | None]:
    """Return the volumes of that path, and the level that it names."""
    path = path.strip("/")
    known = tuple(volumes)
    if path == _RAW_WORD:
        return [volume for volume in known if is_em_path(volume.path)], None
    for above, name in ((path, None), (path.rpartition("/")[0], path.rpartition("/")[2])):
        found = [one for one in known if above in (one.path, one.prefix.removeprefix(dataset_prefix).rstrip("/"))]
        if found:
            return found, name
    return [], None


def _level(dataset: Dataset, volume: Volume, level: str | None) -> Array:
    if level is None:
        return volume.arrays[0]
    index = parse_level_name(level)
    by_name = [array for array in volume.arrays if array.level_name == level]
    by_index = [array for array in volume.arrays if index is not None and array.level_index == index]
    for array in by_name + by_index:
        return array
    names = [array.level_name for array in volume.arrays if array.level_name is not None]
    raise UnknownNameError(
        "the volume has no such level" if names else "the volume has no levels",
        f"{dataset.name}/{volume.path} {level}",
        expected=", ".join(names) or "no level to be named",
    )


def _unknown_volume(dataset: Dataset, volumes: Iterable[Volume], path: str) -> UnknownNameError:
    paths = {volume.path for volume in volumes}
    near = near_names(path, paths)
    if near:
        hint = f"Near it are {', '.join(near)}."
    else:
        hint = f"There are {', '.join(sorted(paths))}." if paths else "No volume of it is known."
    return UnknownNameError("no such volume", f"{dataset.name}/{path}", hint=hint)

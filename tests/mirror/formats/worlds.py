"""Datasets made by hand for the checks: containers, volumes and arrays with facts and places."""

from __future__ import annotations

from mirror.formats.folder import Format
from mirror.formats.layout import Array, ArrayFacts, Container, Dataset, Fact, Group, Placement, Volume

PREFIX = "jrc_hela-2/"
N5 = f"{PREFIX}jrc_hela-2.n5/"
EM_SHAPE = (12000, 1600, 6368)
EM_SIZE = (4.0, 4.0, 5.24)


def level(
    path: str,
    index: int | None,
    shape: tuple[int, ...] = EM_SHAPE,
    size: tuple[float, ...] | None = EM_SIZE,
    start: tuple[float, ...] | None = (0.0, 0.0, 0.0),
    *,
    data_type: str = "uint16",
    codec: str = "gzip",
    axes: tuple[str, ...] | None = None,
) -> Array:
    """Return an array; with an index it is the level `s<index>` of the path."""
    name = None if index is None else f"s{index}"
    place = path if name is None else f"{path}/{name}"
    return Array(
        Format.N5,
        place,
        f"{N5}{place}/",
        level_index=index,
        level_name=name,
        facts=ArrayFacts(shape, (64,) * len(shape), data_type, {"type": codec}, axes_xyz=axes),
        placement=None if size is None else Placement(size, start, "transform"),
    )


def volume(path: str, *arrays: Array) -> Volume:
    """Return a volume of the N5 container."""
    return Volume(path, N5, f"{N5}{path}/", Format.N5, arrays or (level(path, 0),))


def pyramid(path: str, levels: int, shape: tuple[int, ...] = EM_SHAPE, size: tuple[float, ...] = EM_SIZE) -> Volume:
    """Return a volume whose levels are means of two, as they should be."""
    arrays = []
    for n in range(levels):
        start = tuple((2**n - 1) / 2 * one for one in size)
        arrays.append(level(path, n, tuple(-(-one // 2**n) for one in shape), tuple(one * 2**n for one in size), start))
    return volume(path, *arrays)


def dataset(
    *volumes: Volume, groups: tuple[Group, ...] = (), facts: tuple[Fact, ...] = (), loose: tuple[str, ...] = ()
) -> Dataset:
    """Return a dataset with one N5 container."""
    container = Container(Format.N5, N5, volumes, groups)
    return Dataset("jrc_hela-2", PREFIX, (container,), (), loose, (), facts)

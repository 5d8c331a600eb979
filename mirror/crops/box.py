"""A box of voxels of one array, z first as NumPy indexes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mirror.errors import UsageError


@dataclass(frozen=True, slots=True)
class Box:
    """Voxels from `start_zyx` on, `shape_zyx` of them along each axis. May reach outside of its array.

    >>> Box((600, 225, 6466), (100, 500, 500)).stop_zyx
    (700, 725, 6966)

    Raises
    ------
    UsageError
        Not as many sizes as starts, or a size below 0.
    """

    start_zyx: tuple[int, ...]
    shape_zyx: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what is no box, so that no method needs to."""
        if len(self.start_zyx) != len(self.shape_zyx) or min(self.shape_zyx, default=0) < 0:
            raise UsageError(
                "not a box of voxels",
                expected="a start and a size of 0 or more for each axis",
                found=f"start {list(self.start_zyx)}, shape {list(self.shape_zyx)}",
            )

    @property
    def stop_zyx(self) -> tuple[int, ...]:
        """First voxel after the box along each axis."""
        return tuple(start + n for start, n in zip(self.start_zyx, self.shape_zyx, strict=True))

    @property
    def n_voxels(self) -> int:
        """Voxels inside."""
        return math.prod(self.shape_zyx)

    @property
    def slices_zyx(self) -> tuple[slice, ...]:
        """What an array is indexed with. Only for boxes inside of it: a negative start counts from the end."""
        return tuple(slice(start, stop) for start, stop in zip(self.start_zyx, self.stop_zyx, strict=True))

    def padded(self, n_voxels: int) -> Box:
        """Return the box with `n_voxels` more on each side.

        >>> Box((4, 0, 0), (2, 2, 2)).padded(3)
        Box(start_zyx=(1, -3, -3), shape_zyx=(8, 8, 8))
        """
        return Box(tuple(a - n_voxels for a in self.start_zyx), tuple(n + 2 * n_voxels for n in self.shape_zyx))

    def clipped(self, shape_zyx: Sequence[int]) -> Box:
        """Return the part of the box that lies inside an array of that shape; of size 0 where none does.

        >>> Box((-3, 5, 8), (5, 5, 5)).clipped((10, 10, 10))
        Box(start_zyx=(0, 5, 8), shape_zyx=(2, 5, 2))
        """
        starts = tuple(min(max(a, 0), n) for a, n in zip(self.start_zyx, shape_zyx, strict=True))
        stops = (min(max(b, 0), n) for b, n in zip(self.stop_zyx, shape_zyx, strict=True))
        return Box(starts, tuple(max(b - a, 0) for a, b in zip(starts, stops, strict=True)))

    def mirrored_y(self, ny: int) -> Box:
        """Return where the same voxels lie in an array of `ny` rows that is stored the other way round: j = ny-1-i.

        >>> Box((0, 1, 0), (1, 3, 1)).mirrored_y(10)
        Box(start_zyx=(0, 6, 0), shape_zyx=(1, 3, 1))
        """
        start, stop = list(self.start_zyx), self.stop_zyx
        start[-2] = ny - stop[-2]
        return Box(tuple(start), self.shape_zyx)

    def coarser(self, factors_zyx: Sequence[float]) -> Box:
        """Return the voxels of a coarser level that the box touches, whose voxels are `factors_zyx` times as large.

        >>> Box((3, 4, 0), (2, 4, 9)).coarser((2, 2, 4))
        Box(start_zyx=(1, 2, 0), shape_zyx=(2, 2, 3))
        """
        starts = tuple(math.floor(a / f) for a, f in zip(self.start_zyx, factors_zyx, strict=True))
        stops = (math.ceil(b / f) for b, f in zip(self.stop_zyx, factors_zyx, strict=True))
        # An empty box touches nothing.
        sides = zip(starts, stops, self.shape_zyx, strict=True)
        return Box(starts, tuple(b - a if n else 0 for a, b, n in sides))

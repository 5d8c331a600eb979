"""The two grids of a crop, that of raw and that of its labels, one against the other: by the nearest voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirror.crops.box import Box

_HAIR = 1e-9
"""What products of floats may lie below a whole number."""

Places = NDArray[Any]
"""Numbers of voxels along one axis; -1 is none."""


@dataclass(frozen=True, slots=True)
class Grids:
    """How voxels of raw in a box and voxels of the labels lie, along z, y and x.

    Labels fill the crop evenly: where they are twice as fine as the finest raw, label i lies in raw `start + i // 2`.

    >>> grids = Grids(Box((5,), (3,)), Box((5,), (3,)), (1.0,), (6,))
    >>> grids.raw_of_labels(0).tolist(), grids.labels_of_raw(0).tolist()
    ([0, 0, 1, 1, 2, 2], [1, 3, 5])
    """

    outer: Box
    """Of raw, in voxels of its level, with padding, as they are stored."""
    inner: Box
    """The crop, in voxels of the finest raw, as they are stored."""
    factors: tuple[float, ...]
    """By how much voxels of the level are larger than the finest."""
    label_shape: tuple[int, ...]
    is_mirrored_y: bool = False
    """Whether raw is stored with its rows in the opposite order. Results count upright all the same."""

    def raw_of_labels(self, axis: int) -> Places:
        """Return for each label along an axis the voxel of raw that its centre lies in, from the first of the box."""
        begin, n = self._crop(axis)
        n_labels = self.label_shape[axis]
        places = (begin + (np.arange(n_labels) + 0.5) * n / n_labels) / self.factors[axis]
        return _inside(places, self.outer.shape_zyx[axis])

    def labels_of_raw(self, axis: int, n_pixels: int | None = None) -> Places:
        """Return for each voxel of raw in the box the label at its centre; -1 where none is.

        Parameters
        ----------
        n_pixels
            Along the box: then for each of them.
        """
        n = self.outer.shape_zyx[axis]
        n_pixels = n_pixels or n
        return self.labels_at((np.arange(n_pixels) + 0.5) * n / n_pixels, axis)

    def labels_at(self, places: NDArray[Any], axis: int) -> Places:
        """Return the labels at places along the box, counted in its voxels from its edge; -1 where none is."""
        begin, n = self._crop(axis)
        n_labels = self.label_shape[axis]
        return _inside((places * self.factors[axis] - begin) / n * n_labels, n_labels)

    def _crop(self, axis: int) -> tuple[float, float]:
        """Return where the crop begins, from the edge of the box, and how long it is, in voxels of the finest raw."""
        factor, n = self.factors[axis], self.inner.shape_zyx[axis]
        if self.is_mirrored_y and axis == len(self.factors) - 2:
            return self.outer.stop_zyx[axis] * factor - self.inner.stop_zyx[axis], n
        return self.inner.start_zyx[axis] - self.outer.start_zyx[axis] * factor, n


def taken(voxels: NDArray[Any], places: Sequence[Places]) -> NDArray[Any]:
    """Return the voxels at places along each axis; 0 where there is none.

    >>> taken(np.array([[1, 2], [3, 4]]), [np.array([0, -1]), np.array([1, 0])]).tolist()
    [[2, 1], [0, 0]]
    """
    found: NDArray[Any] = voxels[np.ix_(*places)]
    is_there = np.ones((), bool)
    for axis, at in enumerate(places):
        is_there = is_there & (at >= 0).reshape([-1 if one == axis else 1 for one in range(found.ndim)])
    return np.where(is_there, found, found.dtype.type(0))


def _inside(places: NDArray[Any], n: int) -> Places:
    found = np.floor(places + _HAIR).astype(int)
    return np.where((found >= 0) & (found < n), found, -1)

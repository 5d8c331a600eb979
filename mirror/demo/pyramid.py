"""Coarser levels of a volume: each half the one before on every axis, rounded up. Axes are z,y,x."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Halver: TypeAlias = "Callable[[NDArray[Any]], NDArray[Any]]"


def levels(array_zyx: NDArray[Any], n_levels: int, halve: Halver) -> Iterator[NDArray[Any]]:
    """Yield s0, s1, ...: `array_zyx` itself first."""
    for level in range(n_levels):
        if level:
            array_zyx = halve(array_zyx)
        yield array_zyx


def mean_of_cubes(array_zyx: NDArray[Any]) -> NDArray[Any]:
    """Return the mean of each cube of two voxels, rounded: how EM and predictions are downsampled."""
    import numpy as np

    means: NDArray[Any] = np.rint(_cubes(array_zyx).mean(0, dtype="float32"))
    return means.astype(array_zyx.dtype)


def middle_of_cubes(array_zyx: NDArray[Any]) -> NDArray[Any]:
    """Return the fourth smallest of each cube of eight labels: the mode, wherever a cube holds two labels unevenly."""
    import numpy as np

    middle: NDArray[Any] = np.partition(_cubes(array_zyx), 3, axis=0)[3]
    return middle


def _cubes(array_zyx: NDArray[Any]) -> np.ndarray[Any, Any]:
    """Return the eight voxels of each cube along a new first axis; odd ends are repeated."""
    import numpy as np

    even = np.pad(array_zyx, [(0, side % 2) for side in array_zyx.shape], mode="edge")
    corners = [(z, y, x) for z in (0, 1) for y in (0, 1) for x in (0, 1)]
    return np.stack([even[z::2, y::2, x::2] for z, y, x in corners])

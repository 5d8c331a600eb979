"""Two blocks laid on each other: how far one is shifted, by parts of a voxel, and its voxels where the other's are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS_OF_A_VOXEL = 20
"""Shifts are told to a twentieth of a voxel."""
_LEAST_SIDE = 4
"""Shorter axes are neither windowed nor shifted."""

Shift = tuple[float, ...]
"""Voxels, z,y,x: what B shows at p, A shows at p + shift."""


def hann(shape_zyx: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the window that lets a block fade out at its faces, which else correlate with each other."""
    window = np.ones(shape_zyx)
    for axis, n in enumerate(shape_zyx):
        if n >= _LEAST_SIDE:
            # Periodic and without its zero, so that no voxel is lost altogether.
            side = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
            window *= side.reshape([-1 if i == axis else 1 for i in range(len(shape_zyx))])
    return window


def windowed(voxels: NDArray[Any], window: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the block without its mean, faded out."""
    mean = float((voxels * window).sum() / window.sum())
    return np.asarray((voxels - mean) * window, np.float64)


def find_shift(a_zyx: NDArray[Any], b_zyx: NDArray[Any]) -> Shift:
    """Return the shift at which two blocks of one shape agree best, by phase correlation; of either sign of values.

    Nothing says here whether they agree at all.
    """
    from skimage.registration import phase_cross_correlation

    window = hann(a_zyx.shape)
    both = (windowed(one, window).squeeze() for one in (a_zyx, b_zyx))
    shift, _, _ = phase_cross_correlation(  # type: ignore[no-untyped-call]
        *both, upsample_factor=PARTS_OF_A_VOXEL, normalization="phase"
    )
    found = iter(shift.tolist())
    return tuple(round(next(found), 2) + 0.0 if n > 1 else 0.0 for n in a_zyx.shape)


def shifted(voxels_zyx: NDArray[Any], shift_zyx: Shift) -> NDArray[np.float64]:
    """Return the block moved by a shift, by cubic splines; see `overlap` for what of it is known."""
    from scipy.ndimage import shift

    return np.asarray(shift(voxels_zyx.astype(np.float64), shift_zyx, order=3, mode="nearest"), np.float64)


def overlap(shape_zyx: tuple[int, ...], shift_zyx: Shift) -> tuple[slice, ...]:
    """Return where a block and its shifted neighbour both have voxels, without those that splines guess.

    >>> overlap((8, 8, 8), (0.0, 2.0, -1.5))
    (slice(0, 8, None), slice(2, 8, None), slice(0, 4, None))
    """
    return tuple(_kept(n, by) for n, by in zip(shape_zyx, shift_zyx, strict=True))


def _kept(n: int, by: float) -> slice:
    lost = -int(-abs(by) // 1) + (0 if float(by).is_integer() else 2)
    return slice(min(lost, n), n) if by > 0 else slice(0, max(0, n - lost))


def sharpened(voxels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return differences to the mean of both neighbours, summed over axes: small structures, without slow shades."""
    sharp = np.zeros(voxels.shape)
    for axis, n in enumerate(voxels.shape):
        if n >= _LEAST_SIDE:
            padded = np.pad(voxels, [(1, 1) if i == axis else (0, 0) for i in range(voxels.ndim)], mode="edge")
            before, after = (padded.take(range(start, start + n), axis) for start in (0, 2))
            sharp += voxels - (before + after) / 2
    return sharp

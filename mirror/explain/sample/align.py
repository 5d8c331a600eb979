"""Two blocks laid on each other: how far one is shifted, by parts of a voxel, and its voxels where the other's are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS_OF_A_VOXEL = 20
"""Shifts are told to a twentieth of a voxel."""
_STEPS = 4
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


def refined(a_zyx: NDArray[Any], b_zyx: NDArray[Any], shift_zyx: Shift) -> Shift:
    """Return a shift nearby at which the voxels agree better, by least squares on slopes of grey (Gauss-Newton).

    Phase correlation weighs all frequencies alike, and so is drawn to the noise of the highest by a tenth of a voxel.
    Steps of more than a voxel are not made: the slopes hold for no more.
    """
    a, b = _softened(a_zyx.astype(np.float64)), _softened(b_zyx.astype(np.float64))
    axes = [axis for axis, n in enumerate(a.shape) if n >= _LEAST_SIDE]
    shift = np.array(shift_zyx)
    for _ in range(_STEPS):
        moved, shared = shifted(b, tuple(shift.tolist())), overlap(a.shape, tuple((shift + 0.01).tolist()))
        if min(cut.stop - cut.start for cut in shared) < _LEAST_SIDE:
            break
        columns = [np.ones(a[shared].size), moved[shared].ravel()]
        columns += [np.gradient(moved, axis=axis)[shared].ravel() for axis in axes]
        system = np.stack(columns)
        line = np.linalg.lstsq(system @ system.T, system @ a[shared].ravel(), rcond=None)[0]
        if line[1] == 0:
            break
        shift[axes] += np.clip(-line[2:] / line[1], -1, 1)
    return tuple(round(round(by * PARTS_OF_A_VOXEL) / PARTS_OF_A_VOXEL, 2) + 0.0 for by in shift.tolist())


def _softened(voxels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the block under weights 1, 2, 1 along each axis, which leave a sixth of the noise's slopes."""
    for axis, n in enumerate(voxels.shape):
        if n >= _LEAST_SIDE:
            before, after = _neighbours(voxels, axis)
            voxels = (before + 2 * voxels + after) / 4
    return voxels


def _neighbours(voxels: NDArray[np.float64], axis: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    padded = np.pad(voxels, [(1, 1) if i == axis else (0, 0) for i in range(voxels.ndim)], mode="edge")
    n = voxels.shape[axis]
    return padded.take(range(n), axis), padded.take(range(2, n + 2), axis)


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
            before, after = _neighbours(voxels, axis)
            sharp += voxels - (before + after) / 2
    return sharp

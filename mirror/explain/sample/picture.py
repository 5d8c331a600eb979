"""What a reader can see of a place: the same slice of both, what is left between them, and both histograms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mirror.explain.sample.align import shifted
from mirror.explain.sample.decode import Voxels
from mirror.explain.sample.relation import Match, NoMatch

MAX_SIDE = 128
"""Pixels of a picture; larger slices are cut to their middle, never made smaller: noise is part of the evidence."""
N_BINS = 64
_FAINT, _BRIGHT = 0.5, 99.5


@dataclass(frozen=True, slots=True)
class Picture:
    """Small arrays to draw, y down and x to the right, 0 to 255."""

    a_yx: NDArray[np.uint8]
    """Its darkest and brightest half per cent are 0 and 255."""
    b_yx: NDArray[np.uint8]
    """Laid on A: mirrored and shifted where it is; its own grey values."""
    difference_yx: NDArray[np.uint8]
    """B less what the fit makes of A; without a fit, of both at the same brightness. 128 is none."""
    a_histogram: NDArray[np.int64]
    """Voxels of the whole place in `N_BINS` equal steps of `a_limits`."""
    b_histogram: NDArray[np.int64]
    a_limits: tuple[float, float]
    """Least and greatest value."""
    b_limits: tuple[float, float]


def picture(a_zyx: Voxels, b_zyx: Voxels, verdict: Match | NoMatch) -> Picture:
    """Return the middle slice in z of a place, as the verdict lays both on each other.

    Parameters
    ----------
    a_zyx, b_zyx
        Blocks of one shape and three axes; B's opposite block where the verdict is that it is mirrored.
    """
    laid = _laid_on_a(b_zyx, verdict)
    a, b = (_middle(one.astype(np.float64)) for one in (a_zyx, laid))
    a_histogram, a_limits = _histogram(a_zyx)
    b_histogram, b_limits = _histogram(b_zyx)
    return Picture(_grey(a), _grey(b), _difference(a, b, verdict), a_histogram, b_histogram, a_limits, b_limits)


def _laid_on_a(b_zyx: Voxels, verdict: Match | NoMatch) -> Voxels:
    if not isinstance(verdict, Match):
        return b_zyx
    turned = np.flip(b_zyx, -2) if verdict.is_mirrored_y else b_zyx
    return shifted(turned, verdict.shift_zyx) if any(verdict.shift_zyx) else turned


def _middle(voxels_zyx: NDArray[np.float64]) -> NDArray[np.float64]:
    cut = voxels_zyx[voxels_zyx.shape[0] // 2]
    starts = [max(0, (n - MAX_SIDE) // 2) for n in cut.shape]
    return np.asarray(cut[tuple(slice(start, start + MAX_SIDE) for start in starts)], np.float64)


def _grey(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    dark, bright = np.percentile(image, (_FAINT, _BRIGHT))
    return _to_uint8((image - dark) / (bright - dark or 1) * 255)


def _difference(a: NDArray[np.float64], b: NDArray[np.float64], verdict: Match | NoMatch) -> NDArray[np.uint8]:
    if isinstance(verdict, Match):
        left = b - (verdict.fit.slope * a + verdict.fit.offset)
        # As bright as B itself is drawn, so that a faint difference looks faint.
        dark, bright = np.percentile(b, (_FAINT, _BRIGHT))
        return _to_uint8(128 + left / (bright - dark or 1) * 255)
    return _to_uint8(128 + (_grey(b).astype(np.float64) - _grey(a)) / 2)


def _to_uint8(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(image).clip(0, 255).astype(np.uint8)


def _histogram(voxels: Voxels) -> tuple[NDArray[np.int64], tuple[float, float]]:
    low, high = float(voxels.min()), float(voxels.max())
    counts, _ = np.histogram(voxels.astype(np.float64), N_BINS, (low, high))
    return counts.astype(np.int64), (low, high)

"""Whether two blocks agree at any shift better than blocks do that have nothing to do with each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirror.explain.sample.align import hann, sharpened, windowed
from mirror.explain.sample.chance import independent_count, needed_sigmas, sigmas, usual_sigmas

Spectrum = NDArray[np.complex128]
_DOUBT = 1e-3


@dataclass(frozen=True, slots=True)
class Agreement:
    """The best of all tried shifts, and what chance makes of these very blocks."""

    sigmas: float
    """Of the correlation at the best shift, beyond none."""
    needed_sigmas: float
    """What it must exceed: more than the formula's where turned copies of the block agree too well."""
    doubtful_sigmas: float
    """What chance leaves it below all but once in a thousand times; between the two nothing is decided."""
    correlation: float
    count: float
    """Independent amounts that the correlation rests on."""
    shift_zyx: tuple[int, ...]
    """Whole voxels."""
    could_tell: bool
    """Whether a perfect agreement would have been beyond chance in either look: if not, these blocks tell nothing."""

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the blocks show the same thing."""
        return self.sigmas > self.needed_sigmas

    @property
    def is_within_chance(self) -> bool:
        """Whether the blocks show nothing in common."""
        return self.sigmas <= self.doubtful_sigmas


def agreement(a_zyx: NDArray[Any], b_zyx: NDArray[Any], radius: tuple[int, ...]) -> Agreement:
    """Return the better of two looks at blocks of one shape: at all they show, and at small structures alone.

    Parameters
    ----------
    radius
        Voxels by which one may be shifted, z,y,x.
    """
    window = hann(a_zyx.shape)
    looks = [_look(windowed(a, window), windowed(b, window), radius) for a, b in _views(a_zyx, b_zyx)]
    best = max(looks, key=lambda one: one.sigmas / one.needed_sigmas)
    return replace(best, could_tell=all(one.could_tell for one in looks))


def _views(a_zyx: NDArray[Any], b_zyx: NDArray[Any]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    a, b = a_zyx.astype(np.float64), b_zyx.astype(np.float64)
    return [(a, b), (sharpened(a), sharpened(b))]


def _look(a: NDArray[Any], b: NDArray[Any], radius: tuple[int, ...]) -> Agreement:
    near = np.ix_(*(np.arange(-r, r + 1) % n for r, n in zip(radius, a.shape, strict=True)))
    n_tried = 2 * int(np.prod([2 * r + 1 for r in radius]))  # two looks
    needed, doubtful = needed_sigmas(n_tried), needed_sigmas(n_tried, _DOUBT)
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    if norm == 0:
        return Agreement(0.0, needed, doubtful, 0.0, 0.0, (0,) * a.ndim, could_tell=False)
    a_spectrum, b_spectrum = np.fft.fftn(a), np.fft.fftn(b)
    count = independent_count(abs(a_spectrum) ** 2, abs(b_spectrum) ** 2, max(_peakedness(a), _peakedness(b)))
    turned = max(float(abs(_products(a_spectrum, one)).max()) for one in _turned(b)) / norm
    best, at = _best(_products(a_spectrum, b_spectrum)[near])
    unusual = max(1.0, sigmas(turned, count) / usual_sigmas(7 * a.size))
    needed, doubtful = needed * unusual, doubtful * unusual
    shift = tuple(int(i) - r for i, r in zip(at, radius, strict=True))
    could_tell = sigmas(1.0, count) > needed
    return Agreement(sigmas(best / norm, count), needed, doubtful, best / norm, count, shift, could_tell)


def _turned(b: NDArray[Any]) -> list[Spectrum]:
    """Return the spectra of the block turned around in all seven ways: as smooth, as sharp, of the same shapes.

    How well these agree with the other block, at any shift, is what chance makes of blocks that no formula describes.
    """
    axes = [axis for axis, n in enumerate(b.shape) if n > 1]
    ways = list(product((False, True), repeat=len(axes)))[1:]
    chosen = [tuple(axis for axis, is_turned in zip(axes, way, strict=True) if is_turned) for way in ways]
    return [np.fft.fftn(np.flip(b, one)) for one in chosen]


def _products(a: Spectrum, b: Spectrum) -> NDArray[np.float64]:
    return np.asarray(np.fft.ifftn(a * np.conj(b)).real, np.float64)


def _best(products: NDArray[np.float64]) -> tuple[float, tuple[int, ...]]:
    at = np.unravel_index(int(np.argmax(abs(products))), products.shape)
    return float(abs(products[at])), tuple(map(int, at))


def _peakedness(voxels: NDArray[Any]) -> float:
    squares = voxels * voxels
    # The window alone makes noise more peaked, by what its own fourth moment says; that is in the window's factor.
    return float(3 * _ratio(squares) / _hann_peakedness(voxels.shape))


def _ratio(squares: NDArray[Any]) -> float:
    return float(squares.size * (squares * squares).sum() / squares.sum() ** 2)


def _hann_peakedness(shape: tuple[int, ...]) -> float:
    window = hann(shape) ** 2
    return 3 * _ratio(window)

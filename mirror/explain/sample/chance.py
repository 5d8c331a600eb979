"""How well two unrelated blocks agree by chance, and how much better they must agree before a relation is claimed.

Everything rests on one number, `FALSE_CLAIMS`: how often a relation may be claimed of voxels that have none.
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

FALSE_CLAIMS = 1e-9
"""Of one comparison of two blocks. A million places leave one false claim in a thousand levels."""
MIN_BITS = -math.log2(FALSE_CLAIMS)
"""Two blocks that agree voxel by voxel must hold at least so much that chance could have arranged otherwise."""
_HANN_FACTOR_PER_AXIS = 1.944
"""1 + 2 ((2/3)^2 + (1/6)^2): by how much more a correlation of Hann-windowed noise varies than one whose frequencies
are independent; 2/3 and 1/6 are how neighbouring frequencies of a Hann window correlate, and both blocks have them."""
_LEAST_COUNT = 10.0
"""Below about ten independent amounts, Fisher's z is not normal in the far tail: no claim is made."""
_MOST_TOLD = 0.95
"""A correlation counts as no more than this: that of shapes with edges comes near 1 too easily (two planes)."""


def arrangement_bits(voxels: NDArray[Any]) -> float:
    """Return log2 of in how many orders the block's own values can stand: what equality with it tells.

    Slices that repeat the one before tell nothing and are left out. 0 for a constant block, 1 for two halves; 18 for
    one odd voxel in 64 x 64 x 64, so that alone it tells nothing.

    >>> round(arrangement_bits(np.array([0, 1, 0, 2])), 3), arrangement_bits(np.zeros(9))
    (3.585, 0.0)
    """
    for axis in range(voxels.ndim):
        lines = np.moveaxis(voxels, axis, 0)
        is_new = [True, *(bool((one != before).any()) for before, one in pairwise(lines))]
        voxels = voxels.compress(is_new, axis)
    _, counts = np.unique(voxels, return_counts=True)
    orders = math.lgamma(voxels.size + 1) - sum(math.lgamma(n + 1) for n in counts.tolist())
    return max(0.0, float(orders) / math.log(2))


def independent_count(a_power: NDArray[Any], b_power: NDArray[Any], peakedness: float) -> float:
    """Return how many independent amounts a correlation of two blocks is worth: 1 / its variance by chance.

    Bartlett (1946): the variance is the sum of the product of both autocorrelations; by Parseval, that of the two
    power spectra. Smooth blocks have few. Blocks of a few bright voxels have as few as those, which no spectrum
    tells.

    Parameters
    ----------
    a_power, b_power
        Power spectra of the windowed blocks, of as many frequencies as voxels.
    peakedness
        The larger of both kurtoses, 3 for noise.
    """
    together = float((a_power * b_power).sum())
    if together <= 0:
        return 0.0
    n_axes = sum(n > 1 for n in a_power.shape)
    of_spectra = float(a_power.sum() * b_power.sum()) / together / _HANN_FACTOR_PER_AXIS**n_axes
    return float(min(of_spectra, 3 * a_power.size / peakedness))


def sigmas(correlation: float, count: float) -> float:
    """Return how far beyond chance a correlation lies, in standard deviations (Fisher's z); 0 where none can be told.

    >>> round(sigmas(0.5, 103), 3), sigmas(0.999, 5)
    (5.493, 0.0)
    """
    if count < _LEAST_COUNT:
        return 0.0
    return math.atanh(min(abs(correlation), _MOST_TOLD)) * math.sqrt(count - 3)


def needed_sigmas(n_tried: int, probability: float = FALSE_CLAIMS) -> float:
    """Return what the best of so many tried shifts exceeds by chance with a probability (Bonferroni, both signs).

    >>> round(needed_sigmas(1), 2), round(needed_sigmas(100_000), 2)
    (6.11, 7.74)
    """
    return -NormalDist().inv_cdf(probability / 2 / max(1, n_tried))


def usual_sigmas(n_tried: int) -> float:
    """Return what the best of so many tried shifts reaches by chance, in the median.

    >>> round(usual_sigmas(1), 2), round(usual_sigmas(100_000), 2)
    (0.67, 4.5)
    """
    return -NormalDist().inv_cdf((1 - 0.5 ** (1 / max(1, n_tried))) / 2)

"""From the drawn places to the whole level: ratio estimates on the known sizes, with intervals by bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mirror.explain.sample.plan import SamplePlan

Weights = NDArray[np.float64]
"""Rows are draws of the sample, the first one the sample itself; columns are its places, as `SamplePlan.places`."""

N_ROUNDS = 2_000
"""The ends of a 95 % interval lie on the 50th value from either end: known to within 7 % of its width."""
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number of the level, and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """0 where every place was measured."""
        return self.high - self.low


def bootstrap_weights(plan: SamplePlan, *, seed: int, n_rounds: int = N_ROUNDS) -> Weights:
    """Return what each drawn place stands for: as drawn, then in `n_rounds` draws from the sample itself.

    Places are drawn, not measures: all measures of a place stay together. From the n of a stratum's N places, n - 1
    are drawn with replacement, and the change of their weights is scaled by sqrt(1 - n/N): the rescaling bootstrap of
    Rao and Wu (1988; weights as in Rao, Wu and Yue 1992), unbiased for any n from 2 on; where n = N nothing varies.
    """
    chance = np.random.default_rng(seed)
    n_rounds = 1 if plan.is_complete else n_rounds
    rounds = [_rounds(len(one.places), one.n_places, n_rounds, chance) for one in plan.strata]
    return np.concatenate(rounds, axis=1) if rounds else np.ones((n_rounds + 1, 0))


def _rounds(n: int, n_stratum: int, n_rounds: int, chance: np.random.Generator) -> Weights:
    factors = np.ones((n_rounds + 1, n))
    if 1 < n < n_stratum:
        times = chance.multinomial(n - 1, np.full(n, 1 / n), n_rounds)
        factors[1:] += np.sqrt(1 - n / n_stratum) * (times * (n / (n - 1)) - 1)
    return factors * (n_stratum / n)


def ratio_totals(weights: Weights, measured: Sequence[int], known: Sequence[int], known_total: int) -> Weights:
    """Return the level's total of a measure in each round, by its ratio to what is known of every place.

    Parameters
    ----------
    measured, known
        Of each drawn place.
    known_total
        Of all places of the level.
    """
    # Divided place by place, a measure that equals the known one gives exactly 1.
    ratios = (weights @ np.asarray(measured, np.float64)) / (weights @ np.asarray(known, np.float64))
    return np.asarray(known_total * ratios, np.float64)


def interval(rounds: NDArray[np.float64], plan: SamplePlan) -> Estimate:
    """Return the first round's number with the percentile interval of the others, which always holds it.

    As wide as Student's t is wider than the normal one, at places less strata degrees of freedom.
    """
    value = float(rounds[0])
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(rounds[1:], (tail, 1 - tail)) - value
    wider = _student_by_normal(len(plan.places) - len(plan.strata))
    return Estimate(value, value + min(0.0, float(low) * wider), value + max(0.0, float(high) * wider))


def _student_by_normal(degrees: int) -> float:
    """Return by how much the 95 % interval of few is wider (Cornish and Fisher's expansion; within 1 % from 3 on)."""
    z = NormalDist().inv_cdf((1 + _CONFIDENCE) / 2)
    n = max(1, degrees)
    return 1 + (z**2 + 1) / (4 * n) + (5 * z**4 + 16 * z**2 + 3) / (96 * n**2)


def estimate_total(
    plan: SamplePlan, measured: Sequence[int], known: Sequence[int], known_total: int, *, seed: int
) -> Estimate:
    """Return the level's total of a measure of its places, the places of `measured` and `known` as in the plan."""
    return interval(ratio_totals(bootstrap_weights(plan, seed=seed), measured, known, known_total), plan)

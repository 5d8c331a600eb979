"""What of a level's `compression` comes from type, codec, block size and content: shares over all orders of steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mirror.explain.sample.estimate import Estimate, Weights, bootstrap_weights, interval, ratio_totals
from mirror.explain.sample.plan import SamplePlan
from mirror.explain.sample.recode import Done, Recoded, Step

Rounds = NDArray[np.float64]
RoundToSum = Callable[[Mapping[str, Decimal], int], Mapping[str, int]]
"""DESIGN 5.4: whole numbers that sum to a total, from terms that do but for their digits."""


class Part(StrEnum):
    """What `compression` parts into. The values stand in JSON."""

    TYPE = "compression.type"
    CODEC = "compression.codec"
    BLOCK_SIZE = "compression.block_size"
    CONTENT = "compression.content"
    TYPE_AND_CONTENT = "compression.type_and_content"
    """Inseparable: types differ, and no line leads from A's values to B's."""


_PART_OF = {Step.TYPE: Part.TYPE, Step.CODEC: Part.CODEC, Step.BLOCK_SIZE: Part.BLOCK_SIZE}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the level's common blocks without any sample."""

    a_bytes: int
    """Payload of the common blocks; as the places' `a_bytes`, of all of them."""
    b_bytes: int
    voxel_bytes_ratio: float
    """A's bytes of voxels by B's, of the common blocks."""
    compression_bytes: int
    """What the accounting gives to `compression`; the parts sum to it."""


@dataclass(frozen=True, slots=True)
class PartShare:
    """One part, and where it lies with 95 % confidence if all places were measured."""

    bytes: int
    estimate: Estimate
    """Before rounding."""


def split_compression(
    plan: SamplePlan, recoded: Sequence[Recoded], known: Known, round_to_sum: RoundToSum, *, seed: int
) -> dict[Part, PartShare]:
    """Return the parts of `compression`; they sum to it exactly, and are 0 for what does not differ.

    Type, codec and block size are what A's voxels gain or lose in ln(payload bytes / voxel bytes) as each step is
    made, averaged over all orders (Shapley 1953). Content comes last: A's voxels as B stores them against B's. What
    the libraries that wrote A and B do otherwise than ours, under the same name and level, is the codec's.

    Parameters
    ----------
    recoded
        Of each place, in the order of `plan.places`; all with the same steps. Without any, all is content.
    """
    if not recoded or not known.a_bytes or not known.b_bytes:
        return _all_to_content(known)
    weights = bootstrap_weights(plan, seed=seed)
    logs = _log_shares(plan, recoded, known, weights)
    terms = _in_bytes(logs, known)
    rounded = round_to_sum(
        _decimals({part: float(rounds[0]) for part, rounds in terms.items()}, known), known.compression_bytes
    )
    return {part: PartShare(rounded[part], interval(rounds, plan)) for part, rounds in terms.items()}


def _all_to_content(known: Known) -> dict[Part, PartShare]:
    value = float(known.compression_bytes)
    return {Part.CONTENT: PartShare(known.compression_bytes, Estimate(value, float("-inf"), float("inf")))}


def _log_shares(plan: SamplePlan, recoded: Sequence[Recoded], known: Known, weights: Weights) -> dict[Part, Rounds]:
    """Return each part's share of ln(A's ratio / B's ratio), in every round; they sum to it in each."""
    a_known, b_known = ([getattr(place, side) for place in plan.places] for side in ("a_bytes", "b_bytes"))
    logs = {
        done: np.log(ratio_totals(weights, [one.a_bytes[done] for one in recoded], a_known, known.a_bytes))
        for done in recoded[0].a_bytes
    }
    b_again = np.log(ratio_totals(weights, [one.b_bytes for one in recoded], b_known, known.b_bytes))
    steps = sorted(frozenset().union(*logs))
    shares = {_PART_OF[step]: _shapley(logs, step, steps) for step in steps}
    written_otherwise = math.log(known.a_bytes) - logs[frozenset()] + b_again - math.log(known.b_bytes)
    shares[Part.CODEC] = shares.get(Part.CODEC, 0.0) + written_otherwise
    voxels = math.log(known.voxel_bytes_ratio)
    content = logs[frozenset(steps)] - b_again
    if Step.TYPE in steps:
        return shares | {Part.TYPE: shares[Part.TYPE] - voxels, Part.CONTENT: content}
    rest = Part.TYPE_AND_CONTENT if voxels else Part.CONTENT
    return shares | {rest: content - voxels}


def _shapley(logs: Mapping[Done, Rounds], step: Step, steps: Sequence[Step]) -> Rounds:
    """Return how much a step takes from the logarithm, averaged over all orders in which the steps can be made."""
    others = [one for one in steps if one is not step]
    n = len(steps)
    total = np.zeros_like(logs[frozenset()])
    for k in range(n):
        orders = math.factorial(k) * math.factorial(n - k - 1) / math.factorial(n)
        for before in map(frozenset, combinations(others, k)):
            total += orders * (logs[before] - logs[before | {step}])
    return total


def _in_bytes(logs: Mapping[Part, Rounds], known: Known) -> dict[Part, Rounds]:
    """Return shares of the logarithm as bytes, by the logarithmic mean; what groups make otherwise goes by size."""
    mean = _log_mean(known.a_bytes, known.b_bytes)
    terms = {part: mean * log for part, log in logs.items()}
    missing = known.compression_bytes - np.sum(list(terms.values()), axis=0)
    sizes = np.sum([np.abs(term) for term in terms.values()], axis=0)
    return {
        part: term + missing * np.divide(np.abs(term), sizes, out=np.full_like(term, 1 / len(terms)), where=sizes > 0)
        for part, term in terms.items()
    }


def _log_mean(a: int, b: int) -> float:
    return float(a) if a == b else (a - b) / math.log(a / b)


def _decimals(values: Mapping[Part, float], known: Known) -> dict[str, Decimal]:
    """Return the terms with exactly the total's sum: what floats lost goes to the largest, which feels it least."""
    terms: dict[str, Decimal] = {part: Decimal(value) for part, value in values.items()}
    largest = max(terms, key=lambda part: (abs(terms[part]), part))
    terms[largest] += known.compression_bytes - sum(terms.values())
    return terms

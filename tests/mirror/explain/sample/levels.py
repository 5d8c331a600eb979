"""Synthetic levels: what each place stores, and what it would take after each step, without a voxel being made."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from mirror.explain.sample.places import Place
from mirror.explain.sample.recode import Recoded, Step

_VOXELS = 64**3


@dataclass(frozen=True)
class Level:
    """All places of a level, and what measuring each would give."""

    places: tuple[Place, ...]
    recoded: dict[tuple[int, ...], Recoded]

    @property
    def a_bytes(self) -> int:
        """Payload of A."""
        return sum(place.a_bytes for place in self.places)

    @property
    def b_bytes(self) -> int:
        """Payload of B."""
        return sum(place.b_bytes for place in self.places)


def make_level(seed: int, shape: tuple[int, int, int] = (12, 10, 15)) -> Level:
    """Return a level as stored: a cell in resin, cut at the edge, with empty places; the truth is known of each place.

    Cell, resin and emptiness come in patches. How well 16 bits of noise compress varies by acquisition (0.8 to 1 of
    their bytes), 8 bits to 0.85 to 0.97, an empty block to a few hundred bytes. Each step's factor varies with the
    level, with what is at the place, and by chance from place to place.
    """
    chance = np.random.default_rng((seed, 64))
    where = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, 3)
    activity = _patches(chance, where, shape)
    is_empty = _patches(chance, where, shape) > chance.uniform(1.2, 2.2)
    is_edge = (where == np.array(shape) - 1).any(axis=1)
    inside = np.where(is_edge, chance.uniform(0.2, 0.95), 1.0) * _VOXELS
    sizes = _stored(chance, activity, inside)
    for done, bytes_ in sizes.items():
        sizes[done] = np.where(is_empty, 300 + 40 * len(done or ()), bytes_).astype(np.int64)
    b_again = sizes.pop(None)
    written = (chance.normal(1, 0.01) * chance.normal(1, 0.002, len(where)) for _ in range(2))
    a_stored, b_stored = (
        np.rint(one * by).astype(np.int64) for one, by in zip((sizes[frozenset()], b_again), written, strict=True)
    )
    indices = [tuple(row) for row in where.tolist()]
    places = tuple(map(Place, indices, a_stored.tolist(), b_stored.tolist(), is_edge.tolist()))
    recoded = {
        index: Recoded({done: int(one[row]) for done, one in sizes.items() if done is not None}, int(b_again[row]))
        for row, index in enumerate(indices)
    }
    return Level(places, recoded)


def _patches(chance: np.random.Generator, where: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return waves of a few blocks' length, mean 0 and deviation 1."""
    waves = np.zeros(len(where))
    for _ in range(8):
        waves += np.sin(where @ chance.normal(0, 0.6, 3) + chance.uniform(0, 6.3))
    return np.asarray((waves - waves.mean()) / waves.std())


def _stored(
    chance: np.random.Generator, activity: np.ndarray, inside: np.ndarray
) -> dict[frozenset[Step] | None, np.ndarray]:
    n = len(activity)
    base = 2 * inside * (chance.uniform(0.8, 0.97) + 0.03 * activity + chance.normal(0, 0.01, n))
    factors = {
        Step.TYPE: chance.uniform(0.45, 0.6) + 0.03 * activity + chance.normal(0, 0.01, n),
        Step.CODEC: chance.uniform(0.9, 1.1) + 0.01 * activity + chance.normal(0, 0.004, n),
        Step.BLOCK_SIZE: chance.normal(1, 0.01) + chance.normal(0, 0.002, n),
    }
    sizes: dict[frozenset[Step] | None, np.ndarray] = {}
    for flags in product((False, True), repeat=3):
        done = frozenset(step for step, flag in zip(Step, flags, strict=True) if flag)
        together = 1 + 0.02 * sum(1 for _ in combinations(done, 2))
        sizes[done] = base * together * np.prod([factors[step] for step in done], axis=0)
    sizes[None] = sizes[frozenset(Step)] * (chance.uniform(0.85, 1.15) + 0.04 * activity + chance.normal(0, 0.02, n))
    return sizes

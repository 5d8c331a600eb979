"""Places are drawn by lot from every stratum: the same for a seed, in any order of reading."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.errors import UsageError
from mirror.explain.sample import places as places_module
from mirror.explain.sample.places import Place
from mirror.explain.sample.plan import SamplePlan, plan_sample

SIZES = st.integers(0, 2**33) | st.sampled_from([0, 1, 300])
LEVELS = st.lists(
    st.builds(Place, st.tuples(*[st.integers(0, 40)] * 3), SIZES, SIZES, st.booleans()),
    unique_by=lambda place: place.index_xyz,
    max_size=120,
)


def indices(plan: SamplePlan) -> set[tuple[int, ...]]:
    """Return the drawn positions."""
    return {place.index_xyz for place in plan.places}


@given(LEVELS, st.integers(2, 130), st.integers(0, 2**64), st.randoms(use_true_random=False))
def test_the_order_of_reading_changes_nothing(
    level: list[Place], n_places: int, seed: int, chance: random.Random
) -> None:
    """The same places in another order give the same plan."""
    other = list(level)
    chance.shuffle(other)
    assert plan_sample(lambda: level, n_places, seed=seed) == plan_sample(lambda: other, n_places, seed=seed)


@given(LEVELS, st.integers(2, 130), st.integers(0, 99))
def test_strata_hold_the_level(level: list[Place], n_places: int, seed: int) -> None:
    """As many are drawn as asked, each once; strata sum to the level, and give two places or all they have."""
    plan = plan_sample(lambda: level, n_places, seed=seed)
    assert len(plan.places) == len(indices(plan)) == min(n_places, len(level))
    assert set(plan.places) <= set(level)
    assert plan.n_places == len(level)
    assert all(len(one.places) >= min(2, one.n_places) for one in plan.strata)
    assert plan.weights().sum() == pytest.approx(len(level))


@given(LEVELS)
def test_all_places_are_a_complete_plan(level: list[Place]) -> None:
    """Asked for all, the plan draws all, and each stands for itself."""
    plan = plan_sample(lambda: level, None, seed=1)
    assert plan.is_complete
    assert set(plan.places) == set(level)
    assert (plan.weights() == 1).all()


def _level(n: int) -> list[Place]:
    chance = random.Random(n)
    return [
        Place((i % 50, i // 50, 0), chance.randrange(100_000, 400_000), chance.randrange(200_000), i % 50 == 49)
        for i in range(n)
    ]


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many places are looked at together, the plan is the same."""
    level = _level(3000)
    whole = plan_sample(lambda: level, 60, seed=3)
    monkeypatch.setattr(places_module, "BATCH", 7)
    assert plan_sample(lambda: level, 60, seed=3) == whole


def test_edges_and_the_interior_are_apart() -> None:
    """No stratum has places of both, where the sample is large enough for two of each."""
    plan = plan_sample(lambda: _level(3000), 60, seed=3)
    assert len(plan.strata) > 2
    assert all(len({place.is_edge for place in one.places}) == 1 for one in plan.strata)


def test_every_place_can_be_drawn() -> None:
    """Over many seeds, places of one stratum are drawn equally often."""
    level = [Place((i, 0, 0), 1000, 500, is_edge=False) for i in range(20)]
    times = Counter(index for seed in range(500) for index in indices(plan_sample(lambda: level, 5, seed=seed)))
    # 125 expected, deviation 9.7.
    assert all(75 < times[place.index_xyz] < 175 for place in level)


@pytest.mark.parametrize("n_places", [1, 0, -3])
def test_one_place_is_no_sample(n_places: int) -> None:
    """Fewer than two places are refused, by the option's name."""
    with pytest.raises(UsageError, match=f"--sample; expected 2 or more, found {n_places}"):
        plan_sample(list, n_places, seed=1)


@given(st.integers(2, 60), st.sets(st.integers(0, 59)))
def test_places_that_cannot_be_read_are_stood_for(n_places: int, lost: set[int]) -> None:
    """Without some places, the rest stand for the whole level, two or more for each stratum as far as there are any."""
    level = _level(500)
    plan = plan_sample(lambda: level, n_places, seed=9)
    kept = {place.index_xyz for i, place in enumerate(plan.places) if i not in lost}
    rest = plan.only(kept)
    assert indices(rest) == kept
    if kept:
        assert rest.weights().sum() == pytest.approx(len(level))
    if len(kept) >= 2:
        assert all(len(one.places) >= 2 for one in rest.strata)

"""Places are shared among strata by Neyman's rule, in whole numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mirror.explain.sample.strata import allocate

STRATA = st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 10**12)), min_size=1, max_size=20)


@given(STRATA, st.integers(0, 3000))
def test_all_places_are_shared_out(strata: list[tuple[int, int]], more: int) -> None:
    """Each stratum gives two or all it has, none more than it has, and together as many as asked."""
    sizes, spreads = map(tuple, zip(*strata, strict=True))
    n_places = sum(min(2, size) for size in sizes) + more
    drawn = allocate(sizes, spreads, n_places)
    assert sum(drawn) == min(n_places, sum(sizes))
    assert all(min(2, size) <= n <= size for n, size in zip(drawn, sizes, strict=True))


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=8))
def test_large_strata_follow_neyman(spreads: list[int]) -> None:
    """Where nothing binds, places are as the spreads, to within one for each stratum."""
    n_places = 10_000
    drawn = allocate((10**6,) * len(spreads), tuple(spreads), n_places)
    shares = [n_places * spread / sum(spreads) for spread in spreads]
    if min(shares) >= 2:
        assert all(abs(n - share) <= len(spreads) for n, share in zip(drawn, shares, strict=True))

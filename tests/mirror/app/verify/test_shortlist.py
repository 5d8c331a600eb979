"""The first of very many."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.app.verify.shortlist import Shortlist

NAMES = st.lists(st.tuples(st.sampled_from("ab"), st.text("xyz", max_size=3)), unique=True, max_size=20)


@settings(max_examples=40)
@given(names=NAMES, limit=st.integers(1, 6))
def test_the_first_are_kept_and_all_are_counted(names: list[tuple[str, str]], limit: int) -> None:
    """In whatever order they come, the first by bucket and key stay, in that order."""
    some = Shortlist[tuple[str, str]](limit)
    for name in names:
        some.add(name, name)
    assert (list(some), some.n_all) == (sorted(names)[:limit], len(names))

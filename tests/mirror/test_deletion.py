"""What goes is what is held and not listed; and how much of it may go."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.deletion import DEFAULT_LIMIT, Deletion, Held, Leaving, check_deletion, vanished
from mirror.errors import UnsafeError
from mirror.objects import Tally
from mirror.quantities import Limit

KEYS = st.sets(st.text("ab/0", min_size=1, max_size=4), max_size=12)


@given(KEYS, KEYS)
@settings(max_examples=50)
def test_vanished_is_held_less_listed(held: set[str], listed: set[str]) -> None:
    """No key that is listed goes, none that is not held, and all that is held and not listed does."""
    gone = vanished((Held(key, len(key), b"") for key in sorted(held)), listed.__contains__)
    assert [one.key for one in gone] == sorted(held - listed)


def _deletion(gone: Tally, mirrored: Tally, listed: Tally, limit: Limit = DEFAULT_LIMIT) -> Deletion:
    kept = Leaving(
        "d", "raw", "s0", listed, Tally(mirrored.objects - gone.objects, mirrored.bytes - gone.bytes), Tally()
    )
    return Deletion((kept, Leaving("d", "raw", "s1", Tally(), gone, gone)), limit)


CASES = {
    "exactly-a-tenth": (Tally(10, 100), DEFAULT_LIMIT, True),
    "an-object-more": (Tally(11, 100), DEFAULT_LIMIT, False),
    "a-byte-more": (Tally(1, 101), DEFAULT_LIMIT, False),
    "so-many-allowed": (Tally(50, 999), Limit(objects=50), True),
    "one-more-than-so-many": (Tally(51, 51), Limit(objects=50), False),
    "none-allowed": (Tally(1, 0), Limit(objects=0), False),
    "all-allowed": (Tally(100, 1000), Limit(percent=100), True),
}


@pytest.mark.parametrize(("gone", "limit", "is_allowed"), CASES.values(), ids=CASES.keys())
def test_limit(gone: Tally, limit: Limit, is_allowed: bool) -> None:
    """Of 100 objects and 1000 B, as much as the limit says may go, and not an object or a byte more."""
    deletion = _deletion(gone, Tally(100, 1000), Tally(5, 5), limit)
    if is_allowed:
        check_deletion(deletion)
    else:
        with pytest.raises(UnsafeError, match="more would go"):
            check_deletion(deletion)


def test_empty_listing_is_refused_whatever_the_limit() -> None:
    """Where the bucket has none of it, that is no reason to give up a mirror."""
    with pytest.raises(UnsafeError, match="listing has none"):
        check_deletion(_deletion(Tally(1, 1), Tally(100, 100), Tally(), Limit(percent=100)))


def test_nothing_that_goes_is_never_refused() -> None:
    """Also of a dataset of which nothing was mirrored yet."""
    check_deletion(_deletion(Tally(), Tally(), Tally()))

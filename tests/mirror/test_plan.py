"""The plan: its totals are sums, its order is the listing's no matter how it came, and it must fit."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.diff import FETCHES, Kind
from mirror.errors import ExitCode, UnsafeError
from mirror.objects import Tally
from mirror.plan import ASK_ABOVE_BYTES, ASK_ABOVE_OBJECTS, SPARE_BYTES, Part, Plan, Skip, check_room, plan_of

_tallies = st.builds(Tally, st.integers(0, 10**6), st.integers(0, 10**12))
_parts = st.builds(
    Part,
    st.sampled_from(["jrc_hela-2", "jrc_hela-3"]),
    st.sampled_from(["raw", "labels/er_seg", "other files"]),
    st.sampled_from(["s0", "s1", ""]),
    st.dictionaries(st.sampled_from(Kind), _tallies),
    st.integers(0, 1000),
)


def _plan(parts: list[Part], *, refused: Iterable[Skip] = (), skipped: Iterable[Skip] = ()) -> Plan:
    return plan_of("b", ("jrc_hela-2",), parts, refused=refused, skipped=skipped)


def _total(parts: list[Part], kinds: frozenset[Kind]) -> Tally:
    return sum((tally for part in parts for kind, tally in part.tallies.items() if kind in kinds), Tally())


@given(st.lists(_parts, max_size=8), st.randoms())
def test_totals_are_the_sums_of_the_parts(parts: list[Part], random: Random) -> None:
    """Whatever the order of the parts, totals by kind, by line and in all are their sums."""
    plan = _plan(parts)
    assert plan.to_fetch == _total(parts, FETCHES)
    assert plan.to_adopt == _total(parts, frozenset({Kind.ADOPT}))
    assert plan.up_to_date == _total(parts, frozenset({Kind.UP_TO_DATE}))
    assert sum((line.to_fetch for line in plan.lines), Tally()) == plan.to_fetch
    assert sum((line.to_adopt for line in plan.lines), Tally()) == plan.to_adopt
    assert sum((line.listed for line in plan.lines), Tally()) == _total(parts, frozenset(Kind))
    assert plan.n_folders == sum(part.n_folders for part in parts)
    random.shuffle(parts)
    assert _plan(parts) == plan


@given(st.lists(_parts, max_size=8))
def test_largest_lines_come_first_and_none_twice(parts: list[Part]) -> None:
    """One line a level, sorted by size."""
    lines = _plan(parts).lines
    assert [line.listed.bytes for line in lines] == sorted((line.listed.bytes for line in lines), reverse=True)
    names = [(line.dataset, line.volume, line.level) for line in lines]
    assert len(names) == len(set(names))


def test_left_out_keys_are_sorted() -> None:
    """Same input, same words out."""
    skips = [Skip("b", "x"), Skip("a", "y")]
    plan = _plan([], refused=skips, skipped=skips)
    assert plan.refused == plan.skipped == (Skip("a", "y"), Skip("b", "x"))


def _fetching(tally: Tally, n_folders: int = 0) -> Plan:
    return _plan([Part("d", "v", "s0", {Kind.NEW: tally}, n_folders)])


@pytest.mark.parametrize(
    ("tally", "is_large"),
    [
        (Tally(1, ASK_ABOVE_BYTES), False),
        (Tally(1, ASK_ABOVE_BYTES + 1), True),
        (Tally(ASK_ABOVE_OBJECTS, 1), False),
        (Tally(ASK_ABOVE_OBJECTS + 1, 1), True),
    ],
)
def test_a_person_is_asked_above_a_size(tally: Tally, is_large: bool) -> None:
    """10 GB and 100,000 objects go without a question, one more does not."""
    assert _fetching(tally).is_large is is_large


@pytest.mark.parametrize(
    ("plan", "free_bytes", "free_inodes", "words"),
    [
        pytest.param(_plan([]), 0, 0, "", id="nothing to do fits on a full share"),
        pytest.param(_fetching(Tally(1, 10)), SPARE_BYTES + 10, None, "", id="just fits"),
        pytest.param(_fetching(Tally(1, 10)), SPARE_BYTES + 9, None, "room", id="a byte too much"),
        pytest.param(_fetching(Tally(3, 10), 2), 10**12, 5, "", id="inodes just fit"),
        pytest.param(_fetching(Tally(3, 10), 2), 10**12, 4, "inodes", id="an inode too much"),
        pytest.param(_plan([Part("d", "v", "", {Kind.ADOPT: Tally(9, 10**9)})]), 0, 0, "", id="adoption needs none"),
    ],
)
def test_room(plan: Plan, free_bytes: int, free_inodes: int | None, words: str) -> None:
    """What is to be fetched must fit, files and folders too where the share counts them."""
    if not words:
        check_room(plan, "/share", free_bytes, free_inodes)
        return
    with pytest.raises(UnsafeError, match=words) as told:
        check_room(plan, "/share", free_bytes, free_inodes)
    assert told.value.exit_code is ExitCode.UNSAFE
    assert told.value.expected
    assert told.value.found


def test_what_lacks_room_says_what_is_to_spare() -> None:
    """Bytes can be read, and it is said why more is asked for than the plan tells."""
    with pytest.raises(UnsafeError) as told:
        check_room(_fetching(Tally(1, 14_006_423)), "/share", 6_283_264, None)
    assert told.value.expected == "114,006,423 B: 14,006,423 to fetch, and 100,000,000 to spare"
    assert told.value.found == "6,283,264 B free"

"""How many requests are in flight, as numbers: servers are functions from a size to what comes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.engine.window import LIMIT, START, Limit, Sample, Window

Server = Callable[[int], Sample]
"""What comes of one second with so many requests in flight."""


def refusing_above(n_taken: int) -> Server:
    """Return a server that answers in 0.1 s, and refuses what is above its limit."""

    def answer(size: int) -> Sample:
        taken = min(size, n_taken)
        return Sample(1.0, 10 * taken, 3000 * taken, refused=10 * (size - taken), waiting=0.9)

    return answer


def as_fast_as(n_useful: int, waiting: float = 0.9) -> Server:
    """Return a server that answers no more objects a second however many are asked for above that number."""
    return lambda size: Sample(1.0, 10 * min(size, n_useful), 3000 * min(size, n_useful), waiting=waiting)


def sizes(window: Window, server: Server, n_samples: int = 60) -> list[int]:
    """Return the size after each sample."""
    return [window.take(server(window.size)) for _ in range(n_samples)]


@given(n_taken=st.integers(5, LIMIT - 1))
def test_the_limit_of_a_refusing_server_is_found(n_taken: int) -> None:
    """It settles within a fifth of the server's limit, and is above it only now and then."""
    settled = sizes(Window(), refusing_above(n_taken), 100)[40:]
    n_above = sum(size > 1.1 * n_taken for size in settled)
    assert 0.8 * n_taken <= sorted(settled)[len(settled) // 2] <= 1.2 * n_taken
    assert n_above <= len(settled) // 4


@given(n_useful=st.integers(START, LIMIT))
def test_it_grows_as_far_as_that_brings_more(n_useful: int) -> None:
    """Half of what is useful at the least, and no more than twice as much."""
    settled = sizes(Window(), as_fast_as(n_useful), 9)[-1]
    assert n_useful / 2 <= settled <= 2 * n_useful


@pytest.mark.parametrize(
    ("window", "server", "expected"),
    [
        pytest.param(Window(), as_fast_as(LIMIT), (LIMIT, Limit.NETWORK), id="nothing holds it"),
        pytest.param(Window(), as_fast_as(LIMIT, waiting=0.02), (START, Limit.CPU), id="no time to wait"),
        pytest.param(Window(fixed=7), as_fast_as(LIMIT), (7, Limit.CONCURRENCY), id="fixed"),
        pytest.param(Window(fixed=7), refusing_above(3), (7, Limit.SERVER), id="fixed and refused"),
        pytest.param(Window(), lambda size: Sample(1.0, 0, 0, broken=size), (1, Limit.SERVER), id="all breaks"),
    ],
)
def test_where_it_ends(window: Window, server: Server, expected: tuple[int, Limit]) -> None:
    """The size after a minute, and what is said to limit it."""
    assert (sizes(window, server)[-1], window.limit) == expected


def test_a_server_that_takes_more_again_gets_more() -> None:
    """A limit of 20 that becomes 200 is found within a few minutes."""
    window = Window()
    assert sizes(window, refusing_above(20))[-1] <= 24
    assert max(sizes(window, refusing_above(200), 400)) >= 160


def test_a_server_that_takes_less_gets_less_at_once() -> None:
    """A limit of 200 that becomes 20 is found within a minute."""
    window = Window()
    sizes(window, refusing_above(200))
    assert sizes(window, refusing_above(20), 60)[-1] <= 24


def test_refusals_that_are_told_late_do_not_shrink_it_twice() -> None:
    """Workers may go on for a moment at the size before; what the next sample says again is believed."""
    window, refused = Window(start=32), Sample(1.0, objects=20, bytes=20, refused=12)
    shrunk = window.take(refused)
    assert shrunk <= 16
    on_their_way, late = window.take(refused), window.take(refused)
    assert (on_their_way, late) == (shrunk, shrunk)
    assert window.take(refused) < shrunk


def test_a_refusal_here_and_there_changes_nothing() -> None:
    """Less than one answer in twenty is no overload."""
    window = Window(start=100, limit=100)
    assert set(sizes(window, lambda _: Sample(1.0, 960, 960, refused=40, waiting=0.9))) == {100}


def test_a_sample_needs_several_turns() -> None:
    """Two while it grows, one where refusals tell enough."""
    assert [Window(start=8).least(n_refused) for n_refused in (0, 2, 3)] == [16, 16, 8]


def test_no_more_than_there_are_threads_for() -> None:
    """A limit that is told later holds from then on."""
    window = Window()
    window.limit_to(16)
    assert (window.size, set(sizes(window, as_fast_as(LIMIT)))) == (16, {16})

"""The state machine over bucket, share and catalog: a short form for every day, ten thousand steps for the soak."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults import run_odd_server
from tests.system.figures import add_figures
from tests.system.machine import MirrorMachine, Scene, Tolls
from tests.system.operations import widened

SOAK_PARTS = 4
"""Beside each other where there are workers: a machine waits more than it computes."""
SOAK_STEPS = 10_000 // SOAK_PARTS
SOAK_KILLS = 30


@pytest.fixture
def scene(tmp_path: Path, blank_catalog: bytes) -> Iterator[Scene]:
    """A server that obeys, and room for the labs."""
    # Runs that are killed are forked off a process that has imported all of it, and has no threads.
    multiprocessing.set_forkserver_preload(["aioboto3", "tests.system.machine"])
    with run_odd_server() as server:
        yield Scene(server, blank_catalog, tmp_path)


def machine_of(scene: Scene) -> type[MirrorMachine]:
    """Return a machine that plays on this scene; Hypothesis wants a class."""

    class Machine(MirrorMachine):
        def __init__(self) -> None:
            super().__init__(scene)

    return widened(Machine)


def _settings(*, max_examples: int, n_steps: int) -> settings:
    return settings(
        max_examples=max_examples,
        stateful_step_count=n_steps,
        derandomize=True,
        database=None,
        deadline=None,  # A step is a whole run.
        phases=[Phase.generate],  # A run that is killed at another instant is another run: nothing shrinks.
        suppress_health_check=list(HealthCheck),  # They measure how fast examples are made; ours are runs.
    )


def test_whatever_happens_it_ends_equal(scene: Scene) -> None:
    """Puts, deletions, damage, kills, stops and bad weather in any order: after one more run all is equal."""
    run_state_machine_as_test(machine_of(scene), settings=_settings(max_examples=5, n_steps=20))
    assert scene.tolls.steps.total() > 50


@pytest.mark.soak
@pytest.mark.parametrize("part", range(SOAK_PARTS))
def test_ten_thousand_steps(scene: Scene, part: int) -> None:
    """As the short form, with other seeds, until it was enough; the figures go to docs/reliability.md."""
    started, tolls = time.monotonic(), scene.tolls
    for number in count(part * 1_000_000):
        machine = seed(number)(machine_of(scene))
        run_state_machine_as_test(machine, settings=_settings(max_examples=20, n_steps=50))
        if tolls.steps.total() >= SOAK_STEPS and tolls.kills["killed"] >= SOAK_KILLS:
            break
    add_figures(_figures(tolls, time.monotonic() - started))


def _figures(tolls: Tolls, seconds: float) -> Counter[str]:
    """Return the figures of one part."""
    return Counter(
        {
            **{f"step: {name}": number for name, number in tolls.steps.items()},
            "steps": tolls.steps.total(),
            "processes killed before their end": tolls.kills["killed"],
            "labs": tolls.labs,
            "requests": tolls.requests,
            "objects transferred": tolls.transferred,
            "objects mended from the other bucket": tolls.from_other,
            "seconds, of all parts": round(seconds),
        }
    )

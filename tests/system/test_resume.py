"""Runs that are killed, stopped, or run beside each other: what they leave, and what the next one does."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from mirror.errors import ExitCode
from mirror.lock import Holder
from mirror.report.model import SyncReport
from tests.proxy import Proxy
from tests.system.choices import FIRST_RUN, SMALL_A
from tests.system.invariants import (
    Row,
    catalog_equals_share,
    catalog_rows,
    nothing_left_over,
    nothing_wrong_is_visible,
    planning_again_gives_nothing,
    run_states,
    share_equals_bucket,
)
from tests.system.workbench import Workbench

WORDS = ("sync", "jrc_hela-2", *SMALL_A.words, "--concurrency", "4")
N_INSTANTS = 5
N_LISTINGS = 60
"""About how many listings and documents a run reads before it transfers."""
N_HALF = 200
"""After so many requests a run is in the middle of its transfer."""
EXIT_CODES = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGHUP: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
}
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Scene:
    """A lab, the proxy that it reaches bucket A through, and what bucket A holds."""

    lab: Workbench
    proxy: Proxy
    source: Mapping[str, bytes]

    @property
    def keys(self) -> list[str]:
        """What `WORDS` mirror."""
        return SMALL_A.keys(self.source)

    def next_run_does_the_rest(self, before: Mapping[str, Row]) -> None:
        """Run to the end; check that nothing is fetched again that had its row, and that all invariants hold."""
        self.proxy.stalls_from, self.proxy.delay_seconds = None, 0.0
        self.proxy.forget()
        report = self.lab.sync(SMALL_A.request())
        assert {key for key in self.proxy.keys("get") if f"{SMALL_A.bucket_name}/{key}" in before} == set()
        assert report.up_to_date.objects == len(before)
        assert report.transferred.objects + report.adopted.objects == len(self.keys) - len(before)
        assert (report.failed, report.complete) == ((), True)
        share_equals_bucket(self.lab.share, SMALL_A.bucket_name, self.source, self.keys)
        catalog_equals_share(self.lab)
        nothing_left_over(self.lab)
        planning_again_gives_nothing(self.lab, SMALL_A.request())


@pytest.fixture
def scene(lab: Workbench, proxy: Proxy, sources: dict[str, Mapping[str, bytes]]) -> Scene:
    """A lab with an empty share, in front of bucket A."""
    return Scene(lab, proxy, sources["a"])


# kill -9


def _instants() -> list[object]:
    soak = pytest.mark.soak
    return [*range(N_INSTANTS), *(pytest.param(n, marks=soak) for n in range(N_INSTANTS, 8 * N_INSTANTS))]


@pytest.mark.parametrize("instant", _instants())
def test_a_killed_run_leaves_nothing_wrong_and_the_next_does_the_rest(scene: Scene, instant: int) -> None:
    """Killed at any instant: no wrong file, no row without its file, no level half open; then the rest is done."""
    chance = random.Random(instant)
    n_requests = len(scene.keys) + N_LISTINGS
    # A tenth of the run each, so that ten instants fall into its listings, its transfer and its end.
    moment = (instant % N_INSTANTS + chance.random()) / N_INSTANTS * 1.1
    scene.proxy.delay_seconds = 0.01
    with scene.lab.start(*WORDS) as process:
        scene.proxy.wait_for(max(1, min(n_requests, round(moment * n_requests))))
        time.sleep(chance.random() * 0.1 + max(0.0, moment - 1))
        process.kill()
    before = catalog_rows(scene.lab.catalog)
    nothing_wrong_is_visible(scene.lab, SMALL_A.bucket_name, scene.source)
    scene.next_run_does_the_rest(before)


def test_a_run_that_was_killed_while_it_wrote_its_lock_leaves_nothing(scene: Scene) -> None:
    """A lock of a dead process is taken over at once, and what lies half-written beside it is removed."""
    locks = scene.lab.share / ".oomirror" / "locks" / SMALL_A.bucket_name
    locks.mkdir(parents=True)
    with scene.lab.start("--version") as process:
        pid = process.pid
    holder = replace(Holder.of_this_process(), pid=pid)
    for folder in ("jrc_hela-2.lock", f"jrc_hela-2.lock.{holder.token}.new"):
        (locks / folder).mkdir()
        (locks / folder / holder.token).write_bytes(holder.to_json())
    done = scene.lab.run(*WORDS, "--json")
    assert f"Took over the lock of a run that ended without a word (process {pid}" in done.stderr
    assert SyncReport.model_validate_json(done.stdout).transferred.objects == len(scene.keys)
    nothing_left_over(scene.lab)


# Signals


@pytest.mark.parametrize("is_stalled", [False, True], ids=["answering", "stalled"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM], ids=lambda number: number.name)
def test_a_stopped_run_saves_its_state_within_five_seconds(
    scene: Scene, number: signal.Signals, is_stalled: bool
) -> None:
    """Ctrl-C, a hang-up and SIGTERM end a run with their code and one sentence, even while the server is silent."""
    scene.proxy.delay_seconds = 0.02
    scene.proxy.stalls_from = N_HALF if is_stalled else None
    with scene.lab.start(*WORDS) as process:
        scene.proxy.wait_for(N_HALF)
        # What came before the silence is in the catalog by then.
        time.sleep(0.3)
        seconds = _stop(process, number)
    assert (process.returncode, seconds < STOP_SECONDS) == (EXIT_CODES[number], True)
    assert run_states(scene.lab.catalog) == ["stopped"]
    assert not list((scene.lab.share / ".oomirror" / "locks").rglob("*.lock"))
    before = catalog_rows(scene.lab.catalog)
    assert 0 < len(before) < len(scene.keys)
    nothing_wrong_is_visible(scene.lab, SMALL_A.bucket_name, scene.source)
    scene.next_run_does_the_rest(before)


@pytest.mark.parametrize("n_answered", [1, 30], ids=["listing", "reading metadata"])
def test_a_run_that_is_stopped_while_it_lists_leaves_nothing(scene: Scene, n_answered: int) -> None:
    """Ctrl-C before the plan stands: 130 and a sentence within five seconds, no lock, no row; the next run does all."""
    scene.proxy.stalls_from = n_answered + 1
    with scene.lab.start(*WORDS) as process:
        # Whatever is asked for at the same time is asked for by then.
        scene.proxy.wait_for(n_answered + 1)
        time.sleep(0.3)
        seconds = _stop(process, signal.SIGINT)
    assert (process.returncode, seconds < STOP_SECONDS) == (ExitCode.INTERRUPTED, True)
    nothing_left_over(scene.lab)
    scene.next_run_does_the_rest({})


def _stop(process: subprocess.Popen[str], number: signal.Signals) -> float:
    """Send the signal, check what was said, and return how long the end took (seconds)."""
    started = time.monotonic()
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    seconds = time.monotonic() - started
    assert stdout == ""
    assert f"stopped by {number.name}" in stderr
    assert "Traceback" not in stderr
    return seconds


def test_a_run_that_used_up_its_time_is_complete_after_the_next(scene: Scene) -> None:
    """With --max-duration a run begins nothing new after that time and ends with 0; what it did stays done."""
    scene.proxy.delay_seconds = 0.02
    done = scene.lab.run(*WORDS[:-1], "1", "--max-duration", "2s", "--json")
    report = SyncReport.model_validate_json(done.stdout)
    assert (done.returncode, report.complete, report.failed) == (ExitCode.DONE, False, ())
    assert report.transferred.objects < report.planned.objects == len(scene.keys)
    assert run_states(scene.lab.catalog) == ["stopped"]
    nothing_wrong_is_visible(scene.lab, SMALL_A.bucket_name, scene.source)
    before = catalog_rows(scene.lab.catalog)
    assert len(before) == report.transferred.objects
    scene.next_run_does_the_rest(before)


# Two runs at once


def test_a_second_run_on_the_same_dataset_is_refused(scene: Scene) -> None:
    """While one run works on a dataset, another on it ends with 6 and names its process; a dry run needs no lock."""
    scene.proxy.stalls_from = N_HALF
    beside = scene.lab.at(scene.proxy.direct_url)
    with scene.lab.start(*WORDS) as first:
        scene.proxy.wait_for(N_HALF)
        second = beside.run(*WORDS)
        assert beside.sync(SMALL_A.request(dry_run=True)).planned.objects > 0
        assert first.poll() is None
        first.kill()
    assert second.returncode == ExitCode.LOCKED
    assert "another run works on this dataset" in second.stderr
    assert f"process {first.pid}" in second.stderr
    assert "Traceback" not in second.stderr
    scene.next_run_does_the_rest(catalog_rows(scene.lab.catalog))


def test_runs_on_different_datasets_go_side_by_side(scene: Scene) -> None:
    """Two datasets, and one dataset of two buckets, are mirrored at the same time into one catalog; all end with 0."""
    commands = [
        ("jrc_hela-2", *FIRST_RUN.words),
        ("jrc_hela-2", *SMALL_A.words),
        ("jrc_macrophage-2", "--bucket", "a", "--scales", "s1-s2"),
    ]
    scene.proxy.delay_seconds = 0.01
    processes = [scene.lab.start("sync", *words, "--concurrency", "4") for words in commands]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert [code for _, code in ends] == [ExitCode.DONE] * 3, ends
    assert {f"{SMALL_A.bucket_name}/{key}" for key in scene.keys} <= set(catalog_rows(scene.lab.catalog))
    catalog_equals_share(scene.lab)
    nothing_left_over(scene.lab)
    for choice in (FIRST_RUN, SMALL_A):
        planning_again_gives_nothing(scene.lab, choice.request())

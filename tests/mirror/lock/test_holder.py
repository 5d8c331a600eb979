"""Who holds a lock: whether its process is known to be gone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mirror.lock import STALE_SECONDS, Holder, live_tokens, read_holder
from mirror.store.share import Share
from tests.mirror.lock.labs import dead_here, lock, lock_file, write_holder


@pytest.mark.parametrize("kind", ["process is gone", "process number is used again"])
def test_a_dead_holder_of_this_machine_is_taken_over_at_once(share: Share, kind: str) -> None:
    """No process has its number, or one that began at another time."""
    me = Holder.of_this_process()
    dead = dead_here() if kind == "process is gone" else replace(me, token="0" * 16, started=me.started - 1)
    write_holder(share, dead)
    naps: list[float] = []
    assert live_tokens(share) == {}
    with lock(share, me, sleep=naps.append):
        assert read_holder(lock_file(share)) == me
    assert naps == []


def test_a_process_of_another_container_is_not_called_dead(share: Share) -> None:
    """A process number of another process name space says nothing: only a counter that stands still does."""
    assert not replace(dead_here(), pid_space="pid:[1]").is_known_dead
    assert dead_here().is_known_dead


def test_a_machine_of_our_name_is_not_called_dead(share: Share) -> None:
    """One that runs since another time may be another machine of that name: its counter is waited for."""
    write_holder(share, replace(Holder.of_this_process(), token="0" * 16, boot="another"))
    naps: list[float] = []
    with lock(share, sleep=naps.append):
        pass
    assert sum(naps) == STALE_SECONDS


def test_machines_that_do_not_tell_since_when_they_run_are_not_told_apart() -> None:
    """Without a boot id two machines of one name look alike: a process that is not here may run on the other."""
    assert not replace(dead_here(), boot="").is_known_dead


NO_PROC_OF_ITS_OWN = ("unshare", "--pid", "--fork", sys.executable, "-c")


def test_a_name_space_of_processes_without_its_own_proc() -> None:
    """The times there are those of other processes of our numbers: nobody is called dead by them."""
    program = (
        "import dataclasses; from mirror.lock import *\n"
        "me = Holder.of_this_process()\n"
        "print(me.started, dataclasses.replace(me, started=1).is_known_dead, seconds_of_process(me.pid))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    try:
        done = subprocess.run(
            [*NO_PROC_OF_ITS_OWN, program], capture_output=True, text=True, check=False, env=environment
        )
    except OSError as error:
        pytest.skip(f"no unshare here: {error}")
    if "unshare" in done.stderr:
        pytest.skip(f"no name spaces of our own here: {done.stderr.strip()}")
    assert done.stdout == "0 False None\n"

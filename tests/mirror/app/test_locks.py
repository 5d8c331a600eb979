"""A lock that is waited for: taken when it is let go, and an error when it is not."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from mirror.app.locks import Patience, dataset_locks
from mirror.app.workplace import workplace
from mirror.config import Settings
from mirror.engine.events import Event, ignore
from mirror.errors import ExitCode, LockedError
from mirror.lock import Holder

BUCKET, DATASET = "bucket", "jrc_hela-2"


class Other:
    """A run on another machine whose counter moves, until its time is over; the clock is ours."""

    def __init__(self, settings: Settings, ends_at: float) -> None:
        self.path = settings.share_root() / ".oomirror" / "locks" / BUCKET / f"{DATASET}.lock"
        self.path.mkdir(parents=True)
        self.holder = Holder("f" * 16, "another-host", "boot", 4711, "")
        self.seconds, self.ends_at = 0.0, ends_at
        self.sleep(0.0)

    def sleep(self, seconds: float) -> None:
        """Let time go by."""
        self.seconds += seconds
        self.holder = replace(self.holder, beat=self.holder.beat + 1)
        if self.seconds >= self.ends_at:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            (self.path / self.holder.token).write_bytes(self.holder.to_json())

    @property
    def patience(self) -> Patience:
        """Twenty seconds of this clock."""
        return Patience(20.0, self.sleep, lambda: self.seconds)


async def test_a_run_that_ends_is_waited_for(lab: Settings) -> None:
    """Then the lock is ours, and the user was told why it took so long."""
    other = Other(lab, ends_at=10.0)
    said: list[Event] = []

    def hear(event: Event) -> None:
        said.append(event)

    with workplace(lab, dry_run=False) as place:
        async with dataset_locks(place, BUCKET, [DATASET], hear, other.patience) as holder:
            assert [file.name for file in other.path.iterdir()] == [holder.token]
    assert said
    assert not other.path.exists()


async def test_a_run_that_goes_on_is_an_error(lab: Settings) -> None:
    """After the time that was given, with exit code 6; the other's lock stays."""
    other = Other(lab, ends_at=1e9)
    with workplace(lab, dry_run=False) as place, pytest.raises(LockedError) as caught:
        async with dataset_locks(place, BUCKET, [DATASET], ignore, other.patience):
            pass
    assert caught.value.exit_code == ExitCode.LOCKED
    assert 20.0 <= other.seconds < 30.0
    assert other.path.exists()

"""Locks as tests of them need: on a share of their own, held by others, asked for without waiting."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from mirror.lock import DatasetLock, Holder
from mirror.store.share import Share

BUCKET, DATASET = "bucket", "jrc_hela-2"


def lock_file(share: Share) -> Path:
    """Return the lock's place."""
    return share.own / "locks" / BUCKET / f"{DATASET}.lock"


def write_holder(share: Share, holder: Holder, text: bytes | None = None) -> None:
    """Let somebody hold the lock, by a file that says so, or says something else."""
    lock_file(share).mkdir(parents=True, exist_ok=True)
    (lock_file(share) / holder.token).write_bytes(holder.to_json() if text is None else text)


def free(share: Share) -> None:
    """Let somebody let go of the lock."""
    shutil.rmtree(lock_file(share))


def lock(share: Share, holder: Holder | None = None, **knobs: object) -> DatasetLock:
    """Return a lock whose clock does not wait."""
    knobs.setdefault("sleep", lambda _: None)
    return DatasetLock(share, BUCKET, DATASET, holder or Holder.of_this_process(), **knobs)  # type: ignore[arg-type]


def far_away(beat: int = 0) -> Holder:
    """Return a holder on another machine."""
    return Holder("f" * 16, "another-host", "boot", 4711, "", beat)


def dead_here() -> Holder:
    """Return a holder of this machine whose process has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(Holder.of_this_process(), pid=process.pid)

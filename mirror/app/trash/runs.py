"""What lies in the trash: the runs, and their files."""

from __future__ import annotations

import os

from mirror.app.reading import readable_share
from mirror.config import Settings
from mirror.errors import UnknownNameError, known_hint
from mirror.objects import Tally
from mirror.report.model import Amount
from mirror.report.trash import TrashedFile, TrashLine
from mirror.store.share import Share
from mirror.store.trash import TrashedRun, trashed_runs

LOCKED = ".trash"
"""In the place of a bucket's name in the path of the lock of a run's trash: no bucket is called so."""


def list_trash(settings: Settings) -> tuple[TrashLine, ...]:
    """Return the trash of each run, the oldest first; needs no catalog, but goes by what one says of the share.

    Raises
    ------
    UnsafeError
        The share is not there, unmarked, not the one that the catalog knows, or cannot be read.
    CatalogError
        There is a catalog, and it cannot be read.
    """
    return tuple(_line(run) for run in trashed_runs(readable_share(settings)))


def list_trashed_files(settings: Settings, name: str) -> tuple[TrashedFile, ...]:
    """Return the files in the trash of one run. Raises as `list_trash`, and UnknownNameError without such a run."""
    run = run_named(readable_share(settings), name)
    return tuple(TrashedFile(path=spelled(path), bytes=size) for path, size in run.files())


def run_named(share: Share, name: str) -> TrashedRun:
    """Return the trash of one run. Raises UnknownNameError, and as `trashed_runs`."""
    runs = {run.name: run for run in trashed_runs(share)}
    if name not in runs:
        raise UnknownNameError("no run has such trash", name, hint=known_hint(name, runs) if runs else "It is empty.")
    return runs[name]


def sum_of(run: TrashedRun) -> Tally:
    """Return how much lies in the trash of a run. Raises UnsafeError."""
    n_objects = n_bytes = 0
    for _, size in run.files():
        n_objects += 1
        n_bytes += size
    return Tally(n_objects, n_bytes)


def spelled(path: str) -> str:
    r"""Return a path as a report can hold it, also where a file of others has a name that is no UTF-8.

    >>> spelled("bucket/odd\udcff")
    'bucket/odd\\xff'
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _line(run: TrashedRun) -> TrashLine:
    note = run.note
    return TrashLine(
        run=run.name,
        begun_at=run.begun_at.isoformat(),
        bucket=note.bucket if note else None,
        datasets=note.datasets if note else None,
        catalog_run=note.run if note else None,
        trashed=Amount.of(sum_of(run)),
    )

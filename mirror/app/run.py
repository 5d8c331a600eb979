"""A run in the catalog: begun, and ended with how it ended, whatever happens."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from catalog import queries
from catalog.errors import CatalogError
from catalog.growth import SIZE_COUNTER
from catalog.records import RunKind, RunState
from catalog.session import Catalog
from catalog.sizes import used_bytes
from mirror import __version__
from mirror.app.workplace import utc_now
from mirror.errors import ExitCode, MirrorError


@dataclass(slots=True)
class Run:
    """A run that goes on; its caller sets what it came to."""

    id: int
    counters: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = ExitCode.DONE
    is_complete: bool = True


@contextmanager
def recorded_run(
    catalog: Catalog, bucket_id: int, kind: RunKind, datasets: Sequence[str], selection: Mapping[str, Any]
) -> Iterator[Run]:
    """Yield a run that the catalog knows; at the end it is done, stopped (by a signal or its time) or failed."""
    with catalog.begin() as connection:
        run_id = queries.start_run(
            connection,
            kind=kind,
            bucket_id=bucket_id,
            datasets=datasets,
            selection=selection,
            started_at=utc_now(),
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
        )
    run = Run(run_id)
    try:
        yield run
    except (MirrorError, CatalogError) as error:
        _finish(catalog, run, RunState.FAILED, int(error.exit_code))
        raise
    except BaseException:
        _finish(catalog, run, RunState.STOPPED, None)
        raise
    _finish(catalog, run, RunState.DONE if run.is_complete else RunState.STOPPED, run.exit_code)


def _finish(catalog: Catalog, run: Run, state: RunState, exit_code: int | None) -> None:
    try:
        with catalog.begin() as connection:
            # What a forecast of the catalog's growth is made from.
            counters = {**run.counters, SIZE_COUNTER: used_bytes(connection)}
            queries.finish_run(
                connection, run.id, state=state, exit_code=exit_code, finished_at=utc_now(), counters=counters
            )
    except CatalogError:
        if state is RunState.DONE:
            raise
        # The error that ended the run is the one to read; the next run marks this one as dead.

"""The catalog: at head, on a local disk, its size, its newest run and those that never ended."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from catalog import migrate, queries
from catalog.config import catalog_file, shown_url
from catalog.records import RunState
from catalog.session import open_as_is
from catalog.sizes import used_bytes
from mirror.app.workplace import catalog_on_network, goes_on, refuse_catalog_on_share
from mirror.config import Settings
from mirror.report.doctor import Diagnosis, note, ok, problem
from mirror.report.numbers import format_bytes, plural
from mirror.store.mounts import file_system_of
from mirror.store.share import Share

if TYPE_CHECKING:
    from sqlalchemy import Connection

_RUNS = 100
"""The newest ones are looked at."""


def look_at_catalog(settings: Settings) -> Iterator[Diagnosis]:
    """Yield what is to be said of the catalog; writes nothing. Raises CatalogError where it cannot be read."""
    yield from _place(settings)
    with open_as_is(settings.catalog) as catalog, catalog.read() as connection:
        head, found = migrate.OURS.head, migrate.revision(connection)
        migrate.check_revision(connection, found)
        size = format_bytes(used_bytes(connection))
        if found != head:
            advice = "Run `oomirror catalog upgrade`, or any command that writes."
            yield problem("catalog", f"{shown_url(settings.catalog)}: revision {found}, this is {head}; {size}", advice)
            return
        yield ok("catalog", f"{shown_url(settings.catalog)}: revision {found}, {size}")
        yield from _belongs(settings, connection)
        yield from _runs(connection)


def _place(settings: Settings) -> Iterator[Diagnosis]:
    file = catalog_file(settings.catalog)
    if file is None:
        return
    if settings.share is not None:
        refuse_catalog_on_share(settings, Share(settings.share), force=False)
    if (warning := catalog_on_network(settings)) is not None:
        yield problem("catalog", warning, "Move its file, and set `catalog` to where it is.")
    elif kind := file_system_of(file.parent):
        yield ok("catalog", f"lies on a local disk ({kind})")


def _belongs(settings: Settings, connection: Connection) -> Iterator[Diagnosis]:
    known = queries.share(connection)
    if settings.share is None or known is None:
        return
    marker = Share(settings.share).marker()
    if marker is not None and marker.uuid != known.uuid:
        found = f"knows another share: {known.uuid} at {known.path}"
        yield problem("catalog", found, "Mount that one, or run `oomirror init --new-share` if the change is meant.")


def _runs(connection: Connection) -> Iterator[Diagnosis]:
    runs = queries.runs(connection, _RUNS)
    if not runs:
        yield note("runs", "none yet", "Begin with `oomirror sync DATASET --dry-run`.")
        return
    newest = runs[0]
    yield ok(
        "runs", f"the newest is {newest.kind} {newest.id} of {newest.started_at:%Y-%m-%d %H:%M} UTC: {newest.state}"
    )
    here = socket.gethostname()
    open_runs = [run for run in runs if run.state is RunState.RUNNING and run.host == here]
    if dead := [run for run in open_runs if not goes_on(run)]:
        found = f"{plural(len(dead), 'run')} of this machine ended without a word"
        yield note("runs", found, "The next sync marks them as failed, and does what they left.")

"""Share and catalog of a run, checked before anything else: marked, ours, writable, not on top of each other."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from catalog import queries
from catalog.config import catalog_file
from catalog.errors import CatalogMissingError
from catalog.records import RunRecord, ShareRecord
from catalog.session import Catalog, open_catalog
from mirror.config import Settings
from mirror.errors import UnsafeError
from mirror.lock import is_process_alive, seconds_of_process
from mirror.store.mounts import file_system_of, is_network
from mirror.store.share import Marker, Share

_CLOCK_SECONDS = 3600.0
"""As far the clock may have been set forward since a run began, and it is not taken for older than its process."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """An open catalog and a share that belong together."""

    share: Share
    marker: Marker
    catalog: Catalog | None
    """None for a dry run where there is no catalog yet."""

    @property
    def open_catalog(self) -> Catalog:
        """The catalog of a run that writes."""
        if self.catalog is None:
            raise TypeError("a dry run writes no catalog")
        return self.catalog


@contextmanager
def workplace(settings: Settings, *, dry_run: bool, force_catalog: bool = False) -> Iterator[Workplace]:
    """Yield share and catalog, ready for a run.

    Raises
    ------
    UnsafeError
        The share is not there, unmarked, or not the one that the catalog knows; or the catalog lies on it.
    CatalogError
        The catalog is locked, damaged, or newer than this program.
    """
    share = Share(settings.share_root())
    marker = checked_marker(share)
    refuse_catalog_on_share(settings, share, force=force_catalog)
    catalog = _catalog_for_reading(settings.catalog) if dry_run else open_catalog(settings.catalog)
    try:
        if catalog is not None:
            _check_belongs(catalog, share, marker, dry_run=dry_run)
        yield Workplace(share, marker, catalog)
    finally:
        if catalog is not None:
            catalog.close()


def checked_marker(share: Share) -> Marker:
    """Return the share's marker.

    Raises
    ------
    UnsafeError
        The share is not there, or is not marked as one of ours.
    """
    marker = share.marker()
    if marker is not None:
        return marker
    check_there(share)
    raise UnsafeError(
        "the share is not marked as a mirror",
        str(share.root),
        expected=f"{share.own}",
        found="no marker",
        hint="Is it mounted? If this is the right folder, run `oomirror init` once.",
    )


def check_same(share: Share, marker: Marker, known: ShareRecord | None) -> None:
    """Check that a marked share is the one that a catalog knows; any is, where that knows none.

    Raises
    ------
    UnsafeError
        It is another one.
    """
    if known is not None and known.uuid != marker.uuid:
        raise UnsafeError(
            "this is another share than the one that the catalog knows",
            str(share.root),
            expected=f"marker {known.uuid}",
            found=f"marker {marker.uuid}",
            hint="Mount the right share, or run `oomirror init --new-share` if the change is meant.",
        )


def check_there(share: Share) -> None:
    """Check that the share's folder is there, marked or not. Raises UnsafeError where it is not."""
    if not share.root.is_dir():
        raise UnsafeError(
            "the share is not there", str(share.root), hint="Is it mounted? If it is new, run `oomirror init`."
        )


def refuse_catalog_on_share(settings: Settings, share: Share, *, force: bool) -> None:
    """Check that the catalog does not lie on the share: SQLite over SMB or NFS corrupts.

    Raises
    ------
    UnsafeError
        It does, and `force` is not given.
    """
    file = catalog_file(settings.catalog)
    if file is None or force:
        return
    root = os.path.realpath(share.root)
    if os.path.realpath(file).startswith(root + os.sep):
        raise UnsafeError(
            "the catalog lies on the share",
            str(file),
            hint="SQLite over a network file system corrupts: put the catalog on a local disk, or give --force.",
        )


def catalog_on_network(settings: Settings) -> str | None:
    """Return what to say where the catalog is a file on a network file system, else None."""
    file = catalog_file(settings.catalog)
    kind = file_system_of(file.parent) if file is not None else ""
    if not is_network(kind):
        return None
    return f"The catalog {file} lies on a network file system ({kind}), where SQLite corrupts: put it on a local disk."


def _catalog_for_reading(url: str) -> Catalog | None:
    try:
        return open_catalog(url, create=False, read_only=True)
    except CatalogMissingError:
        return None


def _check_belongs(catalog: Catalog, share: Share, marker: Marker, *, dry_run: bool) -> None:
    with catalog.read() as connection:
        known = queries.share(connection)
    check_same(share, marker, known)
    if not dry_run and (known is None or known.path != str(share.root)):
        with catalog.begin() as connection:
            queries.remember_share(connection, marker.uuid, str(share.root), now=utc_now())


def close_dead_runs(catalog: Catalog) -> None:
    """Mark runs of this machine whose process is gone as failed."""
    with catalog.begin() as connection:
        queries.close_dead_runs(connection, host=socket.gethostname(), goes_on=goes_on, finished_at=utc_now())


def goes_on(run: RunRecord) -> bool:
    """Return whether the process of a run of this machine is still there.

    Not one that has its number by now: after a restart numbers come again, and in a container it is 1 each time.
    """
    if not is_process_alive(run.pid):
        return False
    seconds = seconds_of_process(run.pid)
    return seconds is None or seconds > (utc_now() - run.started_at).total_seconds() - _CLOCK_SECONDS


def utc_now() -> datetime:
    """Return the time, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)

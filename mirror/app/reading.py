"""Catalog and share as commands that only look at them open them.

The catalog is this machine's own, else the one published on the share; the share is the one that the catalog knows.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from catalog import queries
from catalog.errors import CatalogError, CatalogMissingError
from catalog.records import ShareRecord
from catalog.sealed import SealedCatalog, open_sealed
from catalog.session import Catalog, open_catalog
from mirror.app.workplace import check_same, checked_marker
from mirror.config import Settings
from mirror.keys import OWN_FOLDER
from mirror.store.share import Share
from mirror.telling import tell

CATALOG_FILE = "catalog.sqlite"


def published_file(share: Path) -> Path:
    """Return where the published catalog of a share lies."""
    return share / OWN_FOLDER / CATALOG_FILE


def catalog_for_reading(settings: Settings) -> Catalog:
    """Return the catalog, opened so that nothing is written.

    Where this machine has none, or one that holds nothing yet, it is the one published on the share, and that is told:
    its `is_published` is True, it has no rows of blocks and few of objects.

    Raises
    ------
    CatalogMissingError
        There is none yet, neither here nor on the share.
    CatalogError
        It is damaged, or newer or older than this version.
    """
    try:
        own = open_catalog(settings.catalog, create=False, read_only=True)
    except CatalogMissingError:
        published = _published(settings)
        if published is None:
            raise
        return _told(published, "this machine has none of its own")
    # A sync that reached no bucket, or an init, leaves such a one: it must not hide what is known.
    is_blank, known = _look(own)
    if not is_blank:
        return own
    with suppress(CatalogError):
        if (published := _published(settings)) is not None:
            # Whose share is another one has published what is not asked for. Where it lies is told by each machine.
            theirs = _look(published)[1]
            if known is None or theirs is None or theirs.uuid == known.uuid:
                own.close()
                return _told(published, "this machine's own holds nothing yet")
            published.close()
    return own


def readable_share(settings: Settings, *, writes: bool = False) -> Share:
    """Return the share, checked for those that read it, or write it, without a catalog: `workplace` checks the others.

    It must be marked, and be the one that this machine's catalog knows. Where there is none, or one that holds nothing
    yet, the catalog that is published on the share says which share it was published on. Where no catalog that can be
    read knows any, the mark is all that can be asked for.

    Parameters
    ----------
    writes
        Whether it is for a command that writes: these bring a catalog of an older version to this one.

    Raises
    ------
    ConfigError
        None is configured.
    UnsafeError
        It is not there, unmarked, or another one.
    CatalogError
        This machine's catalog cannot be read, so that nobody knows whether it is.
    """
    share = Share(settings.share_root())
    marker = checked_marker(share)
    check_same(share, marker, _known_share(settings, writes=writes))
    return share


def is_share_seen(settings: Settings) -> bool:
    """Return whether a marked share is there, for those that can do without.

    Raises
    ------
    UnsafeError, CatalogError
        It is another share than the one that the catalog knows, or that cannot be told, as of `readable_share`.
    """
    if settings.share is None or Share(settings.share).marker() is None:
        return False
    readable_share(settings)
    return True


def _known_share(settings: Settings, *, writes: bool) -> ShareRecord | None:
    try:
        with open_catalog(settings.catalog, create=False, read_only=not writes) as own:
            is_blank, known = _look(own)
        if known is not None or not is_blank:
            return known
    except CatalogMissingError:
        pass
    with suppress(CatalogError):
        if (published := _published(settings)) is not None:
            with published:
                return _look(published)[1]
    return None


def _look(catalog: Catalog) -> tuple[bool, ShareRecord | None]:
    """Return whether a catalog holds nothing yet, and the share that it knows; closed where it cannot be read."""
    try:
        with catalog.read() as connection:
            return queries.is_blank(connection), queries.share(connection)
    except BaseException:
        catalog.close()
        raise


def _told(published: SealedCatalog, why: str) -> SealedCatalog:
    when = published.seal.published_at.astimezone().strftime("%Y-%m-%d %H:%M")
    tell(f"Read from the catalog that was published on the share at {when} by {published.seal.host}; {why}.")
    return published


def _published(settings: Settings) -> SealedCatalog | None:
    if settings.share is None:
        return None
    with suppress(CatalogMissingError):
        return open_sealed(published_file(settings.share))
    return None

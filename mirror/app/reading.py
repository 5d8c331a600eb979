"""The catalog as commands that only look at it open it: this machine's own, else the one published on the share."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from catalog import queries
from catalog.errors import CatalogError, CatalogMissingError
from catalog.sealed import SealedCatalog, open_sealed
from catalog.session import Catalog, open_catalog
from mirror.config import Settings
from mirror.keys import OWN_FOLDER
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
    if not _is_blank(own):
        return own
    with suppress(CatalogError):
        if (published := _published(settings)) is not None:
            own.close()
            return _told(published, "this machine's own holds nothing yet")
    return own


def _is_blank(catalog: Catalog) -> bool:
    try:
        with catalog.read() as connection:
            return queries.is_blank(connection)
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

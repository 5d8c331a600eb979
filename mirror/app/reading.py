"""The catalog as commands that only look at it open it: this machine's own, else the one published on the share."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from catalog.config import catalog_file
from catalog.errors import CatalogMissingError
from catalog.sealed import SealedCatalog, open_sealed
from catalog.session import Catalog, open_catalog
from mirror.config import Settings
from mirror.keys import OWN_FOLDER

CATALOG_FILE = "catalog.sqlite"


def published_file(share: Path) -> Path:
    """Return where the published catalog of a share lies."""
    return share / OWN_FOLDER / CATALOG_FILE


def catalog_for_reading(settings: Settings) -> Catalog:
    """Return the catalog, opened so that nothing is written.

    Where this machine has none, it is the one published on the share: its `is_published` is True, it has no rows of
    blocks and few of objects. `published_notice` is what the user is to be told then.

    Raises
    ------
    CatalogMissingError
        There is none yet, neither here nor on the share.
    CatalogError
        It is damaged, or newer or older than this version.
    """
    try:
        return open_catalog(settings.catalog, create=False, read_only=True)
    except CatalogMissingError:
        published = _published(settings)
        if published is None:
            raise
        return published


def published_notice(settings: Settings) -> str | None:
    """Return the sentence that says whose catalog is read, or None where it is this machine's own, or there is none.

    Raises
    ------
    CatalogError
        As `catalog_for_reading`.
    """
    file = catalog_file(settings.catalog)
    if file is not None and file.exists():
        return None
    try:
        catalog = catalog_for_reading(settings)
    except CatalogMissingError:
        return None
    with catalog:
        if not isinstance(catalog, SealedCatalog):
            return None
        when = catalog.seal.published_at.astimezone().strftime("%Y-%m-%d %H:%M")
        return (
            f"Read from the catalog that was published on the share at {when} by {catalog.seal.host}; "
            "this machine has none of its own."
        )


def _published(settings: Settings) -> SealedCatalog | None:
    if settings.share is None:
        return None
    with suppress(CatalogMissingError):
        return open_sealed(published_file(settings.share))
    return None

"""The catalog as commands that only look at it open it."""

from __future__ import annotations

from catalog.session import Catalog, open_catalog
from mirror.config import Settings


def catalog_for_reading(settings: Settings) -> Catalog:
    """Return the catalog, opened so that nothing is written.

    Raises
    ------
    CatalogMissingError
        There is none yet.
    CatalogError
        It is damaged, or newer or older than this version.
    """
    return open_catalog(settings.catalog, create=False, read_only=True)

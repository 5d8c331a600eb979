"""`oomirror catalog search`: what the catalog names, by words."""

from __future__ import annotations

from catalog import queries
from mirror.app.lookup import bucket_names
from mirror.app.reading import catalog_for_reading
from mirror.config import Settings
from mirror.report.model import FoundLine


def search(settings: Settings, text: str, *, limit: int = 100) -> tuple[FoundLine, ...]:
    """Return a line for each dataset, volume and crop that has all the words, the best first.

    Raises
    ------
    CatalogError
        There is no catalog, or it cannot be read.
    """
    with catalog_for_reading(settings) as catalog, catalog.read() as connection:
        names = bucket_names(connection, settings)
        found = queries.search(connection, text, limit=limit)
    return tuple(
        FoundLine(
            bucket=names[entry.bucket_id],
            dataset=entry.dataset,
            kind=entry.kind,
            place=entry.place,
            title=entry.title,
        )
        for entry in found
    )

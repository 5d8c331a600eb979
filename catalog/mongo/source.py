"""What can be imported, opened: a server, a file or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import ImportUsageError
from catalog.mongo.documents import DocumentSource
from catalog.mongo.file_source import open_file


@dataclass(frozen=True, slots=True)
class Sources:
    """What was found at one place."""

    sources: tuple[DocumentSource, ...]
    """At least one."""
    left_out: tuple[str, ...] = ()
    """What lies there and is not imported, and why: a sentence each."""


@contextmanager
def open_sources(where: str, *, database: str | None = None, collection: str | None = None) -> Iterator[Sources]:
    """Open what `where` names for the time of the block.

    Raises
    ------
    ImportUsageError
        Nothing that can be imported.
    ImportFailedError
        It cannot be read, or holds no document.
    """
    path = Path(where).expanduser().absolute()
    if not path.exists():
        raise ImportUsageError("nothing to import", str(path), found="no such file or folder")
    name = "/".join(part for part in (database, collection) if part)
    yield Sources((open_file(path, name),))

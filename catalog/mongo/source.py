"""What can be imported, opened: a server, a file or a folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from catalog.errors import CatalogError, ImportUsageError, NothingToImportError
from catalog.mongo.address import SCHEMES, Address
from catalog.mongo.documents import DocumentSource
from catalog.mongo.file_source import open_file
from catalog.mongo.folder import dumped_collection, files_of

WAITS_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Before each new cursor, where one after the other is lost without a document between them."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What was found at one place."""

    sources: tuple[DocumentSource, ...]
    """At least one, sorted by where they lie."""
    left_out: tuple[str, ...] = ()
    """What lies there and is not imported, and why: a sentence each."""


Opening: TypeAlias = Callable[[], DocumentSource]


@contextmanager
def open_sources(
    where: str,
    *,
    database: str | None = None,
    collection: str | None = None,
    waits_seconds: Sequence[float] = WAITS_SECONDS,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Sources]:
    """Open what `where` names, for the time of the block.

    Parameters
    ----------
    where
        The address of a server, or the path of a file or a folder, told apart by what they hold.
    database, collection
        Of a server or a dump, which are meant; of another file, what its documents were exported from.
    waits_seconds, sleep
        How often, and after how long, a lost connection or cursor is taken up again without a document between.

    Raises
    ------
    ImportUsageError
        Nothing that can be imported.
    NothingToImportError
        There is no document.
    ImportFailedError
        It cannot be read.
    """
    if where.startswith(SCHEMES):
        # Imported here: the driver takes a fifth of a second, and files do without it.
        from catalog.mongo.server import collections_meant, connect, open_collection

        address = Address.parse(where)
        with connect(address) as client:
            meant = collections_meant(client, address, database, collection)
            open_one = partial(open_collection, client, address, waits_seconds=waits_seconds, sleep=sleep)
            yield _gathered(address.place, [partial(open_one, *names) for names in meant])
    else:
        path = _existing(where)
        is_folder = path.is_dir()
        yield (_in_folder if is_folder else _in_file)(path, database, collection)


def _existing(where: str) -> Path:
    """Return the path, absolute; what may be an address with a password is not shown."""
    shown = f"...@{where.rpartition('@')[2]}" if "@" in where else where
    if "://" in where:
        expected = " or ".join(f"{scheme}..." for scheme in SCHEMES)
        raise ImportUsageError("not the address of a MongoDB server", expected=expected, found=where.partition(":")[0])
    try:
        path = Path(where).expanduser().absolute()
        if path.is_dir() or path.is_file():
            return path
        found = "neither a file nor a folder" if path.exists() else "no such file or folder"
    except (OSError, ValueError, RuntimeError) as error:
        raise ImportUsageError("nothing to import", shown, found="no path of a file or folder") from error
    raise ImportUsageError("nothing to import", shown if "@" in where else str(path), found=found)


def _in_file(path: Path, database: str | None, collection: str | None) -> Sources:
    dumped = dumped_collection(path) or ("", "")
    return Sources((open_file(path, _joined(database or dumped[0], collection or dumped[1])),))


def _joined(database: str, collection: str) -> str:
    return f"{database}/{collection}" if database and collection else collection


def _in_folder(folder: Path, database: str | None, collection: str | None) -> Sources:
    files = [(path, dumped_collection(path)) for path in files_of(folder)]
    if database or collection:
        wanted = (database, collection)
        chosen = [one for one in files if one[1] and _matches(one[1], wanted)]
        if files and not chosen:
            known = ", ".join("/".join(dumped) for _, dumped in files if dumped)
            hint = f"There are {known}." if known else ""
            what = "there is no such collection in the dump"
            raise NothingToImportError(what, f"{folder}: {_joined(database or '*', collection or '*')}", hint=hint)
        files = chosen
    return _gathered(str(folder), [partial(open_file, path, _joined(*(dumped or ("", "")))) for path, dumped in files])


def _matches(dumped: tuple[str, str], wanted: tuple[str | None, str | None]) -> bool:
    return all(want in (None, have) for have, want in zip(dumped, wanted, strict=True))


def _gathered(place: str, openings: Sequence[Opening]) -> Sources:
    """Return what can be opened; what holds nothing, or nothing that is known, is named beside it.

    Raises
    ------
    ImportUsageError, NothingToImportError
        None can be.
    """
    sources: list[DocumentSource] = []
    problems: list[CatalogError] = []
    for opening in openings:
        try:
            sources.append(opening())
        except (NothingToImportError, ImportUsageError) as error:
            problems.append(error)
    if sources:
        return Sources(tuple(sources), tuple(map(str, problems)))
    if len(problems) == 1:
        raise problems[0]
    if all(isinstance(problem, NothingToImportError) for problem in problems):
        raise NothingToImportError("there is no document to import", place, found=_listed(problems))
    raise ImportUsageError("nothing that can be imported", place, found=_listed(problems))


def _listed(problems: Sequence[CatalogError]) -> str:
    more = f" | and {len(problems) - 3} more" if len(problems) > 3 else ""
    return (" | ".join(map(str, problems[:3])) + more) if problems else "an empty folder"

"""Folders of documents: what mongodump made, or files of any form that can be imported."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from catalog.errors import ImportUsageError

_METADATA = re.compile(r"(?:.*\.metadata|prelude)\.json(?:\.gz)?")
_BSON_ENDS = (".bson", ".bson.gz")
_MOST_ENTRIES = 10_000


def files_of(folder: Path, *, at_most: int = _MOST_ENTRIES) -> Iterator[Path]:
    """Yield the files of the folder and of the folders in it, sorted, without what mongodump writes beside the data.

    Raises
    ------
    ImportUsageError
        There are more than any dump has: another folder was meant.
    """
    for number, entry in enumerate(_entries(folder), 1):
        if number > at_most:
            found = f"more than {at_most} files and folders"
            raise ImportUsageError("not a folder of documents", str(folder), expected="a dump", found=found)
        if not entry.name.startswith(".") and not _METADATA.fullmatch(entry.name) and entry.is_file():
            yield entry


def _entries(folder: Path) -> Iterator[Path]:
    for entry in _sorted(folder):
        yield entry
        if entry.is_dir() and not entry.name.startswith("."):
            yield from _sorted(entry)


def _sorted(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise ImportUsageError(
            "cannot look into the folder", str(folder), found=error.strerror or str(error)
        ) from error


def dumped_collection(path: Path) -> tuple[str, str] | None:
    """Return database and collection of a file that mongodump wrote; None for another file.

    mongodump writes `DATABASE/COLLECTION.bson` and, beside it, what the collection is.
    """
    end = next((end for end in _BSON_ENDS if path.name.endswith(end)), None)
    if end is None:
        return None
    stem = path.name.removesuffix(end)
    for metadata in (path.with_name(f"{stem}.metadata.json"), path.with_name(f"{stem}.metadata.json.gz")):
        if metadata.is_file():
            # The name of a file is shortened and escaped where the collection's is no name of a file.
            return path.parent.name, _collection_name(metadata) or unquote(stem)
    return None


def _collection_name(metadata: Path) -> str | None:
    try:
        data = metadata.read_bytes()
        told = json.loads(gzip.decompress(data) if metadata.suffix == ".gz" else data)
    except (OSError, EOFError, zlib.error, ValueError):
        return None
    name = told.get("collectionName") if isinstance(told, dict) else None
    return name if isinstance(name, str) and name else None

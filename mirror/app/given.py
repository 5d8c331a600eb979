"""Documents that a user names, to be imported: files, folders, addresses on the web and in buckets."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from mirror.app.opened import open_bucket
from mirror.config import Settings
from mirror.errors import UsageError
from mirror.formats.document import MAX_DOCUMENT_BYTES
from mirror.store.web import fetch_document


async def given_documents(settings: Settings, source: str, *, suffix: str) -> AsyncIterator[tuple[str, bytes]]:
    """Yield each document of a source with its place, sorted by name; no password and no signature is in a place.

    Parameters
    ----------
    source
        A file, a folder (all files below it that end with `suffix`), an `https://` address, or an `s3://` one in a
        bucket that is configured.

    Raises
    ------
    UsageError
        A source that is not there, or an address of another kind.
    StoreError
        A document that cannot be read from its server.
    """
    scheme = source.partition("://")[0] if "://" in source else ""
    match scheme:
        case "":
            for file in await asyncio.to_thread(_files, source, suffix):
                # A name may have bytes that are no text, and the catalog keeps text.
                shown = os.fsencode(file).decode("utf-8", "backslashreplace")
                yield shown, await asyncio.to_thread(file.read_bytes)
        case "http" | "https":
            yield _without_secrets(source), await fetch_document(source, most_bytes=MAX_DOCUMENT_BYTES)
        case "s3":
            yield source, await _object(settings, source)
        case _:
            raise UsageError("cannot read such an address", source, expected="a file, a folder, https:// or s3://")


def _without_secrets(address: str) -> str:
    """Return the address without password and query, where signatures stand: the whole lab reads it in the catalog.

    >>> _without_secrets("https://me:secret@example.org:8443/m.json?X-Amz-Signature=1#x")
    'https://example.org:8443/m.json'
    """
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _files(source: str, suffix: str) -> list[Path]:
    path = Path(os.path.abspath(Path(source).expanduser()))
    if path.is_dir():
        files = sorted(file for file in path.rglob(f"*{suffix}") if file.is_file())
        if not files:
            raise UsageError("nothing to import", str(path), expected=f"*{suffix} in the folder", found="none")
        return files
    if not path.is_file():
        raise UsageError("nothing to import", str(path), expected="a file or a folder", found="no such file")
    if path.stat().st_size > MAX_DOCUMENT_BYTES:
        expected = f"at most {MAX_DOCUMENT_BYTES} B"
        raise UsageError("nothing to import", str(path), expected=expected, found=f"{path.stat().st_size} B")
    return [path]


async def _object(settings: Settings, source: str) -> bytes:
    bucket_name, _, key = source.removeprefix("s3://").partition("/")
    found = next((one for one in settings.buckets.values() if one.url.bucket == bucket_name), None)
    if found is None or not key:
        known = ", ".join(sorted({str(one.url) for one in settings.buckets.values()}))
        raise UsageError("not an object of a bucket that is configured", source, expected=f"one of {known}")
    async with open_bucket(found) as bucket:
        answer = await (await bucket.careful()).get(key, most_bytes=MAX_DOCUMENT_BYTES)
        return bytes(answer.data)

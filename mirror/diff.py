"""What differs between the bucket, the catalog and the share, object by object: plain functions on plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple, Protocol

from mirror.keys import Refusal
from mirror.objects import pack_etag


class Known(Protocol):
    """What the catalog says of the share, for the keys of one shard; a dict is one."""

    def get(self, key: str, /) -> tuple[int, bytes] | None:
        """Return (bytes, packed ETag) of a key below the shard's prefix, or None."""
        ...


FolderSizes = Callable[[str], Mapping[str, int] | None]
"""Folder below the shard's prefix, without slash, to name and bytes of the files that lie there; None without it."""


class Kind(IntEnum):
    """What is to be done with one object."""

    UP_TO_DATE = 0
    NEW = 1
    """Not on the share."""
    CHANGED = 2
    """Ours on the share is of an older ETag or size."""
    LOST = 3
    """The catalog has it, the share does not, or not whole. Seen only by `--verify-share`."""
    REPLACE = 4
    """A file that the catalog does not know lies there, with another size: it goes to the trash."""
    ADOPT = 5
    """A file that the catalog does not know lies there, with the right size: compared, and kept if it agrees."""


FETCHES = frozenset({Kind.NEW, Kind.CHANGED, Kind.LOST, Kind.REPLACE})
"""Kinds whose bytes are fetched for sure."""


class Step(NamedTuple):
    """One object and what is to be done with it."""

    kind: Kind
    suffix: str
    """Key below the shard's prefix."""
    size: int
    etag: str
    last_modified: int


def compare(
    rows: Iterable[tuple[str, int, str, int]], known: Known, folder_sizes: FolderSizes, *, looks_at_share: bool
) -> Iterator[Step]:
    """Yield what is to be done with each listed object, in the order of the listing.

    Parameters
    ----------
    rows
        (key below the shard's prefix, bytes, ETag, seconds since 1970).
    folder_sizes
        Asked only for folders of objects that the catalog does not know, unless `looks_at_share`.
    looks_at_share
        Whether objects that the catalog knows are looked up on the share, too (`--verify-share`).

    Examples
    --------
    >>> rows = [("0/0/0", 5, "an ETag", 0)]
    >>> [step.kind.name for step in compare(rows, {}, lambda folder: None, looks_at_share=False)]
    ['NEW']
    >>> [step.kind.name for step in compare(rows, {}, lambda folder: {"0": 5}, looks_at_share=False)]
    ['ADOPT']
    """
    for suffix, size, etag, last_modified in rows:
        ours = known.get(suffix)
        if ours is None:
            kind = _kind_of_unknown(_size_on_share(suffix, folder_sizes), size)
        elif ours != (size, pack_etag(etag)):
            kind = Kind.CHANGED
        elif looks_at_share and _size_on_share(suffix, folder_sizes) != size:
            kind = Kind.LOST
        else:
            kind = Kind.UP_TO_DATE
        yield Step(kind, suffix, size, etag, last_modified)


def _size_on_share(suffix: str, folder_sizes: FolderSizes) -> int | None:
    folder, _, name = suffix.rpartition("/")
    sizes = folder_sizes(folder)
    return None if sizes is None else sizes.get(name)


def _kind_of_unknown(found: int | None, size: int) -> Kind:
    # 1. Nothing there, or something that is no file (below 0): renaming onto it tells what it is.
    if found is None or found < 0:
        return Kind.NEW
    # 2. A file of ours from a run that was killed before it recorded it, or one that others downloaded.
    return Kind.ADOPT if found == size else Kind.REPLACE


def conflicts(keys: Iterable[str], *, is_case_blind: bool) -> dict[str, Refusal]:
    """Return the keys that cannot be files beside the others.

    A key that is also a folder of another key is refused; the folder wins, for more depends on it. Of keys that
    differ only by case, all but the first in byte order are refused.

    >>> conflicts(["a", "a/b"], is_case_blind=False)
    {'a': <Refusal.FILE_AND_FOLDER: 'is a file and a folder at once'>}
    """
    names = sorted(set(keys))
    spelling = str.lower if is_case_blind else str
    folders = {spelling(folder) for name in names for folder in _folders_of(name)}
    refused = {name: Refusal.FILE_AND_FOLDER for name in names if spelling(name) in folders}
    if is_case_blind:
        first: dict[str, str] = {}
        for name in names:
            if first.setdefault(name.lower(), name) != name:
                refused.setdefault(name, Refusal.CASE_TWIN)
    return refused


def conflicts_in_order(keys: Iterable[str], *, is_case_blind: bool) -> dict[str, Refusal] | None:
    """Return what `conflicts` returns, in constant memory, if the keys come in the order of their UTF-8 bytes.

    None if they do not, or if letter case might matter.

    >>> conflicts_in_order(["a", "a-b", "a/b"], is_case_blind=False)
    {'a': <Refusal.FILE_AND_FOLDER: 'is a file and a folder at once'>}
    """
    refused: dict[str, Refusal] = {}
    begun: list[str] = []
    """Keys with which the last one begins, each with the one before."""
    last = ""
    for key in keys:
        if key < last or (is_case_blind and key.lower() != key):
            return None
        while begun and not key.startswith(begun[-1]):
            begun.pop()
        refused.update({name: Refusal.FILE_AND_FOLDER for name in begun if key[len(name) : len(name) + 1] == "/"})
        if not begun or begun[-1] != key:
            begun.append(key)
        last = key
    return refused


def _folders_of(name: str) -> Iterator[str]:
    position = name.find("/")
    while position >= 0:
        yield name[:position]
        position = name.find("/", position + 1)


def case_twins(prefixes: Iterable[str]) -> frozenset[str]:
    """Return the folders that differ from another one only by case, all but the first of each in byte order.

    >>> sorted(case_twins(["a/Crop1/", "a/crop1/", "a/crop2/"]))
    ['a/crop1/']
    """
    first: dict[str, str] = {}
    return frozenset(prefix for prefix in sorted(prefixes) if first.setdefault(prefix.lower(), prefix) != prefix)

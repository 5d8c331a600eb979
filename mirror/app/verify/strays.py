"""Files on the share that nobody knows: neither the rows of what is there, nor the listings of the bucket."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING

from catalog import queries
from catalog.queries.overview import Listing
from catalog.session import Catalog
from mirror.app.lookup import Place
from mirror.app.state import BucketState
from mirror.app.verify.outcome import Found
from mirror.app.verify.parts import Part
from mirror.app.verify.rows import Claim
from mirror.engine.scrub.damage import Damage, may_be_stray
from mirror.objects import Tally
from mirror.store.share import unsafe_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_STRAYS = 100_000
"""That are named; a share that is full of what nobody knows has more."""
NOBODYS = "neither a listing nor a run knows it"
_BATCH_KEYS = 500
UNREAD = {errno.EACCES, errno.EPERM, errno.EIO}
"""What says of one folder that it cannot be read."""


class Strays:
    """Gathers files that no row claims, and tells at the end which of them nobody knows.

    Parameters
    ----------
    home
        The bucket's folder on the share.
    """

    def __init__(self, catalog: Catalog, state: BucketState, home: Path) -> None:
        self._catalog = catalog
        self._state = state
        self._home = home
        self._listings: dict[str, dict[int | None, Listing]] = {}
        self._found: dict[str, list[str]] = {}

    def add_names(self, part: Part, folder: str, names: Iterable[str]) -> None:
        """Take names in a folder of the part that no row of its batch has.

        Parameters
        ----------
        folder
            Path on the share.
        """
        start = len(f"{self._home}/")
        for name in names:
            path = f"{folder}/{name}"
            below = files_below(path) if os.path.isdir(path) and not os.path.islink(path) else [path]
            self._add(part.place, (one[start:] for one in below))

    def walk(self, part: Part) -> None:
        """Look for files in the folders of a part, but for those that its own batches name."""
        if not part.place.dataset:
            return  # Beside the datasets lie those of other buckets, and whatever the lab keeps there.
        elsewhere = {f"{self._home}/{prefix}" for prefix in part.elsewhere}
        root = f"{self._home}/{part.prefix}".rstrip("/")
        if part.slab is not None:
            with self._catalog.read() as connection:
                rows = queries.slab_rows(connection, part.slab.array_id, part.slab.x)
            elsewhere = {f"{root}/{y}/" for y in rows}
        start = len(f"{self._home}/")
        keys = (path[start:] for path in files_below(root, elsewhere.__contains__))
        self._add(part.place, (key for key in keys if key != part.prefix and (part.takes is None or part.takes(key))))

    def _add(self, place: Place, keys: Iterable[str]) -> None:
        found = self._found.setdefault(place.dataset, [])
        iterator = (key for key in keys if may_be_stray(key.rpartition("/")[2]))
        while len(found) < MOST_STRAYS and (some := list(islice(iterator, _BATCH_KEYS))):
            with self._catalog.read() as connection:
                found += self._unknown(connection, place, some)

    def _unknown(self, connection: Connection, place: Place, keys: Sequence[str]) -> list[str]:
        """Return those of some keys that neither a row nor a listing knows."""
        unclaimed = self._unclaimed(connection, place, keys)
        listings = self._listings.get(place.dataset)
        if listings is None:
            listings = queries.newest_listings(connection, place.bucket_id, place.dataset)
            self._listings[place.dataset] = listings
        listed = set(self._listed_blocks(connection, listings, unclaimed))
        snapshots = {one.snapshot_id for one in listings.values()}
        if snapshots:
            listed |= queries.listed_among(connection, place.bucket_id, snapshots, unclaimed)
        return [key for key in unclaimed if key not in listed and not self._is_above(connection, place, key)]

    def _is_above(self, connection: Connection, place: Place, key: str) -> bool:
        """Return whether a key is that of a folder in which something is known to lie: that is told file by file."""
        if not key.endswith("/"):
            return False
        keys = queries.ranges_without(key, ())[0]
        has_objects = queries.objects_to_check(connection, place.bucket_id, keys, after=None, limit=1)
        return bool(has_objects) or any(array.startswith(key) for array in self._state.array_ids)

    def _unclaimed(self, connection: Connection, place: Place, keys: Sequence[str]) -> list[str]:
        claimed = {row[0] for row in queries.mirrored_objects_of(connection, place.bucket_id, keys)}
        return [
            key
            for key in keys
            if key not in claimed and not ((at := self._state.place_of(key)) and self._has_row(connection, key, at))
        ]

    def _has_row(self, connection: Connection, key: str, at: tuple[int, tuple[int, int, int]]) -> bool:
        bucket_id = self._state.bucket_id or 0
        return queries.recorded(connection, bucket_id, key, array_id=at[0], block_xyz=at[1]) is not None

    def _listed_blocks(
        self, connection: Connection, listings: dict[int | None, Listing], keys: Iterable[str]
    ) -> Iterator[str]:
        """Yield those of some keys that are blocks which the newest listing of their array has."""
        places = [(at, key) for key in keys if (at := self._state.place_of(key)) is not None]
        for (array_id, x, y), group in groupby(places, key=lambda one: (one[0][0], *one[0][1][:2])):
            listing = listings.get(array_id)
            listed = queries.listed_in_row(connection, listing.snapshot_id, array_id, x, y) if listing else frozenset()
            yield from (key for (_, block), key in group if block[2] in listed)

    def settle(self, places: Iterable[Place], parts: Sequence[Part], is_busy: Callable[[str], bool]) -> Iterator[Found]:
        """Yield what nobody knows, by dataset and key; what a run that goes on may be writing is no stray.

        What is known to be damaged is none, and what lies in a folder that has the name of a file goes with it. What
        is gone by now is none, either.

        Parameters
        ----------
        parts
            Of the check: tell in which array a stray lies.
        is_busy
            Whether another run works on a dataset; asked before the rows are looked at once more.
        """
        for place in places:
            keys = sorted(set(self._found.get(place.dataset, ())))
            if not keys or is_busy(place.dataset):
                continue
            for start in range(0, len(keys), _BATCH_KEYS):
                some = keys[start : start + _BATCH_KEYS]
                with self._catalog.read() as connection:
                    damaged = self._damaged(connection, place, some)
                    unclaimed = self._unclaimed(connection, place, some)
                    strays = [key for key in unclaimed if damaged.isdisjoint(_with_above(key)) and self._is_there(key)]
                    reasons = [self._reason(connection, place, key) for key in strays]
                yield from (_stray(place, key, reason, parts) for key, reason in zip(strays, reasons, strict=True))

    def _is_there(self, key: str) -> bool:
        path = f"{self._home}/{key}".rstrip("/")
        is_folder = os.path.isdir(path) and not os.path.islink(path)
        return is_folder if key.endswith("/") else os.path.lexists(path) and not is_folder

    def _reason(self, connection: Connection, place: Place, key: str) -> str:
        if key.endswith("/"):
            return f"it may not be read, and {NOBODYS}"
        is_in_way = queries.damaged_objects(connection, place.bucket_id, f"{key}/", limit=1)
        return "it stands where a folder must be; --repair moves it to the trash" if is_in_way else NOBODYS

    def _damaged(self, connection: Connection, place: Place, keys: Collection[str]) -> frozenset[str]:
        names = {name for key in keys for name in _with_above(key)}
        return queries.damaged_among(connection, place.bucket_id, sorted(names))


def _stray(place: Place, key: str, reason: str, parts: Sequence[Part]) -> Found:
    array = next((part.array for part in parts if part.array and key.startswith(part.prefix)), None)
    claim = Claim(key, 0, b"", None, 0, 0)
    part = Part(place, key, array, Tally())
    return Found(part, claim, Damage.STRAY, reason, is_upstream=False)


def _with_above(key: str) -> Iterator[str]:
    """Yield a key and the folders above it, none with a slash at its end."""
    while key:
        yield key.rstrip("/")
        key = key.rstrip("/").rpartition("/")[0]


def files_below(path: str, is_elsewhere: Callable[[str], bool] = lambda _: False) -> Iterator[str]:
    """Yield the paths of all that is no folder below a folder; nothing where there is none.

    A folder that may not be read is yielded itself, with a slash at its end.

    Parameters
    ----------
    is_elsewhere
        Told each folder, with a slash at its end: True leaves it out.

    Raises
    ------
    UnsafeError
        The share is gone.
    """
    open_folders = [path]
    while open_folders:
        folder = open_folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        yield entry.path
                    elif not is_elsewhere(f"{entry.path}/"):
                        open_folders.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if error.errno not in UNREAD:
                raise unsafe_of(error, "cannot read the folder", folder) from error
            yield f"{folder}/"

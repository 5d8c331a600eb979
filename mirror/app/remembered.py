"""A dataset as the newest complete snapshot has it, instead of a new listing (`--max-age`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from itertools import islice, pairwise

from catalog import queries
from catalog.records import ArrayRecord, ShardRecord, SnapshotScope
from mirror.app.state import BucketState
from mirror.app.workplace import utc_now
from mirror.engine.discovery import Discovery
from mirror.engine.listing import ListedShard, Shard
from mirror.engine.spool import Page, Row, Spool
from mirror.formats.folder import Folder, folders_to_visit
from mirror.objects import RemoteObject, Tally, unpack_etag

_PAGE_ROWS = 2_000


@dataclass(frozen=True)
class Remembered:
    """What a snapshot says: the folders as a walk would find them, and the listed shards by prefix."""

    discovery: Discovery
    folder: Callable[[str], Folder | None]
    """Full prefix to a folder, without its documents, also of slabs, which a walk does not visit; None if unknown."""
    shards: dict[str, tuple[tuple[Page, ...], Tally, bytes]]

    def listed(self, shard: Shard) -> ListedShard | None:
        """Return the shard with its rows, or None where the snapshot was cut into others."""
        if shard.objects is not None or not self.has_all_below(shard.prefix):
            return None
        return ListedShard(shard, *self.shards[shard.prefix])

    def has_all_below(self, prefix: str) -> bool:
        """Return whether the snapshot has all below a prefix as one shard."""
        return prefix in self.covering

    @cached_property
    def covering(self) -> frozenset[str]:
        """Prefixes of the shards that hold all below them: those with others below hold what lies in their folder."""
        prefixes = sorted(self.shards)
        return frozenset(one for one, after in pairwise([*prefixes, ""]) if not after.startswith(one))


def remember(state: BucketState, spool: Spool, name: str, prefix: str, max_age_seconds: float) -> Remembered | None:
    """Return the dataset's newest complete snapshot, or None if there is none that is young enough.

    Parameters
    ----------
    prefix
        Full key prefix of the dataset, ending with a slash.
    """
    if state.catalog is None or state.bucket_id is None:
        return None
    with state.catalog.read() as connection:
        snapshot = queries.newest_snapshot(connection, state.bucket_id, name, SnapshotScope.ALL)
        if snapshot is None or snapshot.finished_at is None:
            return None
        if utc_now() - snapshot.finished_at > timedelta(seconds=max_age_seconds):
            return None
        arrays = {record.id: record for record in queries.arrays(connection, state.bucket_id, prefix)}
        folders = _Folders(prefix)
        shards = {}
        for shard in queries.snapshot_shards(connection, snapshot.id):
            array = arrays.get(shard.array_id)
            rows = _rows(
                shard, array, queries.listed_objects(connection, shard.id), queries.listed_blocks(connection, shard.id)
            )
            is_row = array is not None and "/" in shard.prefix[len(array.key_prefix) : -1]
            pages = tuple(_spooled(rows if is_row else folders.watch(shard.prefix, prefix, rows), spool))
            folders.note(shard.prefix)
            shards[shard.prefix] = (pages, Tally(*shard.listed), shard.digest)
    documents = {key: body for (key, _), body in state.documents(prefix).items()}
    return Remembered(Discovery(folders.built(documents), ()), folders.folder, shards)


def _rows(
    shard: ShardRecord,
    array: ArrayRecord | None,
    objects: Iterable[tuple[str, int, bytes, int]],
    blocks: Iterable[tuple[int, int, int, int, bytes]],
) -> Iterator[Row]:
    start = len(shard.prefix)
    for key, size, etag, last_modified in objects:
        yield key[start:], size, unpack_etag(etag), last_modified
    if array is not None:
        for x, y, z, size, etag in blocks:
            # The time is not kept for blocks; GET gives it again.
            yield f"{array.key_prefix}{x}/{y}/{z}"[start:], size, unpack_etag(etag), 0


def _spooled(rows: Iterator[Row], spool: Spool) -> Iterator[Page]:
    while page := list(islice(rows, _PAGE_ROWS)):
        yield spool.add(page)


@dataclass(slots=True)
class _Folders:
    """Folders with their children and files, put together from the rows that pass by."""

    root: str
    _children: dict[str, set[str]] = field(default_factory=dict)
    _files: dict[str, list[RemoteObject]] = field(default_factory=dict)

    def watch(self, prefix: str, dataset_prefix: str, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows as they are, and note the folders that they lie in.

        All above an object, for the dataset's own objects; of other shards the first level, which is what a walk sees.
        """
        self.note(prefix)
        for row in rows:
            suffix, size, etag, last_modified = row
            folder, _, name = suffix.rpartition("/")
            if prefix == dataset_prefix or not folder:
                place = f"{prefix}{folder}/" if folder else prefix
                self.note(place)
                # A folder's own marker is one of its files, as a LIST shows it.
                self._files[place].append(RemoteObject(place + name, size, etag, last_modified))
            else:
                self._children[prefix].add(suffix.partition("/")[0])
            yield row

    def built(self, documents: dict[str, bytes]) -> dict[str, Folder]:
        """Return the folders that a walk would have visited, with those of their documents that are known."""
        reached: dict[str, Folder] = {}
        places = [self.root]
        while places:
            prefix = places.pop()
            folder = self.folder(prefix)
            if folder is not None:
                known = {
                    one.key.removeprefix(prefix): documents[one.key] for one in folder.files if one.key in documents
                }
                reached[prefix] = replace(folder, documents=known)
                places += folders_to_visit(reached[prefix], self.root)
        return reached

    def folder(self, prefix: str) -> Folder | None:
        """Return a folder without its documents, or None if no row lies in it."""
        if prefix not in self._children:
            return None
        return Folder(prefix, tuple(sorted(self._children[prefix])), tuple(self._files[prefix]), {})

    def note(self, prefix: str) -> None:
        """Note that there is a folder, and those above it."""
        while prefix not in self._children:
            self._children[prefix] = set()
            self._files[prefix] = []
            if prefix == self.root:
                return
            above, _, name = prefix[:-1].rpartition("/")
            self.note(f"{above}/")
            self._children[f"{above}/"].add(name)

"""Taking away what vanished: said in the trash, forgotten by the catalog, moved into the trash, batch by batch.

A run that is killed at any instant leaves no row without its file. Files whose rows are forgotten and that were not
moved yet are named in the trash's journal: `vanishing.left_by_killed_runs` finds them for the next `--delete`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from mirror.app.state import BucketState
from mirror.app.threads import in_thread_to_its_end
from mirror.app.vanishing import Gone
from mirror.diff import Kind
from mirror.engine.fetch import Item
from mirror.engine.spool import Page, Spool
from mirror.errors import UnsafeError
from mirror.lock import live_tokens
from mirror.objects import Tally
from mirror.store.share import FileError
from mirror.store.staging import Staging
from mirror.store.trash import (
    Journal,
    Trashed,
    check_one_file_system,
    move_to_trash,
    pending,
    remove_empty_folders,
    remove_if_settled,
    trashed_runs,
)

_BATCH_OBJECTS = 1_000


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of what vanished."""

    moved: Tally = field(default_factory=Tally)
    """Into the trash."""
    failed: tuple[tuple[str, FileError], ...] = ()
    """Full key and reason of what could not be moved."""
    n_forgotten: int = 0
    """Objects of which it is forgotten that they are damaged or lost here: the bucket has them no more."""
    is_complete: bool = True
    """False where there was no time for all of it."""


class Deleter:
    """Moves files of one bucket to a run's trash.

    Parameters
    ----------
    bucket_name
        As S3 calls it.
    tops
        Full key prefixes of the datasets: of these folders none is removed, nor any above them.
    is_case_blind
        Whether the share takes names that differ by case for one.
    """

    def __init__(
        self,
        state: BucketState,
        staging: Staging,
        spool: Spool,
        *,
        bucket_name: str,
        tops: Iterable[str],
        is_case_blind: bool = False,
    ) -> None:
        self._state = state
        self._share = staging.share
        self._staging = staging
        self._spool = spool
        self._bucket_name = bucket_name
        self._tops = tuple(tops)
        self._is_case_blind = is_case_blind
        self._journal = Journal(staging.trash)
        self._failed: list[tuple[str, FileError]] = []
        self._moved = Tally()
        self._is_stopped = threading.Event()

    async def delete(self, gone: Iterable[Gone], *, has_time: Callable[[], bool]) -> Deleted:
        """Take away what vanished; return what became of it.

        Raises
        ------
        UnsafeError
            The share is full, read-only or gone, or another file system is mounted below it.

        Cancelling ends it between two files; those that are left of a batch are left for the next run that deletes.
        """
        gone = tuple(gone)
        for batch in self._batches(gone):
            if not has_time():
                return Deleted(self._moved, tuple(self._failed), is_complete=False)
            await in_thread_to_its_end(partial(self._move, batch), self._is_stopped.set)
        await in_thread_to_its_end(self._settle)
        n_forgotten = await in_thread_to_its_end(partial(self._forget_damage, gone))
        return Deleted(self._moved, tuple(self._failed), n_forgotten)

    def _forget_damage(self, gone: Sequence[Gone]) -> int:
        n_forgotten = 0
        for one in gone:
            for page in one.damage:
                keys = [key for key, _, _ in self._spool.rows([page])]
                self._state.forget_damage(keys)
                n_forgotten += len(keys)
        return n_forgotten

    def _batches(self, gone: Sequence[Gone]) -> Iterator[list[Trashed]]:
        # Without its document a level opens no more; only then may its blocks go.
        for one in gone:
            yield from _in_batches(self._trashed(one.documents))
        for one in gone:
            yield from _in_batches(self._trashed(one.others))

    def _trashed(self, pages: tuple[Page, ...]) -> Iterator[Trashed]:
        for key, size, etag in self._spool.rows(pages):
            yield Trashed(f"{self._bucket_name}/{key}", size, etag.hex())

    def _move(self, batch: list[Trashed]) -> None:
        check_one_file_system(self._share, [one.relative for one in batch])
        self._journal.begin(batch)
        # After that, so that it is on this share that it was begun; and before each file. Who took over the lock may be
        # fetching what this run takes for gone.
        self._staging.check()
        self._state.forget(self._item(one) for one in batch)
        left = self._move_files(batch)
        self._remove_empty_folders(batch)
        self._journal.end(left)

    def _move_files(self, batch: list[Trashed]) -> list[str]:
        """Move the files of forgotten rows; return which are left."""
        left: list[str] = []
        keys = [self._key(one) for one in batch]
        # What was stored anew under a name that differs by case has its file by now.
        twins = self._state.case_twins(keys) if self._is_case_blind else {}
        for key, one in zip(keys, batch, strict=True):
            if key in twins:
                continue
            if self._is_stopped.is_set():
                left.append(one.relative)
                continue
            self._staging.check()
            try:
                if move_to_trash(self._share, self._staging.trash, one.relative):
                    self._moved = self._moved.plus(one.size)
            except FileError as error:
                left.append(one.relative)
                self._failed.append((key, error))
        self._staging.sync()
        return left

    def _settle(self) -> None:
        """Do what killed runs left of these datasets, and say in their journals that nothing is left to be done."""
        alive = live_tokens(self._share)
        for run in trashed_runs(self._share):
            begun = [one for one in pending(run) if self._is_ours(one)]
            done = [one for one in begun if self._is_settled(one)]
            self._remove_empty_folders(done)
            if done:
                with suppress(UnsafeError):  # The trash of somebody else stays as it is.
                    Journal(run.folder).settle([one.relative for one in done])
            if run.name not in alive:
                remove_if_settled(run)

    def _is_ours(self, one: Trashed) -> bool:
        return one.relative.startswith(tuple(f"{self._bucket_name}/{top}" for top in self._tops))

    def _is_settled(self, one: Trashed) -> bool:
        return not os.path.lexists(self._share.root / one.relative) or self._state.has(self._key(one))

    def _remove_empty_folders(self, objects: Iterable[Trashed]) -> None:
        folders = [(self._share.root / one.relative).parent for one in objects]
        for top in self._tops:
            remove_empty_folders(self._share.root / self._bucket_name / top.rstrip("/"), folders)

    def _key(self, one: Trashed) -> str:
        return one.relative.removeprefix(f"{self._bucket_name}/")

    def _item(self, one: Trashed) -> Item:
        return Item(Kind.LOST, self._key(one), one.relative, one.size, "", 0, None, None)


def _in_batches(objects: Iterable[Trashed]) -> Iterator[list[Trashed]]:
    iterator = iter(objects)
    while batch := list(islice(iterator, _BATCH_OBJECTS)):
        # A block may have its row by its key as well.
        yield list({one.relative: one for one in batch}.values())

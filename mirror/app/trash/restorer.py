"""Files of one bucket, moved from the trash to their places and recorded, batch by batch."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from catalog.records import RunKind
from mirror.app.run import recorded_run
from mirror.app.state import BucketState
from mirror.app.trash.meant import key_of
from mirror.app.workplace import utc_now
from mirror.checksum import Proof, proof_of_etag, xxh3_of
from mirror.diff import Kind
from mirror.engine.fetch import Done, Item, source_of_file
from mirror.errors import ExitCode, UnsafeError
from mirror.objects import Tally, Verification, unpack_etag
from mirror.report.model import FailedObject
from mirror.store.share import FileError, Share
from mirror.store.staging import Staging
from mirror.store.trash import (
    Journal,
    Note,
    Trashed,
    TrashedRun,
    error_of,
    move_to_trash,
    remove_empty_folders,
    write_note,
)

_BATCH_OBJECTS = 500


@dataclass(frozen=True, slots=True)
class _Ready:
    """A file that may come back."""

    done: Done
    is_there: bool
    """Whether a file with the same bytes has its place already."""


@dataclass(slots=True)
class Restorer:
    """Moves files of one bucket back."""

    state: BucketState
    bucket_id: int
    run: TrashedRun
    staging: Staging
    bucket_name: str
    etags: Mapping[str, str]
    """Packed, in hexadecimal digits, by path."""
    overwrite: bool = field(kw_only=True)
    is_case_blind: bool = field(kw_only=True)
    is_stopped: threading.Event = field(default_factory=threading.Event)
    restored: Tally = field(default_factory=Tally)
    set_aside: Tally = field(default_factory=Tally)
    failed: list[FailedObject] = field(default_factory=list)

    @property
    def _share(self) -> Share:
        return self.staging.share

    def restore(self, paths: Sequence[str], datasets: Sequence[str]) -> int:
        """Return the number of the run that did it. Raises UnsafeError and CatalogError."""
        catalog, begun_at = self.state.catalog, utc_now().isoformat()
        if catalog is None:
            raise TypeError("nothing is restored without a catalog")
        with recorded_run(catalog, self.bucket_id, RunKind.ADOPT, datasets, {"restored": self.run.name}) as run:
            try:
                iterator = iter(self._without_settled(paths))
                while (batch := list(islice(iterator, _BATCH_OBJECTS))) and not self.is_stopped.is_set():
                    self._bring_back(batch, run.id)
                self.state.count_sums(datasets)
            finally:
                with suppress(UnsafeError):  # What ended the run is to be told.
                    write_note(self.staging.trash, Note(begun_at, self.bucket_name, tuple(datasets), run.id))
            run.exit_code = ExitCode.INCOMPLETE if self.failed else ExitCode.DONE
            run.is_complete = not self.is_stopped.is_set()
        remove_empty_folders(self.run.folder, [(self.run.folder / path).parent for path in paths])
        return run.id

    def _without_settled(self, paths: Sequence[str]) -> list[str]:
        """Return what is not back already, with its row."""
        settled = [path for path in paths if not self._is_in_trash(path) and self.state.has(key_of(path))]
        if settled:
            Journal(self.run.folder).settle(settled)
        return [path for path in paths if path not in set(settled)]

    def _is_in_trash(self, path: str) -> bool:
        return os.path.lexists(self.run.folder / path)

    def _bring_back(self, paths: Sequence[str], run_id: int) -> None:
        """Move files and commit their rows; killed in between, the journal names those that have none."""
        ready = [one for path in paths if (one := self._ready(path)) is not None]
        journal = Journal(self.run.folder)
        journal.begin([Trashed(one.done.item.relative, one.done.size, self._etag(one)) for one in ready])
        done = [one.done for one in ready if self._has_come_back(one)]
        self.staging.sync()
        self.state.commit(run_id, done)
        self.restored += Tally(len(done), sum(one.size for one in done))
        back = {one.item.relative for one in done}
        names = [one.done.item.relative for one in ready]
        journal.settle([name for name in names if name in back or self._is_in_trash(name)])

    def _etag(self, one: _Ready) -> str:
        return self.etags.get(one.done.item.relative, "")

    def _ready(self, path: str) -> _Ready | None:
        """Return what can be moved at once, its way cleared; None where that cannot be, or nobody waits for it."""
        if self.is_stopped.is_set():
            return None
        try:
            if not self._is_in_trash(path):
                return _Ready(self._done(path, self._share.root / path), is_there=True)
            done = self._done(path, self.run.folder / path)
            return _Ready(done, self._has_its_place(done))
        except FileError as error:
            self._fail(path, error)
            return None

    def _has_come_back(self, one: _Ready) -> bool:
        relative = one.done.item.relative
        try:
            if one.is_there:
                (self.run.folder / relative).unlink(missing_ok=True)
            else:
                self.staging.take_back(self.run.folder / relative, relative)
        except FileError as error:
            self._fail(relative, error)
            return False
        except OSError as error:
            self._fail(relative, error_of(error, "cannot remove the file in the trash", relative))
        return True

    def _fail(self, path: str, error: FileError | UnsafeError) -> None:
        if isinstance(error, UnsafeError):
            raise error
        self.failed.append(FailedObject(key=key_of(path), path=path, reason=str(error)))

    def _done(self, path: str, file: Path) -> Done:
        """Return what is to be recorded of a file, as its bytes are now. Raises FileError."""
        key, source = key_of(path), source_of_file(str(file))
        etag = unpack_etag(bytes.fromhex(self.etags.get(path, "")))
        try:
            status = file.stat()
            if not stat.S_ISREG(status.st_mode):
                raise FileError("cannot restore it", path, expected="a file", found="something else")
            digest = xxh3_of(source)
            proof, verification = proof_of_etag(source, status.st_size, etag)
        except OSError as error:
            raise FileError("cannot read the file in the trash", path, found=error.strerror or str(error)) from error
        if proof is not Proof.AGREES:
            # Kept as something that the bucket has not: the next sync compares it again.
            etag, verification = ("" if proof is Proof.DIFFERS else etag), Verification.SIZE_ONLY
        place = self.state.place_of(key)
        array_id, block = place if place is not None else (None, None)
        item = Item(Kind.ADOPT, key, path, status.st_size, etag, int(status.st_mtime), array_id, block)
        return Done(item, status.st_size, etag, digest, verification, is_adopted=True, replaced=False)

    def _has_its_place(self, done: Done) -> bool:
        """Return whether what has the place is the same; see that else nothing has it.

        Raises
        ------
        FileError
            Something has it, and may not be moved.
        """
        relative = done.item.relative
        place = self._share.root / relative
        try:
            found = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise error_of(error, "cannot look at what has its place", relative) from error
        if stat.S_ISREG(found.st_mode) and _has_bytes(place, done):
            return True
        is_folder = place.is_dir()
        if not self.overwrite or is_folder:
            raise FileError(
                "a folder has its place" if is_folder else "another file has its place",
                relative,
                hint="" if is_folder else "With --overwrite that one goes to the trash.",
            )
        self._set_aside(done.item, found.st_size)
        return False

    def _set_aside(self, item: Item, size: int) -> None:
        self.staging.check()
        journal = Journal(self.staging.trash)
        journal.begin([Trashed(item.relative, size, "")])
        twins = self.state.case_twins([item.key]).get(item.key, ()) if self.is_case_blind else ()
        self.state.forget(item._replace(key=key) for key in (item.key, *twins))
        move_to_trash(self._share, self.staging.trash, item.relative)
        journal.end()
        self.set_aside = self.set_aside.plus(size)


def _has_bytes(place: Path, done: Done) -> bool:
    try:
        return place.stat().st_size == done.size and xxh3_of(source_of_file(str(place))) == done.xxh3
    except OSError:
        return False

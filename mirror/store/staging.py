"""The one way a file gets its name on the share: written under another name, synced by policy, renamed."""

from __future__ import annotations

import errno
import itertools
import math
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mirror.checksum import Bytes
from mirror.store.disk import fsync, fsync_file, fsync_folder, sync_file_system, write_all
from mirror.store.share import FULL, GONE, FileError, Share, unsafe_of

_NEIGHBOUR = re.compile(r"\.[0-9a-f]{8}\.oo")
"""What we call an unfinished file that must lie beside its place."""


PATIENCE_SECONDS = 30.0
"""The most that all waits of a run together take for files that others have open."""
_BUSY_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)
_IN_USE = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY}
"""What servers say of a file that somebody has open; of a name that nobody has yet they mean another thing by it."""
_LATE_SECONDS = (0.01, 0.1, 0.4)
"""How long a file of ours may be told of late."""


class Fsync(StrEnum):
    """When bytes are forced to the disk: never, once before their rows are committed, or file by file."""

    OFF = "off"
    BATCH = "batch"
    EACH = "each"


@dataclass(frozen=True, slots=True)
class FilePolicy:
    """Modes, owner group (None leaves it to umask and folder) and durability of new files; what becomes of old ones."""

    fsync: Fsync = Fsync.BATCH
    file_mode: int | None = None
    dir_mode: int | None = None
    group_id: int | None = None
    keeps_replaced: bool = False
    """Whether the old file of an object that changed goes to the trash."""


class Staging:
    """The room of one run under `.oomirror/`: files are written there and renamed into place.

    Thread-safe. Whatever a killed run left is removed by `sweep`, which the next run calls under its lock.

    Parameters
    ----------
    owner
        Begins the names of the files; each process that works in one room has its own.
    check_held
        Called by `open`: raises where the run has lost its lock. Later on it is the room itself that tells.
    """

    def __init__(
        self,
        share: Share,
        run: str,
        policy: FilePolicy,
        *,
        owner: str = "",
        check_held: Callable[[], object] = lambda: None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._root = os.fspath(share.root)
        self.share = share
        self._policy = policy
        self._owner = owner
        self._numbers = itertools.count()
        self.folder = share.own / "tmp" / run
        self._room = os.fspath(self.folder)
        self.trash = share.own / "trash" / run
        self._check_held = check_held
        self._sleep = sleep
        self._patience_seconds = PATIENCE_SECONDS

    def open(self) -> None:
        """Make the run's folder. Raises UnsafeError where the share cannot be written, and what `check_held` raises."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unsafe_of(error, "cannot write on the share", self.share.root) from error
        try:
            self._check_held()  # Now: who takes over from here on removes the folder.
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the run's folder with what is in it; a share that is gone is left alone."""
        with suppress(OSError):
            _sweep_neighbours(self.folder)  # Of workers that were ended in the middle of a copy.
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, data: Bytes) -> str:
        """Return the path of a new unfinished file with these bytes.

        Raises
        ------
        UnsafeError
            The share is full, read-only or gone.
        """
        path, descriptor = self.create()
        try:
            try:
                write_all(descriptor, data)
                self.finish(descriptor)
            finally:
                os.close(descriptor)  # Where some network file systems tell that they are full.
        except OSError as error:
            self.discard(path)
            raise unsafe_of(error, "cannot write", path) from error
        return path

    def seconds_per_file(self, *, n_files: int = 5) -> float:
        """Return the least time that the share took for one of a few small files, in seconds. Raises UnsafeError."""
        least = math.inf
        for _ in range(n_files):
            started = time.perf_counter()
            path = self.write(b"how long does a file take?")
            self.discard(path)
            least = min(least, time.perf_counter() - started)
        return least

    def create(self) -> tuple[str, int]:
        """Return path and descriptor of a new empty file; the caller closes it."""
        path = self._new_path()
        try:
            return path, os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        except OSError as error:
            raise unsafe_of(error, "cannot write on the share", path) from error

    def _new_path(self) -> str:
        return f"{self._room}/{self._owner}{next(self._numbers):x}"

    def twin(self, path: str) -> str:
        """Return the path of an unfinished file with the content of a file of the share: a link, or else a copy.

        Raises
        ------
        UnsafeError
            The share is full, read-only or gone.
        """
        twin = self._new_path()
        try:
            os.link(path, twin)
        except OSError:
            try:
                shutil.copyfile(path, twin)  # Some shares know no hard links.
            except OSError as error:
                raise unsafe_of(error, "cannot copy on the share", path) from error
        return twin

    def finish(self, descriptor: int) -> None:
        """Give a written file its mode and group and, by policy, force it to the disk."""
        policy = self._policy
        if policy.file_mode is not None:
            os.fchmod(descriptor, policy.file_mode)
        if policy.group_id is not None:
            os.fchown(descriptor, -1, policy.group_id)
        if policy.fsync is Fsync.EACH:
            fsync(descriptor)

    def publish(self, unfinished: str, relative: str, last_modified: int) -> None:
        """Give a finished file its final name, replacing what has that name.

        Parameters
        ----------
        relative
            `<bucket>/<key>`.
        last_modified
            Seconds since 1970; becomes the file's time where the share allows.

        Raises
        ------
        FileError
            This name cannot be given (a folder stands there, a file stands where a folder must be, the share refuses
            the name). The unfinished file is removed.
        UnsafeError
            The share is full, read-only or gone.
        """
        target = f"{self._root}/{relative}"
        with suppress(OSError):  # SMB servers refuse it (s3transfer#346); the time is a courtesy, it decides nothing.
            os.utime(unfinished, (last_modified, last_modified))
        try:
            self._rename(unfinished, target)
            if self._policy.fsync is Fsync.EACH:
                fsync_folder(os.path.dirname(target))
        except OSError as error:
            self.discard(unfinished)
            if self._ends_run(error):
                raise unsafe_of(error, "cannot write on the share", target) from error
            raise FileError("cannot give the file its name", target, found=error.strerror or str(error)) from error

    def _ends_run(self, error: OSError) -> bool:
        # os.path, not Path: the latter raises on a stale handle.
        return error.errno in FULL | GONE | {errno.EROFS} or not os.path.isdir(self.folder)

    def _rename(self, unfinished: str, target: str) -> None:
        try:
            self._rename_or_copy(unfinished, target)
        except FileNotFoundError:
            # The folder is not there yet. Asked only now, so that no folder is looked up twice; and only while our own
            # file is there, so that a share which went away is not re-made on the disk below its mount point.
            if not self._is_there(unfinished):
                raise self._vanished(unfinished) from None
            made = self._make_folders(os.path.dirname(target))
            try:
                self._rename_or_copy(unfinished, target)
            except FileNotFoundError:
                for folder in reversed(made):  # Made on the disk below the mount point, if the share went away then.
                    with suppress(OSError):
                        os.rmdir(folder)
                raise self._vanished(unfinished) from None

    def _vanished(self, unfinished: str) -> OSError:
        """Return the error of a file of ours that is not there any more."""
        if os.path.isdir(self.folder):
            # A server that did it, whose answer was lost, says so when it is asked again (NFS): the next run looks.
            return OSError(errno.ENOENT, "the file vanished while it got its name", unfinished)
        return OSError(errno.ENOTCONN, "the share went away", unfinished)

    def _rename_or_copy(self, unfinished: str, target: str) -> None:
        try:
            self._rename_patiently(unfinished, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # Another file system is mounted below the share.
            self._copy_beside(unfinished, target)

    def _rename_patiently(self, path: str, target: str) -> None:
        """Rename; wait a moment for who has one of both open: over SMB nothing can be renamed over what is read.

        Of all waits of a run there is an end, so that a share that means what it says is not asked for hours.
        """
        for seconds in _BUSY_SECONDS:
            try:
                os.rename(path, target)
            except OSError as error:
                is_in_use = error.errno in _IN_USE and os.path.isfile(target)
                if not (is_in_use or error.errno == errno.EINTR) or self._patience_seconds <= 0:
                    raise
                self._patience_seconds -= seconds
                self._sleep(seconds)
            else:
                return
        os.rename(path, target)

    def _copy_beside(self, unfinished: str, target: str) -> None:
        folder = os.path.dirname(target)
        with (self.folder / "folders").open("a", encoding="utf-8") as note:
            note.write(f"{folder}\n")
            note.flush()
            os.fsync(note.fileno())
        neighbour = f"{folder}/.{secrets.token_hex(4)}.oo"
        try:
            shutil.copy2(unfinished, neighbour)
            fsync_file(neighbour)
            os.rename(neighbour, target)
            fsync_folder(folder)  # `sync` reaches the share's own file system only.
        except BaseException:
            self.discard(neighbour)
            raise
        self.discard(unfinished)

    def _make_folders(self, folder: str) -> list[str]:
        """Make what is missing of a folder and those above it; return the paths that were missing, the upper first."""
        missing = []
        while not os.path.isdir(folder):
            missing.append(folder)
            folder = os.path.dirname(folder)
        for path in reversed(missing):
            try:
                os.mkdir(path)
            except FileExistsError:
                continue
            if self._policy.dir_mode is not None:
                os.chmod(path, self._policy.dir_mode)
            if self._policy.group_id is not None:
                os.chown(path, -1, self._policy.group_id)
        return missing[::-1]

    def discard(self, unfinished: str) -> None:
        """Remove an unfinished file, if it is there."""
        with suppress(OSError):  # Left for the sweep of the next run.
            os.unlink(unfinished)

    def to_trash(self, relative: str) -> None:
        """Move a file of the share into the run's trash, under the same relative name.

        Raises
        ------
        FileError
            This file cannot be moved.
        UnsafeError
            The share is full, read-only or gone.
        """
        self.check()
        target = self.trash / relative
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._move(f"{self._root}/{relative}", target)
        except OSError as error:
            if self._ends_run(error):
                raise unsafe_of(error, "cannot move the old file to the trash", relative) from error
            raise FileError("cannot move the old file to the trash", relative, found=str(error.strerror)) from error

    def keep_old(self, relative: str) -> bool:
        """Give a file that is about to be replaced a name in the run's trash, too, if the policy says so.

        The file stays under its own name until the new one has it: the share never lacks it. Where the share knows no
        hard links, it does for a moment. Returns whether there was one; raises as `to_trash`.
        """
        path, target = f"{self._root}/{relative}", self.trash / relative
        if not self._policy.keeps_replaced or not os.path.isfile(path):
            return False
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
        except OSError:
            self.to_trash(relative)
        return True

    def take_back(self, path: Path, relative: str) -> None:
        """Give a file of the trash its name again, replacing what has that name. Raises as `to_trash`."""
        try:
            self._rename(os.fspath(path), f"{self._root}/{relative}")
        except OSError as error:
            if self._ends_run(error):
                raise unsafe_of(error, "cannot move out of the trash", relative) from error
            raise FileError("cannot move out of the trash", relative, found=error.strerror or str(error)) from error

    def _move(self, path: str, target: Path) -> None:
        try:
            self._rename_patiently(path, os.fspath(target))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.copy2(path, target)
            fsync_file(os.fspath(target))  # It is the only one from now on.
            os.unlink(path)

    def sync(self) -> None:
        """Force all that was written so far to the disk, if the policy is `batch`. Raises UnsafeError as `check`."""
        self.check()
        if self._policy.fsync is Fsync.BATCH:
            try:
                sync_file_system(self._root)
            except OSError as error:
                raise unsafe_of(error, "cannot write on the share", self.share.root) from error

    def check(self) -> None:
        """Check that the run's folder is there. Raises UnsafeError.

        It is gone where another run took over the lock, and from a share that was unmounted under us: then nothing may
        be moved on the share, nor a row be committed.
        """
        try:
            is_there = self._is_there(self._room)
        except OSError as error:
            raise unsafe_of(error, "cannot write on the share", self.share.root) from error
        if not is_there:
            gone = OSError(errno.ENOTCONN, "the run's folder is not there any more")
            raise unsafe_of(gone, "cannot write on the share", self.folder)

    def _is_there(self, path: str) -> bool:
        """Return whether a file or folder of ours is there; asked again, for some servers tell of it late."""
        for seconds in (*_LATE_SECONDS, None):
            try:
                os.stat(path)
            except FileNotFoundError:
                if seconds is not None:
                    self._sleep(seconds)
                continue
            return True
        return False


def sweep(share: Share, alive: Mapping[str, object]) -> int:
    """Remove what killed runs left in `tmp/`; return how many folders were removed.

    Parameters
    ----------
    alive
        Names of the runs that still hold a lock; theirs is left alone.

    Raises
    ------
    UnsafeError
        The share cannot be read or written.
    """
    rooms = share.own / "tmp"
    try:
        stale = [room for room in rooms.iterdir() if room.name not in alive] if rooms.is_dir() else []
        for room in stale:
            _sweep_neighbours(room)
            shutil.rmtree(room, ignore_errors=True)
    except OSError as error:
        raise unsafe_of(error, "cannot remove what a killed run left", rooms) from error
    return len(stale)


def remove_room(share: Share, run: str) -> None:
    """Remove a run's folder for good: whatever the run does after that, no file of it gets its name.

    Raises
    ------
    OSError
        It is still there.
    """
    room = share.own / "tmp" / run
    gone = room.with_name(f"{run}.{secrets.token_hex(4)}")
    try:
        _sweep_neighbours(room)
        room.rename(gone)  # At once, with all that is in it; what cannot be removed now is left for a sweep.
    except FileNotFoundError:
        return
    shutil.rmtree(gone, ignore_errors=True)


def _sweep_neighbours(room: Path) -> None:
    note = room / "folders"
    folders = note.read_text(encoding="utf-8").splitlines() if note.is_file() else []
    for folder in sorted(set(folders)):
        for path in Path(folder).glob(".????????.oo"):
            if _NEIGHBOUR.fullmatch(path.name):
                path.unlink(missing_ok=True)

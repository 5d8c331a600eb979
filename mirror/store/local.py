"""The lab's share: its marker, its rooms for unfinished and replaced files, and the one way a file gets its name.

Nothing under the share is written but `<bucket>/<key>` and `.oomirror/`.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import json
import math
import os
import secrets
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from mirror.checksum import Bytes
from mirror.errors import MirrorError, UnsafeError
from mirror.keys import OWN_FOLDER, ShareRules

MARKER = "marker.json"
NOT_A_FILE = -1
"""Size of what stands in a folder of the share and is no regular file."""

_FULL = {errno.ENOSPC, errno.EDQUOT}
_GONE = {errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.EIO, errno.ENODEV, errno.ENXIO, errno.ETIMEDOUT}


class Fsync(StrEnum):
    """When bytes are forced to the disk: never, once before their rows are committed, or file by file."""

    OFF = "off"
    BATCH = "batch"
    EACH = "each"


class FileError(MirrorError):
    """One file could not get its name on the share; others can."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What `.oomirror/marker.json` says: which share this is, and what names it takes."""

    uuid: str
    created_at: str
    """ISO 8601, UTC."""
    rules: ShareRules

    def to_json(self) -> str:
        """Return the file's text."""
        rules = asdict(self.rules) | {"forbidden_characters": "".join(sorted(self.rules.forbidden_characters))}
        return json.dumps({"schema": 1, "uuid": self.uuid, "created_at": self.created_at, "rules": rules}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the marker that the file's text holds. Raises KeyError, ValueError or TypeError for other text."""
        document = json.loads(text)
        known = {field.name for field in fields(ShareRules)}
        rules: dict[str, Any] = {name: value for name, value in document["rules"].items() if name in known}
        rules["forbidden_characters"] = frozenset(rules["forbidden_characters"])
        return cls(str(uuid.UUID(document["uuid"])), document["created_at"], ShareRules(**rules))


@dataclass(frozen=True, slots=True)
class FilePolicy:
    """Modes, owner group and durability of new files; None leaves it to umask and folder."""

    fsync: Fsync = Fsync.BATCH
    file_mode: int | None = None
    dir_mode: int | None = None
    group_id: int | None = None


class Share:
    """The root folder that holds `<bucket>/<key>`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.own = root / OWN_FOLDER

    def marker(self) -> Marker | None:
        """Return the marker, or None if the share has none.

        Raises
        ------
        UnsafeError
            The share is not there or cannot be read, or its marker is damaged.
        """
        path = self.own / MARKER
        try:
            return Marker.from_json(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnsafeError("cannot read the share", str(self.root), found=error.strerror or str(error)) from error
        except (KeyError, ValueError, TypeError) as error:
            raise UnsafeError(
                "the share's marker is damaged", str(path), hint="Restore it, or run `oomirror init --new-share`."
            ) from error

    def write_marker(self, rules: ShareRules, *, marker_uuid: str | None = None) -> Marker:
        """Mark the share as one of ours, replacing a marker that is there; the folder is made if its parent exists.

        Raises
        ------
        UnsafeError
            The folder cannot be made or written.
        """
        marker = Marker(marker_uuid or str(uuid.uuid4()), datetime.now(UTC).isoformat(timespec="seconds"), rules)
        try:
            self.own.mkdir(parents=True, exist_ok=True)
            temporary = self.own / f"{MARKER}.{secrets.token_hex(4)}"
            temporary.write_text(marker.to_json(), encoding="utf-8")
            temporary.replace(self.own / MARKER)
        except OSError as error:
            raise unsafe_of(error, "cannot mark the share", self.root) from error
        return marker

    def free(self) -> tuple[int, int | None]:
        """Return free bytes, and free inodes or None where the file system does not count them."""
        stat = os.statvfs(self.root)
        return stat.f_bavail * stat.f_frsize, stat.f_favail if stat.f_files else None

    def folder(self, relative: str) -> dict[str, int] | None:
        """Return name to bytes of what lies in a folder, `NOT_A_FILE` for what is no regular file; None without it."""
        try:
            with os.scandir(self.root / relative) as entries:
                return dict(_sizes(entries))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unsafe_of(error, "cannot read the folder", self.root / relative) from error


def _sizes(entries: Iterator[os.DirEntry[str]]) -> Iterator[tuple[str, int]]:
    for entry in entries:
        try:
            yield entry.name, entry.stat().st_size if entry.is_file() else NOT_A_FILE
        except FileNotFoundError:
            continue


class Staging:
    """The room of one run under `.oomirror/`: files are written there and renamed into place.

    Thread-safe. Whatever a killed run left is removed by `sweep`, which the next run calls under its lock.
    """

    def __init__(self, share: Share, run: str, policy: FilePolicy) -> None:
        self._root = os.fspath(share.root)
        self._share = share
        self._policy = policy
        self._numbers = itertools.count()
        self.folder = share.own / "tmp" / run
        self.trash = share.own / "trash" / run
        self._needs_neighbour = False

    def open(self) -> None:
        """Make the run's folder. Raises UnsafeError where the share cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unsafe_of(error, "cannot write on the share", self._share.root) from error

    def close(self) -> None:
        """Remove the run's folder with what is in it; a share that is gone is left alone."""
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
            write_all(descriptor, data)
            self.finish(descriptor)
        except OSError as error:
            self.discard(path)
            raise unsafe_of(error, "cannot write", path) from error
        finally:
            os.close(descriptor)
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
        path = f"{self.folder}/{next(self._numbers):x}"
        try:
            return path, os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        except OSError as error:
            raise unsafe_of(error, "cannot write on the share", path) from error

    def twin(self, path: str) -> str:
        """Return the path of an unfinished file with the content of a file of the share: a link, or else a copy.

        Raises
        ------
        UnsafeError
            The share is full, read-only or gone.
        """
        twin = f"{self.folder}/{next(self._numbers):x}"
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
            os.fsync(descriptor)

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
                _fsync_folder(os.path.dirname(target))
        except OSError as error:
            self.discard(unfinished)
            if self._ends_run(error):
                raise unsafe_of(error, "cannot write on the share", target) from error
            raise FileError("cannot give the file its name", target, found=error.strerror or str(error)) from error

    def _ends_run(self, error: OSError) -> bool:
        # os.path, not Path: the latter raises on a stale handle.
        return error.errno in _FULL | _GONE | {errno.EROFS} or not os.path.isdir(self.folder)

    def _rename(self, unfinished: str, target: str) -> None:
        try:
            os.rename(unfinished, target)
        except FileNotFoundError:
            # 1. The folder is not there yet. Asked only now, so that no folder is looked up twice; and only while our
            #    own file is there, so that a share which went away is not re-made on the disk below its mount point.
            if not os.path.exists(unfinished):
                raise OSError(errno.ENOTCONN, "the share went away", unfinished) from None
            self._make_folders(os.path.dirname(target))
            os.rename(unfinished, target)
        except OSError as error:
            # 2. Another file system is mounted below the share.
            if error.errno != errno.EXDEV:
                raise
            self._rename_over(unfinished, target)

    def _rename_over(self, unfinished: str, target: str) -> None:
        folder = os.path.dirname(target)
        note = self.folder / "folders"
        with note.open("a", encoding="utf-8") as file:
            file.write(f"{folder}\n")
            file.flush()
            os.fsync(file.fileno())
        neighbour = f"{folder}/.{secrets.token_hex(4)}.oo"
        self._make_folders(folder)
        shutil.copy2(unfinished, neighbour)
        _fsync_file(neighbour)
        os.rename(neighbour, target)
        self.discard(unfinished)

    def _make_folders(self, folder: str) -> None:
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
        target = self.trash / relative
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.rename(f"{self._root}/{relative}", target)
        except OSError as error:
            if self._ends_run(error):
                raise unsafe_of(error, "cannot move the old file to the trash", relative) from error
            raise FileError("cannot move the old file to the trash", relative, found=str(error.strerror)) from error

    def sync(self) -> None:
        """Force all that was written so far to the disk, if the policy is `batch`. Raises UnsafeError."""
        if self._policy.fsync is Fsync.BATCH:
            try:
                # Of a share that was unmounted under us, the folder below its mount point would be synced: of no use.
                os.stat(self.folder)
                _sync_file_system(self._root)
            except OSError as error:
                raise unsafe_of(error, "cannot write on the share", self._share.root) from error


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


def _sweep_neighbours(room: Path) -> None:
    note = room / "folders"
    folders = note.read_text(encoding="utf-8").splitlines() if note.is_file() else []
    for folder in sorted(set(folders)):
        for path in Path(folder).glob(".????????.oo"):
            path.unlink(missing_ok=True)


def write_all(descriptor: int, data: Bytes, offset: int | None = None) -> None:
    """Write every byte, at `offset` or at the descriptor's place. Raises OSError."""
    rest = memoryview(data)
    while rest:
        n_bytes = os.write(descriptor, rest) if offset is None else os.pwrite(descriptor, rest, offset)
        rest = rest[n_bytes:]
        offset = None if offset is None else offset + n_bytes


def unsafe_of(error: OSError, what: str, path: object) -> UnsafeError:
    """Return the error that stops the run, with the words for what the share's file system said."""
    hints = {
        errno.EROFS: "The share is mounted read-only.",
        errno.EACCES: "You may not write there: ask the owner of the share.",
        errno.EPERM: "You may not write there: ask the owner of the share.",
        errno.ENOENT: "Is the share mounted?",
    }
    number = error.errno or 0
    if number in _FULL:
        hint = "The share is full: make room, then run the same command again; it goes on where it stopped."
    elif number in _GONE:
        hint = "The share went away: mount it, then run the same command again; it goes on where it stopped."
    else:
        hint = hints.get(number, "")
    return UnsafeError(what, str(path), found=error.strerror or str(error), hint=hint)


def _sync_file_system(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "syncfs"):
            os.sync()
        elif libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)
    finally:
        os.close(descriptor)


def _fsync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # Some network file systems know no fsync of folders.
            raise
    finally:
        os.close(descriptor)


def _fsync_file(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

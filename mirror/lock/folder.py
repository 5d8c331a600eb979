"""A lock on a share: a folder with one file, named by the run that holds it.

Two calls decide, and both do so on every file system that we know. A folder that is not empty cannot be renamed over,
so one run gets the lock. A name can be removed once, so one run takes over. Nothing hangs on flock, which succeeds for
everyone on some network file systems (huggingface_hub#4228), nor on O_EXCL, hard links, clocks or time stamps.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from glob import escape
from pathlib import Path

from mirror.lock.fence import free, patiently, set_aside
from mirror.lock.holder import Holder
from mirror.store.share import Share

LOOK_AGAIN_SECONDS = 0.05
"""Before something is asked again that another run, or the server of the share, was about to change."""
STALE_HANDLES = 5
"""How often in a row a file may be said to be stale: it was removed while it was read."""

_TAKEN = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.ENOENT}
"""What renaming onto a lock is answered with: somebody has it, or our own draft was swept with those of the dead."""
_MAYBE_TAKEN = {errno.EACCES, errno.EPERM, errno.EBUSY}
"""The same, of servers that are Windows; where nobody has the lock it means what it says."""


class LockFolder:
    """The folder of one lock, and what may be done to it. All of it raises OSError where the share refuses."""

    def __init__(
        self, share: Share, bucket: str, dataset: str, *, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._share = share
        self.path = share.own / "locks" / bucket / f"{dataset}.lock"
        self._sleep = sleep

    def make_room(self) -> None:
        """Make the folders above, but none of those above `.oomirror`: a share that went away is not made anew."""
        for folder in (self.path.parent.parent, self.path.parent):
            folder.mkdir(exist_ok=True)

    def try_take(self, holder: Holder) -> bool:
        """Return whether the lock is the holder's now."""
        draft = self.path.with_name(f"{self.path.name}.{holder.token}.new")
        try:
            _write_draft(draft, holder)
            os.rename(draft, self.path)
        except OSError as error:
            if not self._is_refusal(error):
                _remove_folder(draft)
                raise
        # Asked in any case. A server may have done what its lost answer did not tell; and a draft that was swept under
        # our hands has no file in it.
        is_taken = self.has(holder)
        _remove_folder(draft)
        return is_taken

    def _is_refusal(self, error: OSError) -> bool:
        """Return whether an error may mean that another run has the lock, or takes it at this moment."""
        if error.errno in _MAYBE_TAKEN:
            return self.path.exists()
        return error.errno in _TAKEN and self.path.parent.is_dir()

    def has(self, holder: Holder) -> bool:
        """Return whether the lock is the holder's."""
        return (self.path / holder.token).exists()

    def read(self) -> dict[str, bytes]:
        """Return what the lock's files say, by name; nothing where nobody holds it. Compared, never interpreted."""
        for number in range(STALE_HANDLES):
            try:
                return {path.name: path.read_bytes() for path in self.path.iterdir()}
            except FileNotFoundError:
                if not self.path.exists():
                    return {}
            except NotADirectoryError:
                return {"": self.path.read_bytes()}  # Somebody's file, under our lock's name.
            except OSError as error:
                if error.errno != errno.ESTALE or number == STALE_HANDLES - 1:
                    raise
            self._sleep(LOOK_AGAIN_SECONDS)
        return {}

    def take_away(self, names: Iterable[str]) -> None:
        """Take the lock from those who are stale: first all that they could still write with, then their files.

        Of all who see the same stale lock one removes the file: names of files are never used again.
        """
        for name in names:
            token = set_aside(self._share, name, self._sleep)
            if token is None:
                patiently(partial(_remove_file, self.path / name), self._sleep)
            else:
                free(self._share, token, self._sleep)

    def remove_empty(self) -> None:
        """Remove the folder where nobody holds the lock: somebody is about to let it go, or was killed then."""
        with suppress(OSError):
            self.path.rmdir()

    def move(self, holder: Holder) -> None:
        """Let the counter move. Raises FileNotFoundError where the holder has lost the lock."""
        # In place, and never made anew: a run that was suspended cannot put its lock over that of its successor.
        descriptor = os.open(self.path / holder.token, os.O_WRONLY)
        try:
            os.pwrite(descriptor, holder.to_json(), 0)
        finally:
            os.close(descriptor)

    def let_go(self, holder: Holder) -> None:
        """Let go of the lock, if it is the holder's; a share that went away or is read-only now is left alone."""
        with suppress(OSError):
            patiently(partial((self.path / holder.token).unlink, missing_ok=True), self._sleep)
            self.path.rmdir()

    def sweep(self) -> None:
        """Remove what runs that were killed while they took the lock left beside it.

        One that tries at this moment loses its draft, too: it then asks for the name itself, and finds it taken.
        """
        for path in self.path.parent.glob(f"{escape(self.path.name)}.*.new"):
            _remove_folder(path)


def _write_draft(draft: Path, holder: Holder) -> None:
    draft.mkdir(exist_ok=True)
    file = draft / holder.token
    file.write_bytes(holder.to_json())
    with suppress(OSError):  # As open to others as the folder of all locks: they are to see the counter move.
        mode = draft.parent.stat().st_mode & 0o7777
        file.chmod(0o644 | (mode & 0o066))
        draft.chmod(mode)


def _remove_file(path: Path) -> None:
    with suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError):
        path.unlink()


def _remove_folder(path: Path) -> None:
    with suppress(OSError):
        for file in path.iterdir():
            file.unlink(missing_ok=True)
        path.rmdir()

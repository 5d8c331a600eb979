"""What names a share takes, and what its file system does: found by trying, in a folder of ours that is removed."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mirror.errors import UnsafeError
from mirror.keys import ShareRules
from mirror.store.disk import fsync_file, fsync_folder
from mirror.store.share import GONE, Share, unsafe_of

_RETURN_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
_LONG_PATH_BYTES = 1_024
_COARSEST_SECONDS = 2.0
"""Of FAT."""
_KEPT_OUT = 7
_TAKE = f"""
import fcntl, sys
try:
    fcntl.flock(open(sys.argv[1], "w"), fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    sys.exit({_KEPT_OUT})
"""
_SUSPECT_CHARACTERS = '<>:"|?*\\'


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a share's file system was seen to do."""

    rules: ShareRules
    replaces_by_rename: bool
    fsync_fault: str
    """What forcing a file and its folder to the disk was refused with; empty where it was done."""
    takes_long_paths: bool
    """Paths of 1,024 bytes below the share."""
    time_step_seconds: float | None
    """How finely a file's time is kept, 0 for less than a second; None where it cannot be set."""
    excludes_by_flock: bool
    """Whether a second process was kept out."""
    clock_ahead_seconds: float
    """The time of a file that was just written, less this machine's."""


def probe_rules(share: Share, *, sleep: Callable[[float], object] = time.sleep) -> ShareRules:
    """Return what names the share takes, by making and removing files in a folder of ours on it.

    Raises
    ------
    UnsafeError
        The share cannot be written.
    """
    with _room(share) as folder:
        try:
            return _rules(_Probe(folder, sleep))
        except OSError as error:
            raise unsafe_of(error, "cannot find out what names the share takes", share.root) from error


def probe_behaviour(share: Share) -> Behaviour:
    """Return what the share's file system does. Raises as `probe_rules`."""
    with _room(share) as folder:
        try:
            return Behaviour(
                rules=_rules(_Probe(folder, time.sleep)),
                replaces_by_rename=_replaces(folder),
                fsync_fault=_fsync_fault(folder),
                takes_long_paths=_takes_long_paths(folder),
                time_step_seconds=_time_step(folder),
                excludes_by_flock=_excludes(folder),
                clock_ahead_seconds=_clock_ahead(folder),
            )
        except OSError as error:
            raise unsafe_of(error, "cannot write on the share", share.root) from error


def clock_ahead_seconds(share: Share) -> float:
    """Return the time of a file that was just written on the share, less this machine's. Raises as `probe_rules`."""
    with _room(share) as folder:
        try:
            return _clock_ahead(folder)
        except OSError as error:
            raise unsafe_of(error, "cannot write on the share", share.root) from error


def is_case_blind(share: Share, room: Path) -> bool:
    """Return whether names that differ by case are one file, by files in a run's own room. Raises as `probe_rules`."""
    try:
        return _is_case_blind(room)
    except OSError as error:
        raise unsafe_of(error, "cannot write on the share", share.root) from error
    finally:
        for name in ("case", "CASE"):
            with suppress(OSError):  # Left to who removes the room.
                (room / name).unlink()


@contextmanager
def _room(share: Share) -> Iterator[Path]:
    folder = share.own / "tmp" / f"probe-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True)  # The share itself too, where it is new; its parent was seen to be there.
    except OSError as error:
        raise unsafe_of(error, "cannot write on the share", share.root) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replaces(folder: Path) -> bool:
    old, new = folder / "old", folder / "new"
    old.write_bytes(b"old")
    new.write_bytes(b"new")
    try:
        new.rename(old)
    except OSError:
        return False
    return old.read_bytes() == b"new"


def _fsync_fault(folder: Path) -> str:
    (folder / "synced").write_bytes(b"x")
    try:
        fsync_file(str(folder / "synced"))
        fsync_folder(str(folder))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _takes_long_paths(folder: Path) -> bool:
    deep = folder
    while len(os.fsencode(deep)) - len(os.fsencode(folder)) < _LONG_PATH_BYTES:
        deep /= "d" * 60
    try:
        deep.mkdir(parents=True)
    except OSError:
        return False
    return True


def _time_step(folder: Path) -> float | None:
    path = folder / "timed"
    path.write_bytes(b"x")
    wanted = 1_600_000_001.5
    try:
        os.utime(path, (wanted, wanted))
    except OSError:
        return None
    found = path.stat().st_mtime
    if abs(found - wanted) > _COARSEST_SECONDS:
        return None
    return 0.0 if found == wanted else 1.0 if abs(found - wanted) < 1 else _COARSEST_SECONDS


def _excludes(folder: Path) -> bool:
    with (folder / "locked").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        command = [sys.executable, "-S", "-c", _TAKE, file.name]
        taken = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - words of our own
    return taken.returncode == _KEPT_OUT


def _clock_ahead(folder: Path) -> float:
    path = folder / "now"
    path.write_bytes(b"x")
    return path.stat().st_mtime - time.time()


@dataclass(frozen=True, slots=True)
class _Probe:
    """A folder of ours, to try names in."""

    folder: Path
    sleep: Callable[[float], object]

    def takes(self, name: str) -> bool:
        """Return whether the share keeps a file under just this name (some servers take it and keep another)."""
        try:
            (self.folder / name).write_bytes(b"x")
            return name in os.listdir(self.folder)
        except ValueError:
            return False
        except OSError as error:
            if error.errno in GONE:
                self._wait_until_it_answers()
            return False

    def _wait_until_it_answers(self) -> None:
        """Wait for a share that went away over a name that it did not like. Raises OSError if it stays away.

        Some break off the connection then (smbnetfs); the names that come after that are not at fault.
        """
        for seconds in _RETURN_SECONDS:
            try:
                (self.folder / "again").write_bytes(b"x")
            except OSError:
                self.sleep(seconds)
            else:
                return
        (self.folder / "again").write_bytes(b"x")


def _rules(probe: _Probe) -> ShareRules:
    folder = probe.folder
    if not probe.takes("plain"):
        raise UnsafeError("cannot write on the share", str(folder), hint="Is it full or read-only?")
    limits = os.statvfs(folder)
    return ShareRules(
        max_name_bytes=_longest_name(probe, limits.f_namemax or 255),
        forbidden_characters=frozenset(c for c in _SUSPECT_CHARACTERS if not probe.takes(f"a{c}b")),
        refuses_device_names=not probe.takes("aux"),
        refuses_trailing_dot=not probe.takes("dot."),
        is_case_blind=_is_case_blind(folder),
    )


def _longest_name(probe: _Probe, limit: int) -> int:
    """Return the longest name in bytes: eCryptfs says 143 only when it is tried."""
    for n_bytes in sorted({limit, 255, 143}, reverse=True):
        if n_bytes <= limit and probe.takes("n" * n_bytes):
            return n_bytes
    return 64


def _is_case_blind(folder: Path) -> bool:
    (folder / "case").write_bytes(b"lower")
    (folder / "CASE").write_bytes(b"upper")
    return (folder / "case").read_bytes() == b"upper"

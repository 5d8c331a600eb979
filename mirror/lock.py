"""The lock of a dataset on a share: a folder with one file, named by the run, and a counter in it that moves.

Two calls decide, and both do so on every file system that we know. A folder that is not empty cannot be renamed over,
so one run gets the lock. A name can be removed once, so one run takes over. Nothing hangs on flock, which succeeds for
everyone on some network file systems (huggingface_hub#4228), nor on O_EXCL, hard links, clocks or time stamps.

A holder is stale when its counter was not seen to move for `STALE_SECONDS` of our own clock; one of this machine also
when its process is gone. Before its lock is taken over its room under `tmp/` is removed: a run that wakes up then has
nothing to give a name to.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from glob import escape
from pathlib import Path
from types import TracebackType
from typing import Self

from mirror.errors import LockedError, UnsafeError
from mirror.store.share import MARKER, Share, unsafe_of
from mirror.store.staging import remove_room

STALE_SECONDS = 60.0
BEAT_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 0.05
"""Before something is asked again that another run, or the server of the share, was about to change."""
STALE_HANDLES = 5
"""How often in a row a file may be said to be stale: it was removed while it was read."""

_TOKEN = re.compile(r"[0-9a-f]{16}")
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.ENOENT}
"""What renaming onto a lock is answered with: somebody has it, or our own draft was swept with those of the dead."""
_MAYBE_TAKEN = {errno.EACCES, errno.EPERM, errno.EBUSY}
"""The same, of servers that are Windows; where nobody has the lock it means what it says."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as its file says."""

    token: str
    """Of this run; also the name of its room under `tmp/`, and of its files in the locks."""
    host: str
    boot: str
    """Kernel's boot id, so that a process number of before a restart means nothing."""
    pid: int
    pid_space: str
    """Of containers on one machine each has its own process numbers."""
    beat: int = 0
    started: int = 0
    """When the process began, as the kernel counts: numbers of processes are used again. 0 where nobody can tell."""

    @classmethod
    def of_this_process(cls) -> Self:
        """Return a new holder for this process, with a token of its own."""
        pid = os.getpid()
        return cls(
            secrets.token_hex(8), socket.gethostname(), _boot_id(), pid, _pid_space(), started=_started(pid) or 0
        )

    @classmethod
    def of_file(cls, name: str, text: bytes) -> Self:
        """Return the holder that a lock's file tells of, also of a newer version; of other text one that may live."""
        try:
            document = json.loads(text)
            known = {field.name for field in fields(cls)}
            holder = cls(**{key: value for key, value in document.items() if key in known})
            is_sound = all(type(getattr(holder, key)) is kind for key, kind in _KINDS.items())
        except (ValueError, TypeError, AttributeError):
            is_sound = False
        return holder if is_sound and 0 < holder.pid < 1 << 31 else cls(name, "", "", 0, "")

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" if self.pid else "a run that does not say its name"

    def to_json(self) -> bytes:
        """Return the text of a lock's file: never shorter than for an earlier beat."""
        return json.dumps(asdict(self)).encode()

    @property
    def is_known_dead(self) -> bool:
        """Whether the holder was a process of this machine that is gone.

        Of a machine with our name that runs since another time we know nothing: it may be another one of that name.
        """
        if (self.host, self.boot, self.pid_space) != (socket.gethostname(), _boot_id(), _pid_space()):
            return False
        return not is_process_alive(self.pid) or (self.started > 0 and _started(self.pid) not in (self.started, None))


_KINDS = {"token": str, "host": str, "boot": str, "pid": int, "pid_space": str, "beat": int, "started": int}


class DatasetLock:
    """Holds `<bucket>/<dataset>` on a share, as a context manager; its counter moves in a thread of its own.

    Leaving it with an UnsafeError when the lock is lost raises LockedError instead: that is why nothing could be
    written any more.

    Parameters
    ----------
    on_takeover
        Called with the stale holder when its lock was taken over.
    """

    def __init__(
        self,
        share: Share,
        bucket: str,
        dataset: str,
        holder: Holder,
        *,
        on_takeover: Callable[[Holder], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        stale_seconds: float = STALE_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
    ) -> None:
        self._share = share
        self._path = share.own / "locks" / bucket / f"{dataset}.lock"
        self._holder = holder
        self._ours = self._path / holder.token
        self._on_takeover = on_takeover
        self._sleep = sleep
        self._stale_seconds = stale_seconds
        self._beat_seconds = beat_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="oomirror-lock", daemon=True)

    def __enter__(self) -> Self:
        stale: list[Holder] = []
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            while not self._try_take():
                stale += self._take_from_stale()
            self._sweep()
        except OSError as error:
            self._let_go()
            raise unsafe_of(error, "cannot write the lock", self._path) from error
        for holder in stale:
            self._on_takeover(holder)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if isinstance(error, UnsafeError) and self._is_lost():
            raise _lost(self._path) from error
        self._let_go()

    def _let_go(self) -> None:
        with suppress(OSError):  # On a share that went away or is read-only now, what ended the run is to be told.
            self._ours.unlink(missing_ok=True)
            self._path.rmdir()

    # Taking

    def _try_take(self) -> bool:
        draft = self._path.with_name(f"{self._path.name}.{self._holder.token}.new")
        try:
            _write_draft(draft, self._holder)
            os.rename(draft, self._path)
        except OSError as error:
            if not self._is_refusal(error):
                _remove_folder(draft)
                raise
        # Asked in any case. A server may have done what its lost answer did not tell; and a draft that was swept under
        # our hands has no file in it.
        is_taken = self._ours.exists()
        _remove_folder(draft)
        return is_taken

    def _is_refusal(self, error: OSError) -> bool:
        """Return whether an error may mean that another run has the lock, or takes it at this moment."""
        if error.errno in _MAYBE_TAKEN:
            return self._path.exists()
        return error.errno in _TAKEN and self._path.parent.is_dir()

    def _take_from_stale(self) -> list[Holder]:
        """Take the lock away from who holds it, or wait a moment; return whose lock is free by our doing.

        Raises
        ------
        LockedError
            The holder lives.
        """
        first = self._read()
        if not first:
            with suppress(OSError):  # Somebody is about to let it go, or was killed then: it is empty, or not there.
                self._path.rmdir()
            self._sleep(LOOK_AGAIN_SECONDS)
            return []
        if self._holder.token in first:
            return []  # We have it, and were told so late.
        holders = {name: Holder.of_file(name, text) for name, text in first.items()}
        if not all(holder.is_known_dead for holder in holders.values()) and not self._is_still(first):
            return []
        for name in first:
            self._fence(name)
        # Of all who see the same stale lock one removes the file: names of files are never used again.
        return [holder for name, holder in holders.items() if _remove_file(self._path / name)]

    def _is_still(self, first: Mapping[str, bytes]) -> bool:
        """Return True when the counter was not seen to move for the whole time, False when the lock went away.

        Raises
        ------
        LockedError
            The counter moved.
        """
        for _ in range(max(1, round(self._stale_seconds))):
            self._sleep(min(1.0, self._stale_seconds))
            now = self._read()
            if not now:
                return False
            if now != first:
                raise self._locked(now)
        return True

    def _fence(self, name: str) -> None:
        """Take from a stale run what it could still write with: its room, and all other locks that it holds.

        Before its lock is free, so that no two runs can ever write.
        """
        if _TOKEN.fullmatch(name):
            remove_room(self._share, name)
            for file in _files_of(self._share, name):
                if file.parent != self._path:
                    _remove_file(file)
                    with suppress(OSError):
                        file.parent.rmdir()

    def _read(self) -> dict[str, bytes]:
        """Return what the lock's files say, by name; nothing where nobody holds it. Compared, never interpreted."""
        for number in range(STALE_HANDLES):
            try:
                return {path.name: path.read_bytes() for path in self._path.iterdir()}
            except FileNotFoundError:
                if not self._path.exists():
                    return {}
            except NotADirectoryError:
                return {"": self._path.read_bytes()}  # Somebody's file, under our lock's name.
            except OSError as error:
                if error.errno != errno.ESTALE or number == STALE_HANDLES - 1:
                    raise
            self._sleep(LOOK_AGAIN_SECONDS)
        return {}

    def _sweep(self) -> None:
        """Remove what runs that were killed while they took the lock left beside it.

        One that tries at this moment loses its draft, too: it then asks for the name itself, and finds it taken.
        """
        for path in self._path.parent.glob(f"{escape(self._path.name)}.*.new"):
            _remove_folder(path)

    def _locked(self, files: Mapping[str, bytes]) -> LockedError:
        return LockedError(
            "another run works on this dataset",
            str(self._path),
            found=" and ".join(str(Holder.of_file(*file)) for file in files.items()),
            hint="Wait until it has ended; two runs on different datasets may go side by side.",
        )

    # Holding

    def _beat(self) -> None:
        holder = self._holder
        while not self._stop.wait(self._beat_seconds):
            holder = replace(holder, beat=holder.beat + 1)
            try:
                self._write_beat(holder)
            except FileNotFoundError:
                if self._is_lost():
                    with suppress(OSError):  # Whoever took over may be of a kind that knows no fence.
                        remove_room(self._share, holder.token)
                    return
            except OSError:
                continue  # The transfer itself notices a share that is gone, with words for it.

    def _write_beat(self, holder: Holder) -> None:
        # In place, and never made anew: a run that was suspended cannot put its lock over that of its successor.
        descriptor = os.open(self._ours, os.O_WRONLY)
        try:
            os.pwrite(descriptor, holder.to_json(), 0)
        finally:
            os.close(descriptor)

    def _is_lost(self) -> bool:
        """Return whether our file is gone from a share that is there; asked twice, for some servers are late."""
        for _ in range(2):
            try:
                if self._ours.exists() or not (self._share.own / MARKER).exists():
                    return False
            except OSError:
                return False
            time.sleep(LOOK_AGAIN_SECONDS)
        return True


def check_held(share: Share, token: str) -> None:
    """Check that a run still holds its locks: one that was taken over has lost all of them.

    To be called after its room is made, and before anything is written in it: from then on it is the room that tells.

    Raises
    ------
    LockedError
        It holds none.
    UnsafeError
        The share cannot be read.
    """
    try:
        if not any(True for _ in _files_of(share, token)):
            raise _lost(share.own / "locks")
    except OSError as error:
        raise unsafe_of(error, "cannot read the locks", share.own) from error


def read_holder(path: Path) -> Holder | None:
    """Return who the lock says holds it; None if it is not there or cannot be read."""
    try:
        return next((Holder.of_file(file.name, file.read_bytes()) for file in path.iterdir()), None)
    except OSError:
        return None


def is_held(share: Share, bucket: str, dataset: str) -> bool:
    """Return whether somebody holds the lock of a dataset who is not known to be dead."""
    path = share.own / "locks" / bucket / f"{dataset}.lock"
    try:
        return any(not _holder_in(file).is_known_dead for file in path.iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True  # Who cannot look cannot say that nobody is there.


def live_tokens(share: Share) -> dict[str, Holder]:
    """Return the holders of all locks on the share whose process is not known to be dead, by token.

    One whose file cannot be read or understood counts as one that lives.
    """
    try:
        found = {path.name: _holder_in(path) for path in _files_of(share, "*")}
    except OSError as error:
        raise UnsafeError("cannot read the locks", str(share.own), found=str(error)) from error
    return {token: holder for token, holder in found.items() if not holder.is_known_dead}


def sweep_locks(share: Share) -> None:
    """Let go of the locks, and drafts of such, of processes known to be dead: nobody else may want the same."""
    with suppress(OSError):  # Left for the next one.
        for path in (*_files_of(share, "*"), *(share.own / "locks").glob("*/*.new/*")):
            if _TOKEN.fullmatch(path.name) and _holder_in(path).is_known_dead:
                _remove_file(path)
                with suppress(OSError):  # Somebody has it by now.
                    path.parent.rmdir()


def is_process_alive(pid: int) -> bool:
    """Return whether this machine runs a process of that number, ours or another user's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write_draft(draft: Path, holder: Holder) -> None:
    draft.mkdir(exist_ok=True)
    file = draft / holder.token
    file.write_bytes(holder.to_json())
    with suppress(OSError):  # As open to others as the folder of all locks: they are to see the counter move.
        mode = draft.parent.stat().st_mode & 0o7777
        file.chmod(0o644 | (mode & 0o066))
        draft.chmod(mode)


def _remove_file(path: Path) -> bool:
    """Return whether it was us who removed it. Raises OSError where nobody can."""
    try:
        path.unlink()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return False
    return True


def _remove_folder(path: Path) -> None:
    with suppress(OSError):
        for file in path.iterdir():
            file.unlink(missing_ok=True)
        path.rmdir()


def _files_of(share: Share, token: str) -> Iterator[Path]:
    return (share.own / "locks").glob(f"*/*.lock/{token}")


def _holder_in(path: Path) -> Holder:
    try:
        return Holder.of_file(path.name, path.read_bytes())
    except OSError:
        return Holder.of_file(path.name, b"")


def _lost(path: Path) -> LockedError:
    holder = read_holder(path)
    return LockedError(
        "this run lost its lock, because it stood still for too long",
        str(path),
        found=str(holder or "no lock"),
        hint="Nothing was written after that. Run the same command again; it goes on where this one stopped.",
    )


def _started(pid: int) -> int | None:
    """Return when a process began, in ticks of the kernel; None where nobody can tell, -1 of one that has ended."""
    try:
        # Behind the name, which may hold anything: state, and nineteen further on the time.
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return -1 if words[0] in "ZX" else int(words[19])
    except (OSError, IndexError, ValueError):
        return None


def _pid_space() -> str:
    try:
        # A name space of times has another zero to count from.
        return f"{os.readlink('/proc/self/ns/pid')} {_link('/proc/self/ns/time')}".strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""

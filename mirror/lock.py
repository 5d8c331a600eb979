"""The lock of a dataset on a share: a file with host, process and a counter that moves while its holder lives.

No flock: on network file systems it succeeds for everyone (huggingface_hub#4228). A holder is stale when its counter
was not seen to move for `STALE_SECONDS` of our own clock; one of this machine also when its process is gone.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from glob import escape
from pathlib import Path
from types import TracebackType
from typing import Self

from mirror.errors import LockedError, UnsafeError
from mirror.store.share import Share, unsafe_of

STALE_SECONDS = 60.0
BEAT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as its file says."""

    token: str
    """Of this run; also the name of its room under `tmp/`."""
    host: str
    boot: str
    """Kernel's boot id, so that a process number of before a restart means nothing."""
    pid: int
    pid_space: str
    """Of containers on one machine each has its own process numbers."""
    beat: int = 0

    @classmethod
    def of_this_process(cls) -> Self:
        """Return a new holder for this process, with a token of its own."""
        return cls(secrets.token_hex(8), socket.gethostname(), _boot_id(), os.getpid(), _pid_space())

    @property
    def is_known_dead(self) -> bool:
        """Whether the holder was a process of this machine that is gone."""
        if self.host != socket.gethostname():
            return False
        if self.boot != _boot_id():
            return True
        if self.pid_space != _pid_space():
            return False
        return not is_process_alive(self.pid)


class DatasetLock:
    """Holds `<bucket>/<dataset>` on a share, as a context manager; its counter moves in a thread of its own.

    Parameters
    ----------
    on_takeover
        Called with the stale holder when its lock is taken over.
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
    ) -> None:
        self._share = share
        self._path = share.own / "locks" / bucket / f"{dataset}.lock"
        self._holder = holder
        self._on_takeover = on_takeover
        self._sleep = sleep
        self._stale_seconds = stale_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="oomirror-lock", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            while not self._try_take(self._path):
                self._take_over_if_stale()
            self._sweep()
        except OSError as error:
            raise unsafe_of(error, "cannot write the lock", self._path) from error
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        holder = read_holder(self._path)
        if holder is not None and holder.token == self._holder.token:
            with suppress(OSError):  # On a share that went away or is read-only now, what ended the run is to be told.
                self._path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what runs that were killed while they wrote the lock left beside it.

        One that tries at this moment loses its file, too: it then asks for the name itself, and finds it taken.
        """
        for path in self._path.parent.glob(f"{escape(self._path.name)}.*.new"):
            path.unlink(missing_ok=True)

    def _try_take(self, name: Path) -> bool:
        temporary = self._write_beside(self._holder)
        try:
            # link fails if the name is there, on every file system that we know; O_EXCL did not on old NFS.
            os.link(temporary, name)
        except FileExistsError:
            return False
        except OSError:
            return self._try_take_exclusively(name)
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def _try_take_exclusively(self, name: Path) -> bool:
        try:
            with name.open("x", encoding="utf-8") as file:
                file.write(json.dumps(asdict(self._holder)))
        except FileExistsError:
            return False
        return True

    def _take_over_if_stale(self) -> None:
        first = read_holder(self._path)
        if not self._path.exists():
            return
        if (first is None or not first.is_known_dead) and not self._is_still(first):
            return
        # Only who holds the claim may remove a stale lock, so that nobody removes the lock of who was faster.
        claim = self._path.with_name(f"{self._path.name}.claim")
        if not self._try_take(claim):
            self._wait_for(claim)
            return
        try:
            if read_holder(self._path) == first and self._path.exists():
                self._path.unlink(missing_ok=True)
                if first is not None:
                    self._on_takeover(first)
        finally:
            claim.unlink(missing_ok=True)

    def _wait_for(self, claim: Path) -> None:
        """Wait a moment for who holds the claim; one whose process is gone is removed."""
        other = read_holder(claim)
        if other is not None and other.is_known_dead:
            claim.unlink(missing_ok=True)
        self._sleep(0.05)

    def _is_still(self, first: Holder | None) -> bool:
        """Return True when the counter was not seen to move for the whole time, False when the lock went away.

        Raises
        ------
        LockedError
            The counter moved.
        """
        for _ in range(max(1, round(self._stale_seconds))):
            self._sleep(min(1.0, self._stale_seconds))
            if not self._path.exists():
                return False
            if (now := read_holder(self._path)) != first:
                raise self._locked(now or first)
        return True

    def _locked(self, holder: Holder | None) -> LockedError:
        found = f"process {holder.pid} on {holder.host}" if holder else "another run"
        return LockedError(
            "another run works on this dataset",
            str(self._path),
            found=found,
            hint="Wait until it has ended; two runs on different datasets may go side by side.",
        )

    def _beat(self) -> None:
        holder = self._holder
        while not self._stop.wait(BEAT_SECONDS):
            holder = replace(holder, beat=holder.beat + 1)
            now = read_holder(self._path)
            if now is not None and now.token != holder.token:
                return  # We were suspended for so long that another run took over: the lock is its own now.
            try:
                self._write_beside(holder).replace(self._path)
            except OSError:
                continue  # The transfer itself notices a share that is gone, with words for it.

    def _write_beside(self, holder: Holder) -> Path:
        path = self._path.with_name(f"{self._path.name}.{holder.token}.new")
        path.write_text(json.dumps(asdict(holder)), encoding="utf-8")
        return path


def read_holder(path: Path) -> Holder | None:
    """Return who the lock file says holds it; None if it is not there or cannot be understood."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def is_held(share: Share, bucket: str, dataset: str) -> bool:
    """Return whether somebody holds the lock of a dataset who is not known to be dead."""
    holder = read_holder(share.own / "locks" / bucket / f"{dataset}.lock")
    return holder is not None and not holder.is_known_dead


def live_tokens(share: Share) -> dict[str, Holder]:
    """Return the holders of all locks on the share whose process is not known to be dead, by token."""
    try:
        holders = [read_holder(path) for path in (share.own / "locks").rglob("*.lock")]
    except OSError as error:
        raise UnsafeError("cannot read the locks", str(share.own), found=str(error)) from error
    return {holder.token: holder for holder in holders if holder is not None and not holder.is_known_dead}


def is_process_alive(pid: int) -> bool:
    """Return whether this machine runs a process of that number, ours or another user's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _pid_space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""

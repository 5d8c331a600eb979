"""Who holds a lock: a process of some machine, as it says itself, and whether it is known to be gone."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self


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
        except (ValueError, TypeError, AttributeError, RecursionError):
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
        Nor where the system does not tell since when it runs.
        """
        here = (socket.gethostname(), _boot_id(), _pid_space())
        if not self.boot or (self.host, self.boot, self.pid_space) != here:
            return False
        return not is_process_alive(self.pid) or (self.started > 0 and _started(self.pid) not in (self.started, None))


_KINDS = {"token": str, "host": str, "boot": str, "pid": int, "pid_space": str, "beat": int, "started": int}


def is_process_alive(pid: int) -> bool:
    """Return whether this machine runs a process of that number, ours or another user's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def seconds_of_process(pid: int) -> float | None:
    """Return how long a process has been there, by no clock that can be set; None where nobody can tell."""
    ticks = _started(pid)
    if ticks is None or ticks < 0 or not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _started(pid: int) -> int | None:
    """Return when a process began, in ticks of the kernel; None where nobody can tell, -1 of one that has ended."""
    # In a name space of processes that has no /proc of its own, the numbers there are those of others.
    if _link("/proc/self") != str(os.getpid()):
        return None
    try:
        # Behind the name, which may hold anything: state, and nineteen further on the time.
        words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return -1 if words[0] in "ZX" else int(words[19])
    except (OSError, IndexError, ValueError):
        return None


def _pid_space() -> str:
    # A name space of times has another zero to count from.
    return f"{_link('/proc/self/ns/pid')} {_link('/proc/self/ns/time')}".strip()


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

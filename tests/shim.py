"""A share of a network file system: what the operating system answers for files below a folder, as it is told.

In this process by `shim`; in others by a variable of the environment, which `tests/shim_site` reads at their start, so
that worker processes meet the same. The calls themselves are replaced, whoever makes them; of C code only `syncfs`.
"""

from __future__ import annotations

import builtins
import ctypes
import errno
import io
import json
import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

VARIABLE = "OOMIRROR_TEST_SHIM"
SITE = Path(__file__).with_name("shim_site")
FOR_EVER = 1 << 30

_BY_DESCRIPTOR = ("write", "pwrite", "fsync", "close", "fchmod", "fchown")
_BY_PATH = (
    *("open", "stat", "lstat", "statvfs", "scandir", "listdir", "access", "truncate", "unlink", "remove"),
    *("mkdir", "rmdir", "rename", "replace", "link", "utime", "chmod", "chown"),
)
_BY_TARGET = ("rename", "replace", "link")
"""Their second path is the one that counts."""
_CREATE = ("open", "mkdir", *_BY_TARGET)


@dataclass(frozen=True)
class Fault:
    """Some calls fail."""

    call: str
    """Name in `os`, or `syncfs`."""
    number: int
    """What they fail with (`errno`)."""
    of: str = ""
    """Part of the path, as a regular expression; of a call with two paths of the second."""
    n_before: int = 0
    """How many calls pass before."""
    n_times: int = 1
    is_done: bool = False
    """Whether the call is done all the same, and only its answer lost."""


@dataclass(frozen=True)
class Ways:
    """What the file system is like, besides."""

    max_name_bytes: int = 0
    """Longer names are refused; 0 lets all pass."""
    counts_inodes: bool = True
    counts_bytes: bool = True
    n_late_listings: int = 0
    """So many listings of a folder do not show a name that was new before them, unless it is touched."""
    time_step_seconds: int = 0
    """Time stamps are cut to this."""


@dataclass
class Met:
    """What befell so far."""

    faults: Counter[Fault] = field(default_factory=Counter)
    calls: Counter[Fault] = field(default_factory=Counter)
    late: dict[str, dict[str, int]] = field(default_factory=dict)
    """Folder, then name, to how many listings still hide it."""


class _Shim:
    """Replaces the calls of `os`, and puts them back."""

    def __init__(self, root: str, faults: Sequence[Fault], ways: Ways) -> None:
        self._root = root.rstrip("/")
        self._faults = faults
        self._ways = ways
        self._lock = threading.Lock()
        self._real: dict[str, Callable[..., Any]] = {}
        self.met = Met()

    def put_in(self) -> None:
        for name in {*_BY_DESCRIPTOR, *_BY_PATH}:
            self._real[name] = getattr(os, name)
            setattr(os, name, self._replaced(name))
        self._open = builtins.open
        opens = self._opened(builtins.open)
        builtins.open = io.open = opens
        self._cdll = ctypes.CDLL
        ctypes.CDLL = self._library  # type: ignore[assignment,misc]

    def take_out(self) -> None:
        for name, call in self._real.items():
            setattr(os, name, call)
        builtins.open = io.open = self._open
        ctypes.CDLL = self._cdll  # type: ignore[misc]

    def _opened(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(file: Any, *arguments: Any, **knobs: Any) -> Any:
            path = self._path_of("open", (file,), {}) if not isinstance(file, int) else None
            if path is not None:
                if fault := self._fault("open", path):
                    raise OSError(fault.number, os.strerror(fault.number), path)
                self._check_name("open", path)
            return real(file, *arguments, **knobs)

        return call

    def _replaced(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(*arguments: Any, **knobs: Any) -> Any:
            path = self._path_of(name, arguments, knobs)
            if path is None:
                return real(*arguments, **knobs)
            fault = self._fault(name, path)
            if fault is None or fault.is_done:
                self._check_name(name, path)
                if name == "utime":
                    # As NFS does: a change of our own tells that there were others'.
                    self.met.late.pop(path, None)
                if name == "utime" and self._ways.time_step_seconds:
                    step = self._ways.time_step_seconds
                    arguments = (arguments[0], tuple(int(one) // step * step for one in arguments[1]))
                try:
                    answer = real(*arguments, **knobs)
                except OSError:
                    if fault is not None:
                        self._keep_for_later(fault)
                    raise
                if name in _BY_TARGET:
                    self._hide(path)
                if fault is None:
                    return self._as_it_is_told(name, path, answer)
            raise OSError(fault.number, os.strerror(fault.number), path)

        return call

    def _path_of(self, name: str, arguments: Sequence[Any], knobs: Mapping[str, Any]) -> str | None:
        """Return the path that a call is about, or None if it is none of ours."""
        folder = knobs.get("dir_fd")
        if not arguments or (folder is not None and name != "open") or knobs.get("src_dir_fd") is not None:
            return None
        one = arguments[1] if name in _BY_TARGET else arguments[0]
        with suppress(OSError, TypeError, ValueError):
            if isinstance(one, int):
                one = os.readlink(f"/proc/self/fd/{one}")
            if folder is not None:
                one = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), one)
            path = os.path.abspath(os.fsdecode(one))
            return path if path == self._root or path.startswith(f"{self._root}/") else None
        return None

    def _fault(self, call: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.call != call or not re.search(fault.of, path.removeprefix(self._root)):
                    continue
                self.met.calls[fault] += 1
                if fault.n_before < self.met.calls[fault] <= fault.n_before + fault.n_times:
                    self.met.faults[fault] += 1
                    return fault
        return None

    def _keep_for_later(self, fault: Fault) -> None:
        """Let the next call meet a fault whose call was not done: the file system itself refused it."""
        with self._lock:
            self.met.calls[fault] -= 1
            self.met.faults[fault] -= 1

    def _check_name(self, call: str, path: str) -> None:
        most = self._ways.max_name_bytes
        if most and call in _CREATE and len(os.fsencode(os.path.basename(path))) > most:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path)

    def _hide(self, path: str) -> None:
        if self._ways.n_late_listings:
            folder, name = os.path.split(path)
            with self._lock:
                self.met.late.setdefault(folder, {})[name] = self._ways.n_late_listings

    def _as_it_is_told(self, name: str, path: str, answer: Any) -> Any:
        if name == "statvfs":
            shown = list(answer)
            if not self._ways.counts_bytes:
                shown[2:5] = 0, 0, 0
            if not self._ways.counts_inodes:
                shown[5:8] = 0, 0, 0
            return os.statvfs_result(shown)
        if name in ("scandir", "listdir") and (late := self.met.late.get(path)):
            hidden = {one for one, n_listings in late.items() if n_listings > 0}
            for one in hidden:
                late[one] -= 1
            if name == "listdir":
                return [one for one in answer if one not in hidden]
            return _Entries([entry for entry in answer if entry.name not in hidden], answer.close)
        return answer

    def _library(self, name: str | None, *arguments: Any, **knobs: Any) -> Any:
        real = self._cdll(name, *arguments, **knobs)
        return _Library(real, self) if name is None else real

    def syncfs(self, real: Any, descriptor: int) -> int:
        path = self._path_of("fsync", (descriptor,), {})
        fault = self._fault("syncfs", path) if path else None
        if fault is None:
            return int(real.syncfs(descriptor))
        ctypes.set_errno(fault.number)
        return -1


class _Entries:
    """What `os.scandir` returns, without what is hidden."""

    def __init__(self, entries: Sequence[Any], close: Callable[[], None]) -> None:
        self._entries = iter(entries)
        self.close = close

    def __iter__(self) -> Iterator[Any]:
        return self._entries

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Library:
    """The C library with another `syncfs`."""

    def __init__(self, real: Any, ours: _Shim) -> None:
        self._real = real
        self._ours = ours

    def syncfs(self, descriptor: int) -> int:
        return self._ours.syncfs(self._real, descriptor)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Steps(_Shim):
    """Does something before one call, once, and counts."""

    def __init__(self, root: str, at: int | str, act: Callable[[], object]) -> None:
        super().__init__(root, (), Ways())
        self._at = at
        self._act = act
        self._has_acted = False
        self._acting: int | None = None
        """The thread that is about it."""
        self._end: BaseException | None = None
        self.calls: list[str] = []

    def _fault(self, call: str, path: str) -> Fault | None:
        if self._end is not None:
            raise self._end
        if threading.get_ident() == self._acting:
            return None
        self.calls.append(f"{call} {path}")
        if not self._has_acted and self._is_it(self.calls[-1]):
            self._has_acted, self._acting = True, threading.get_ident()
            try:
                self._act()
            except BaseException as end:
                self._end = end
                raise
            finally:
                self._acting = None
        return None

    def _is_it(self, call: str) -> bool:
        return len(self.calls) == self._at if isinstance(self._at, int) else bool(re.search(self._at, call))


@contextmanager
def steps(root: Path, at: int | str, act: Callable[[], object]) -> Iterator[list[str]]:
    """Let something happen before a call below a folder; give the calls so far.

    It is the call of that number, or the first that the expression finds, as `rename /share/to`. What happens is not
    counted. If it raises, so does each later call, as of a process that is not there any more.
    """
    made = _Steps(os.path.abspath(root), at, act)
    made.put_in()
    try:
        yield made.calls
    finally:
        made.take_out()


@contextmanager
def shim(root: Path, *faults: Fault, ways: Ways = Ways()) -> Iterator[Met]:
    """Let this process find such a file system below a folder; give what befell."""
    made = _Shim(os.path.abspath(root), faults, ways)
    made.put_in()
    try:
        yield made.met
    finally:
        made.take_out()


def variables(root: Path, *faults: Fault, ways: Ways = Ways()) -> dict[str, str]:
    """Return the environment in which a process, and those that it starts, find such a file system below a folder."""
    checkout = str(SITE.parents[1])
    told = {"root": os.path.abspath(root), "faults": [asdict(fault) for fault in faults], "ways": asdict(ways)}
    return {VARIABLE: json.dumps(told), "PYTHONPATH": os.pathsep.join((str(SITE), checkout))}


def put_in_from_environment() -> None:
    """Do what `variables` says, for as long as the process lives."""
    if text := os.environ.get(VARIABLE):
        told = json.loads(text)
        _Shim(told["root"], [Fault(**fault) for fault in told["faults"]], Ways(**told["ways"])).put_in()

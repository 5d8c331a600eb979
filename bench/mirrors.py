"""Runs of a tool into folders: a new one each time, or one that it has filled already; what lies there is checked."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from bench.measure import Measured
from bench.objects import Objects
from bench.origins import Origin
from bench.tools import Tool, Turn
from mirror.errors import MirrorError

_PREFIX = "oomirror-bench-"


class Runner(Protocol):
    """What lets a tool run once."""

    def run(self, tool: Tool) -> Measured:
        """Return what one run took, after what it left has been checked."""
        ...


@dataclass(frozen=True, slots=True)
class FirstMirrors:
    """Each run mirrors everything, into a new folder that is removed afterwards."""

    origin: Origin
    objects: Objects
    parent: Path

    def run(self, tool: Tool) -> Measured:
        """Return what it took."""
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=self.parent) as name:
            folder = Path(name)
            tool.prepare(self.origin, folder)
            measured = tool.run(Turn.FIRST, self.origin, self.objects, folder)
            check_files(tool.root(folder), self.objects)
            return measured


class RepeatedMirrors:
    """Each run finds a whole mirror, which was made before and not measured: there is nothing to do.

    Used as `with RepeatedMirrors(...) as runner`.
    """

    def __init__(self, origin: Origin, objects: Objects, parent: Path) -> None:
        self._origin = origin
        self._objects = objects
        self._parent = parent
        self._folders: dict[str, Path] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def run(self, tool: Tool) -> Measured:
        """Return what a run with nothing to do took.

        Raises
        ------
        MirrorError
            A file was written, or is gone.
        """
        folder = self._filled_by(tool.filler)
        root = tool.root(folder)
        before = frozenset(_files(root))
        measured = tool.run(Turn.AGAIN, self._origin, self._objects, folder)
        changed = before ^ frozenset(_files(root))
        if changed:
            raise MirrorError(f"{tool.name} did something", expected="nothing to do", found=f"changed: {min(changed)}")
        return measured

    def _filled_by(self, tool: Tool) -> Path:
        if tool.name not in self._folders:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX, dir=self._parent)))
            tool.prepare(self._origin, folder)
            tool.run(Turn.FIRST, self._origin, self._objects, folder)
            check_files(tool.root(folder), self._objects)
            self._folders[tool.name] = folder
        return self._folders[tool.name]


def check_files(root: Path, objects: Objects) -> None:
    """Check that every object lies under `root` with its bytes, and nothing else.

    Raises
    ------
    MirrorError
        A file is missing, wrong or too many.
    """
    n_files = sum(len(names) for _, _, names in os.walk(root))
    if n_files != objects.n_objects:
        raise MirrorError(
            "not as many files as objects", str(root), expected=f"{objects.n_objects}", found=f"{n_files}"
        )
    for key, digest in objects.digests.items():
        found = hashlib.md5((root / key).read_bytes(), usedforsecurity=False).hexdigest()
        if found != digest:
            raise MirrorError("not the object's bytes", str(root / key), expected=digest, found=found)


def _files(root: Path) -> Iterator[tuple[str, int, int]]:
    """Yield path, inode and change time of each file: one of these differs in what was written or replaced."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            status = os.stat(path)
            yield path, status.st_ino, status.st_ctime_ns

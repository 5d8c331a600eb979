"""The folder that an export goes to: its files are replaced one by one, and nobody else's is ever touched."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mirror.errors import MirrorError, UnsafeError, UsageError

SCHEMA_FILE = "schema.json"
MADE_BY = "oomirror catalog export"


class ExportFolder:
    """A folder, with what an earlier export wrote there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._earlier = _earlier_files(root)
        self._names: frozenset[str] = frozenset()

    @property
    def left_over(self) -> tuple[str, ...]:
        """Files of an earlier export that this one does not write, sorted; they stay."""
        there = (name for name in self._earlier - self._names if (self.root / name).exists())
        return tuple(sorted(there))

    def claim(self, names: Iterable[str]) -> None:
        """Take these names for the export, the folder made where there is none.

        Raises
        ------
        UsageError
            A file lies under one of them that no export of ours wrote.
        """
        self._names = frozenset(names)
        foreign = [name for name in sorted(self._names - self._earlier) if (self.root / name).exists()]
        if foreign:
            raise UsageError(
                "will not overwrite a file of others",
                str(self.root / foreign[0]),
                expected="a folder of its own, or that of an earlier export",
                hint="Name another folder with --to.",
            )
        with written(self.root):
            for name in self._names:
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def new_file(self, name: str) -> Iterator[Path]:
        """Yield a path to write to; at the end it becomes the file, and after a failure nothing stays of it."""
        target = self.root / name
        partial = target.with_name(f".{target.name}.part")
        with written(target):
            try:
                yield partial
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)

    def describe(self, document: Mapping[str, Any]) -> None:
        """Write what the export holds; with it the next export knows which files are of this one."""
        with self.new_file(SCHEMA_FILE) as file:
            whole = {"made_by": MADE_BY, **document, "older_files": list(self.left_over)}
            file.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def written(place: Path) -> Iterator[None]:
    """Raise what the file system says in the body as an error of the export."""
    try:
        yield
    except OSError as error:
        words = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UnsafeError("no room left for the export", str(place), found=words) from error
        raise MirrorError("cannot write the export", str(place), found=words) from error


def _earlier_files(root: Path) -> frozenset[str]:
    file = root / SCHEMA_FILE
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return frozenset()
    if not isinstance(document, dict) or document.get("made_by") != MADE_BY:
        return frozenset()
    names = [name for part in ("files", "manifests", "older_files") for name in document.get(part, ())]
    return frozenset({SCHEMA_FILE, *map(str, names)})

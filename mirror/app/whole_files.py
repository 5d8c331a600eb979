"""Files that a command writes on request: each whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mirror.errors import MirrorError, UsageError


def check_places(*places: Path | None) -> None:
    """Check that files can be written there: before hours of work, not after.

    Raises
    ------
    UsageError
        A place is a folder, is in none, or is in one that may not be written.
    """
    for path in places:
        if path is None:
            continue
        if path.is_dir():
            raise UsageError("cannot write the file", str(path), expected="the name of a file", found="a folder")
        if not path.parent.is_dir():
            raise UsageError("cannot write the file", str(path), found=f"no folder {path.parent}")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise UsageError("cannot write the file", str(path), found=f"{path.parent} may not be written")


def check_png(path: Path) -> None:
    """Check that the name is not that of another kind of picture.

    Raises
    ------
    UsageError
        It is: programs would take what is in the file for that.
    """
    if path.suffix.lower() in _OTHER_PICTURES:
        raise UsageError("only PNG is drawn", str(path), hint=f"Name it {path.with_suffix('.png').name}.")


_OTHER_PICTURES = {".bmp", ".gif", ".jpeg", ".jpg", ".pdf", ".svg", ".tif", ".tiff", ".webp"}


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file in place of what is there; return its absolute path.

    Raises
    ------
    MirrorError
        It cannot be written; what was there is left as it is.
    """
    with _told(path, "the file"):
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # A pipe or a device is no file to replace.
            return path.absolute()
    with whole_file(path) as partial:
        partial.write_bytes(data)
    return path.absolute()


@contextmanager
def whole_file(path: Path, what: str = "the file") -> Iterator[Path]:
    """Give the name under which a file is to be written; it gets its own at the end, in place of what is there.

    Whatever ends it before, be it Ctrl-C, nothing is left of it, and what was there stays as it is.

    Raises
    ------
    MirrorError
        It cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _told(path, what):
            yield partial
            partial.replace(path)
    finally:
        with suppress(OSError):  # It has its name by now, or its folder is gone.
            partial.unlink()


@contextmanager
def _told(path: Path, what: str) -> Iterator[None]:
    """Raise MirrorError for what the system says of a file."""
    try:
        yield
    except OSError as error:
        raise MirrorError(f"cannot write {what}", str(path), found=error.strerror or str(error)) from error

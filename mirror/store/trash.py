"""The trash on the share: `.oomirror/trash/<run>/<bucket>/<key>`, and beside it what each run meant to move there.

All that is needed to read it lies in it, so that it can be read without a catalog. It is never emptied by itself.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from mirror.errors import UnsafeError
from mirror.store.disk import fsync_file
from mirror.store.share import FULL, GONE, FileError, Share, unsafe_of

# A bucket's name begins with a letter or a digit: neither can be one.
NOTE = ".run.json"
JOURNAL = ".objects.jsonl"
_END = "end"


@dataclass(frozen=True, slots=True)
class Note:
    """What a run says of its trash."""

    started_at: str
    """ISO 8601, UTC."""
    bucket: str
    """As S3 calls it."""
    datasets: tuple[str, ...]
    run: int | None = None
    """Number of the run in the catalog that was used."""


class Trashed(NamedTuple):
    """One object that a run was to move to its trash."""

    relative: str
    """`<bucket>/<key>`."""
    size: int
    etag: str
    """Packed, in hexadecimal digits; empty where it was not known."""


@dataclass(frozen=True, slots=True)
class TrashedRun:
    """The trash of one run."""

    folder: Path
    note: Note | None
    """None where the run was killed before it wrote one, or the note cannot be read."""
    begun_at: datetime
    """As the note says, else as the share's clock had it, in UTC."""

    @property
    def name(self) -> str:
        """What users call it."""
        return self.folder.name

    def files(self) -> Iterator[tuple[str, int]]:
        """Yield `<bucket>/<key>` and bytes of each file, in the order of folders. Raises UnsafeError."""
        yield from _files_below(self.folder, "")


def trashed_runs(share: Share) -> tuple[TrashedRun, ...]:
    """Return the trash of all runs, the oldest first. Raises UnsafeError where the share cannot be read."""
    root = share.own / "trash"
    try:
        with os.scandir(root) as entries:
            folders = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
        runs = [_run_in(folder) for folder in folders]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise unsafe_of(error, "cannot read the trash", root) from error
    return tuple(sorted(runs, key=lambda run: (run.begun_at, run.name)))


def write_note(folder: Path, note: Note) -> None:
    """Say in a run's trash what run it is, if it has any trash. Raises UnsafeError."""
    try:
        if folder.is_dir():
            (folder / NOTE).write_text(json.dumps({"schema": 1, **asdict(note)}, indent=1), encoding="utf-8")
    except OSError as error:
        raise unsafe_of(error, "cannot write on the share", folder) from error


class Journal:
    """What a run is about to move to its trash, written before the rows are forgotten.

    A run that is killed between its rows and its files leaves files that the catalog does not know: `pending` finds
    them. `begin` and `end` raise UnsafeError where the share cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL

    def begin(self, objects: Sequence[Trashed]) -> None:
        """Say that these objects are about to be moved."""
        self._append([list(one) for one in objects])

    def end(self, left: Sequence[str] = ()) -> None:
        """Say that what was begun is done, but for those that could not be moved."""
        self._append([{_END: list(left)}])

    def _append(self, lines: Sequence[Any]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(f"{json.dumps(line)}\n" for line in lines)
            fsync_file(str(self._path))
        except OSError as error:
            raise unsafe_of(error, "cannot write on the share", self._path) from error


def journaled(run: TrashedRun) -> Iterator[Trashed]:
    """Yield all objects that a run was to move, in its order."""
    return (Trashed(*line) for line in _lines(run.folder) if isinstance(line, list))


def pending(run: TrashedRun) -> list[Trashed]:
    """Return the objects that a run was to move and did not, as far as it says."""
    begun: dict[str, Trashed] = {}
    left: list[Trashed] = []
    for line in _lines(run.folder):
        if isinstance(line, list):
            begun[str(line[0])] = Trashed(*line)
        else:
            left += [begun[name] for name in line[_END] if name in begun]
            begun = {}
    return [*left, *begun.values()]


def move_to_trash(share: Share, folder: Path, relative: str) -> bool:
    """Move a file into a run's trash under its own name; return whether there was one.

    Raises
    ------
    FileError
        This file cannot be moved, or is no file.
    UnsafeError
        The share is full, read-only or gone, or another file system is mounted below it.
    """
    path, target = share.root / relative, folder / relative
    try:
        if path.is_dir() and not path.is_symlink():
            raise FileError("cannot move to the trash", relative, expected="a file", found="a folder")
        _check_there(share)  # Else its trash would be made anew on the disk below the mount point.
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(path, target)
    except FileNotFoundError:
        _check_there(share)
        return False
    except OSError as error:
        raise _error_of(error, "cannot move to the trash", relative) from error
    return True


def move_back(share: Share, run: TrashedRun, relative: str) -> None:
    """Give a file of the trash its name again, replacing what has that name. Raises as `move_to_trash`."""
    target = share.root / relative
    try:
        _check_there(share)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(run.folder / relative, target)
    except OSError as error:
        raise _error_of(error, "cannot move out of the trash", relative) from error


def _check_there(share: Share) -> None:
    if not os.path.isdir(share.own):
        raise UnsafeError("the share went away", str(share.root), hint="Is it mounted?")


def _error_of(error: OSError, what: str, relative: str) -> FileError | UnsafeError:
    if error.errno == errno.EXDEV:
        return UnsafeError(
            what,
            relative,
            found="another file system, mounted below the share",
            hint="Only a rename is safe, so nothing was moved: move it by hand, or make it a share of its own.",
        )
    if error.errno in FULL | GONE | {errno.EROFS}:
        return unsafe_of(error, what, relative)
    return FileError(what, relative, found=error.strerror or str(error))


def check_one_file_system(share: Share, relatives: Sequence[str]) -> None:
    """Check that files can be renamed into the trash.

    Raises
    ------
    UnsafeError
        They lie on another file system than `.oomirror`.
    """
    own = os.stat(share.own).st_dev
    for folder in sorted({os.path.dirname(relative) for relative in relatives}):
        with suppress(OSError):  # Not there: then nothing is to be moved, either.
            if os.stat(share.root / folder).st_dev != own:
                raise _error_of(OSError(errno.EXDEV, ""), "cannot move to the trash", folder)


def remove_empty_folders(top: Path, folders: Sequence[Path]) -> None:
    """Remove folders that are empty, and those above them that then are, up to `top`, which stays."""
    for lowest in sorted(set(folders), reverse=True):
        for folder in (lowest, *lowest.parents):
            if top not in folder.parents:
                break
            try:
                os.rmdir(folder)
            except FileNotFoundError:
                continue
            except OSError:
                break


def remove_run(run: TrashedRun) -> None:
    """Remove a run's trash for good. Raises UnsafeError where that is refused."""
    try:
        shutil.rmtree(run.folder)
    except OSError as error:
        raise unsafe_of(error, "cannot empty the trash", run.folder) from error


def _run_in(folder: Path) -> TrashedRun:
    note = None
    with suppress(OSError, ValueError, TypeError, KeyError):
        said = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        note = Note(said["started_at"], said["bucket"], tuple(said["datasets"]), said["run"])
        return TrashedRun(folder, note, datetime.fromisoformat(note.started_at))
    return TrashedRun(folder, None, datetime.fromtimestamp(int(folder.stat().st_mtime), UTC))


def _lines(folder: Path) -> Iterator[Any]:
    try:
        with (folder / JOURNAL).open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue  # Torn by a power cut: its rows are still there.
    except FileNotFoundError:
        return


def _files_below(folder: Path, relative: str) -> Iterator[tuple[str, int]]:
    try:
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
        for entry in inside:
            name = f"{relative}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from _files_below(Path(entry.path), f"{name}/")
            elif relative:
                yield name, entry.stat(follow_symlinks=False).st_size
    except OSError as error:
        raise unsafe_of(error, "cannot read the trash", folder) from error

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
    changed_at: datetime
    """When the folder last changed, by the share's clock, in UTC."""

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
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise unsafe_of(error, "cannot read the trash", root) from error
    runs = [run for folder in folders if (run := _run_in(folder)) is not None]
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
    them. All methods raise UnsafeError where the share cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL

    def begin(self, objects: Sequence[Trashed]) -> None:
        """Say that these objects are about to be moved, to the trash or out of it."""
        self._append([list(one) for one in objects])

    def end(self, left: Sequence[str] = ()) -> None:
        """Say that what was begun is done, but for those that could not be moved."""
        self._append([{"end": list(left)}])

    def settle(self, names: Sequence[str]) -> None:
        """Say that of these, whether begun or left, nothing remains to be done: the catalog is right about them."""
        self._append([{"settled": list(names)}])

    def _append(self, lines: Sequence[Any]) -> None:
        folder = self._path.parent
        try:
            _make_folders(folder.parents[1], folder)
            with self._path.open("a", encoding="utf-8") as file:
                # On a line of its own, whatever a power cut left of the last one.
                file.writelines(["\n", *(f"{json.dumps(line)}\n" for line in lines)])
            fsync_file(str(self._path))
        except OSError as error:
            raise unsafe_of(error, "cannot write on the share", self._path) from error


def journaled(run: TrashedRun) -> Iterator[Trashed]:
    """Yield all objects that a run was to move, in its order. Raises UnsafeError where that cannot be read."""
    return (line for line in _lines(run.folder) if isinstance(line, Trashed))


def pending(run: TrashedRun) -> list[Trashed]:
    """Return the objects that a run was to move and did not, as far as it says. Raises as `journaled`."""
    begun: dict[str, Trashed] = {}
    left: dict[str, Trashed] = {}
    for line in _lines(run.folder):
        match line:
            case Trashed():
                begun[line.relative] = line
            case _End():
                left |= {name: begun[name] for name in line.left if name in begun}
                begun = {}
            case _Settled():
                for name in line.names:
                    begun.pop(name, None)
                    left.pop(name, None)
    return list((left | begun).values())


def is_on_share(share: Share, one: Trashed) -> bool:
    """Return whether what has the name of an object on the share may be its file: it is as long."""
    try:
        return (share.root / one.relative).lstat().st_size == one.size
    except OSError:
        return False


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
        _check_there(share)
        _make_folders(share.own, target.parent)
        return _is_moved(share, path, target)
    except OSError as error:
        raise error_of(error, "cannot move to the trash", relative) from error


def _is_moved(share: Share, path: Path, target: Path) -> bool:
    """Return whether a file was there and is moved. Raises OSError."""
    try:
        os.rename(path, target)
    except FileNotFoundError:
        _check_there(share)
        if not os.path.lexists(path):
            return False
        os.rename(path, target)  # Some say so once. Taken for gone, it would be a file that nobody knows.
    return True


def _make_folders(own: Path, folder: Path) -> None:
    """Make what is missing of a folder, but not our own: where that is gone, so is the share."""
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError:
        if folder.parent == own:
            raise
        _make_folders(own, folder.parent)
        folder.mkdir(exist_ok=True)


def _check_there(share: Share) -> None:
    if not os.path.isdir(share.own):
        raise UnsafeError("the share went away", str(share.root), hint="Is it mounted?")


def error_of(error: OSError, what: str, relative: str) -> FileError | UnsafeError:
    """Return the error that an answer of the share stands for: of one file, or one that ends the run."""
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
        They lie on another file system than the trash, or the share went away.
    """
    trash = share.own / "trash"
    try:
        own = os.stat(trash if trash.exists() else share.own).st_dev
    except OSError as error:
        raise unsafe_of(error, "cannot read the trash", trash) from error
    for folder in sorted({os.path.dirname(relative) for relative in relatives}):
        with suppress(OSError):  # Not there: then nothing is to be moved, either.
            if os.stat(share.root / folder).st_dev != own:
                raise error_of(OSError(errno.EXDEV, ""), "cannot move to the trash", folder)


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


def remove_run(share: Share, run: TrashedRun) -> None:
    """Remove a run's trash for good. Raises UnsafeError where that is refused.

    Its journal stays while it names files on the share of which the catalog may not know: the next run that deletes
    settles them.
    """
    kept = {NOTE, JOURNAL} if any(is_on_share(share, one) for one in pending(run)) else set()
    try:
        for name in sorted(set(os.listdir(run.folder)) - kept, reverse=True):  # What says what it was comes last.
            path = run.folder / name
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        if not kept:
            run.folder.rmdir()
    except FileNotFoundError:
        return  # Somebody was faster.
    except OSError as error:
        raise unsafe_of(error, "cannot empty the trash", run.folder) from error


def remove_if_settled(run: TrashedRun) -> None:
    """Remove a run's trash of which nothing is left but our notes, and of which nothing is pending."""
    if pending(run):
        return
    with suppress(OSError):
        if set(os.listdir(run.folder)) <= {NOTE, JOURNAL}:
            for name in (NOTE, JOURNAL):
                (run.folder / name).unlink(missing_ok=True)
            run.folder.rmdir()


def _run_in(folder: Path) -> TrashedRun | None:
    """Return the trash in a folder; None where it has just been removed."""
    try:
        changed_at = datetime.fromtimestamp(int(folder.stat().st_mtime), UTC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unsafe_of(error, "cannot read the trash", folder) from error
    note = None
    with suppress(OSError, ValueError, TypeError, KeyError):
        said = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        note = Note(said["started_at"], said["bucket"], tuple(said["datasets"]), said["run"])
        begun_at = datetime.fromisoformat(note.started_at).astimezone(UTC)
        return TrashedRun(folder, note, begun_at, changed_at)
    return TrashedRun(folder, None, changed_at, changed_at)


class _End(NamedTuple):
    left: list[str]


class _Settled(NamedTuple):
    names: list[str]


def _lines(folder: Path) -> Iterator[Trashed | _End | _Settled]:
    try:
        # Whatever a power cut left in it: the rows of what a torn line named are still there.
        with (folder / JOURNAL).open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if (parsed := _parsed(line)) is not None:
                    yield parsed
    except FileNotFoundError:
        return
    except OSError as error:
        raise unsafe_of(error, "cannot read the trash", folder / JOURNAL) from error


def _parsed(line: str) -> Trashed | _End | _Settled | None:
    with suppress(ValueError):
        match json.loads(line):
            case [str(relative), int(size), str(etag)]:
                bytes.fromhex(etag)
                return Trashed(relative, size, etag)
            case {"end": list(names)}:
                return _End([str(name) for name in names])
            case {"settled": list(names)}:
                return _Settled([str(name) for name in names])
    return None


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
    except FileNotFoundError:
        return  # Restored or removed just now.
    except OSError as error:
        raise unsafe_of(error, "cannot read the trash", folder) from error

"""The trash on the share: its journal, its moves, and what it refuses."""

from __future__ import annotations

import errno
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mirror.errors import UnsafeError
from mirror.store.share import FileError, Share
from mirror.store.trash import (
    JOURNAL,
    Journal,
    Note,
    Trashed,
    check_one_file_system,
    move_to_trash,
    pending,
    remove_empty_folders,
    trashed_runs,
    write_note,
)
from tests.shim import Fault, shim

ONE, TWO, THREE = (Trashed(f"bucket/{name}", 1, "") for name in "123")


@pytest.fixture
def share(tmp_path: Path) -> Share:
    """A share with three files."""
    share = Share(tmp_path)
    share.own.mkdir()
    (tmp_path / "bucket").mkdir()
    for one in (ONE, TWO, THREE):
        (tmp_path / one.relative).write_bytes(b"x")
    return share


def test_pending_is_what_was_begun_and_not_ended(share: Share) -> None:
    """And what could not be moved; a line that a power cut tore is passed over."""
    folder = share.own / "trash" / "run"
    journal = Journal(folder)
    journal.begin([ONE, TWO])
    (run,) = trashed_runs(share)
    assert pending(run) == [ONE, TWO]
    journal.end([TWO.relative])
    assert pending(run) == [TWO]
    journal.begin([THREE])
    with (folder / JOURNAL).open("a") as file:
        file.write('["bucket/4", 1')
    assert pending(run) == [TWO, THREE]


def test_settled_is_no_more_pending(share: Share) -> None:
    """Whether it was begun or left; what is written after a torn line is read."""
    folder = share.own / "trash" / "run"
    journal = Journal(folder)
    journal.begin([ONE, TWO])
    journal.end([ONE.relative])
    journal.begin([THREE])
    with (folder / JOURNAL).open("a") as file:
        file.write('["bucket/4", 1')
    (run,) = trashed_runs(share)
    journal.settle([ONE.relative])
    assert pending(run) == [THREE]
    journal.settle([THREE.relative, "bucket/unknown"])
    assert pending(run) == []


def test_run_that_is_removed_meanwhile(share: Share) -> None:
    """It is none; the others are shown."""
    for name in "ab":
        (share.own / "trash" / name).mkdir(parents=True)
    with shim(share.root, Fault("stat", errno.ENOENT, of="trash/a$")):
        assert [run.name for run in trashed_runs(share)] == ["b"]


def test_note_without_a_time_zone(share: Share) -> None:
    """Its time is that of this machine: runs can be put in order."""
    for name, zone in (("a", ""), ("b", "+00:00")):
        (share.own / "trash" / name).mkdir(parents=True)
        write_note(share.own / "trash" / name, Note(f"2001-01-01T00:00:00{zone}", "bucket", ("d",), 7))
    assert len(trashed_runs(share)) == 2


def test_runs_come_by_age(share: Share) -> None:
    """As their notes say; where there is none, or none that can be read, as the folder's time says."""
    for name, year in (("b", 2001), ("a", 2002)):
        (share.own / "trash" / name).mkdir(parents=True)
        write_note(share.own / "trash" / name, Note(f"{year}-01-01T00:00:00+00:00", "bucket", ("d",), 7))
    (share.own / "trash" / "c").mkdir()
    (share.own / "trash" / "c" / ".run.json").write_text("{")
    os.utime(share.own / "trash" / "c", (0, 0))
    runs = trashed_runs(share)
    assert [run.name for run in runs] == ["c", "b", "a"]
    assert runs[0].begun_at == datetime.fromtimestamp(0, UTC)
    assert runs[1].note == Note("2001-01-01T00:00:00+00:00", "bucket", ("d",), 7)


def test_move(share: Share) -> None:
    """A file is moved whole; one that is not there is told apart; a folder in its place is an error of that file."""
    folder = share.own / "trash" / "run"
    assert move_to_trash(share, folder, ONE.relative)
    assert (folder / ONE.relative).read_bytes() == b"x"
    assert not move_to_trash(share, folder, ONE.relative)
    with pytest.raises(FileError, match="folder"):
        move_to_trash(share, folder, "bucket")
    share.own.rename(share.root / "away")
    with pytest.raises(UnsafeError, match="went away"):
        move_to_trash(share, folder, "bucket/4")


def test_another_file_system_below_the_share(share: Share) -> None:
    """It is refused with 5 before anything is moved: nothing is copied."""
    place = share.root / "bucket" / "mounted"
    place.mkdir()
    answer = subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], capture_output=True, check=False)
    if answer.returncode:
        pytest.skip("cannot mount here")
    try:
        (place / "file").write_bytes(b"x")
        with pytest.raises(UnsafeError, match="another file system"):
            check_one_file_system(share, [ONE.relative, "bucket/mounted/file"])
        with pytest.raises(UnsafeError, match="another file system"):
            move_to_trash(share, share.own / "trash" / "run", "bucket/mounted/file")
        assert (place / "file").exists()
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_empty_folders_are_removed_up_to_the_top(tmp_path: Path) -> None:
    """Not the top, none above it, and none that has something in it."""
    (tmp_path / "top" / "a" / "b").mkdir(parents=True)
    (tmp_path / "top" / "c").mkdir()
    (tmp_path / "top" / "c" / "file").touch()
    (tmp_path / "other").mkdir()
    remove_empty_folders(
        tmp_path / "top", [tmp_path / "top" / "a" / "b" / "gone", tmp_path / "top" / "c", tmp_path / "other"]
    )
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["c", "file", "other", "top"]

"""Files that may not, or cannot, be read: a finding of each, unless the share itself is gone."""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from mirror.app.verify import VerifyRequest, exit_code_of
from mirror.app.verify.against import verify_against
from mirror.app.verify.certify import certify
from mirror.app.verify.feed import Clock
from mirror.engine.scrub import Depth
from mirror.errors import ExitCode, UnsafeError
from mirror.keys import ShareRules
from mirror.store.share import Share
from tests.mirror.app.verify.conftest import BLOCK, DATASET, HOME, OTHER_BLOCK, RAW, Lab, kinds
from tests.shim import FOR_EVER, Fault, shim

PLACE = f"^/{HOME}/{BLOCK}$"
FOLDER = PLACE.replace("/1$", "$")
A_BLOCK = f"^/{HOME}/{RAW.replace('s0', 's[01]')}[0-9]+/[0-9]+/[0-9]+$"


def denied(place: str, number: int = errno.EACCES) -> Fault:
    """Return that what lies there cannot be opened."""
    return Fault("open", number, of=place, n_times=FOR_EVER)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM], ids=lambda number: errno.errorcode[number])
@pytest.mark.parametrize("place", [PLACE, FOLDER], ids=["file", "folder"])
def test_what_may_not_be_read_is_told_and_the_check_goes_on(lab: Lab, number: int, place: str) -> None:
    """All else is looked at, exit 4; the row stands, for nothing speaks against it; it is told until it can be read."""
    n_files = lab.verify().checked.objects
    with shim(lab.share, denied(place, number)):
        report = lab.verify()
        again = lab.verify(Depth.QUICK)
    assert (report.complete, report.checked.objects, exit_code_of(report)) == (True, n_files, ExitCode.INCOMPLETE)
    assert kinds(report)[BLOCK] == "unreadable"
    assert set(kinds(report).values()) == {"unreadable"}
    assert kinds(again) == kinds(report)
    assert lab.sync("volumes/raw", scales="s0-s1").transferred.objects == 0
    assert kinds(lab.verify()) == {}


def test_a_bad_sector_is_damage_of_its_file(lab: Lab) -> None:
    """One file that the disk does not give is damaged, and the others are looked at; a loss beside it is exit 3."""
    lab.file(OTHER_BLOCK).unlink()
    with shim(lab.share, denied(PLACE, errno.EIO)):
        report = lab.verify()
    assert (kinds(report), report.complete) == ({BLOCK: "content", OTHER_BLOCK: "lost"}, True)
    with shim(lab.share, denied(PLACE)):
        report = lab.verify()
    assert kinds(report) == {BLOCK: "unreadable", OTHER_BLOCK: "lost"}
    assert exit_code_of(report) is ExitCode.DIFFERENCES


def test_what_may_not_be_read_is_replaced_by_a_repair(lab: Lab) -> None:
    """The bucket's object gets the name, the file that may not be read goes to the trash; else it is said why not."""
    whole = lab.file(BLOCK).read_bytes()
    kept = Fault("rename", errno.EACCES, of=rf"/trash/.*{BLOCK}$", n_times=FOR_EVER)
    with shim(lab.share, denied(PLACE), kept):
        report = lab.verify(repair=True)
    assert (report.repaired, exit_code_of(report)) == (0, ExitCode.INCOMPLETE)
    assert "cannot move the old file to the trash" in report.unmended[0].reason
    with shim(lab.share, denied(PLACE)):
        report = lab.verify(repair=True)
    assert (kinds(report), report.repaired, exit_code_of(report)) == ({BLOCK: "unreadable"}, 1, ExitCode.DONE)
    assert lab.file(BLOCK).read_bytes() == whole
    assert len(list(lab.share.glob(f".oomirror/trash/*/{HOME}/{BLOCK}"))) == 1


def test_a_share_that_gives_errors_instead_of_files_ends_the_check(lab: Lab) -> None:
    """Where most files cannot be read, nothing is known of any: exit 5, and each row stands."""
    with shim(lab.share, denied(A_BLOCK, errno.EIO)), pytest.raises(UnsafeError) as caught:
        lab.verify()
    assert "input/output errors" in str(caught.value)
    assert kinds(lab.verify()) == {}


def test_a_folder_of_nobody_that_may_not_be_read_is_a_stray(lab: Lab) -> None:
    """What lies in it nobody knows; of a folder that is known its files tell, and the folder is no stray."""
    lab.file(f"{RAW}1/900").mkdir()
    closed = [Fault("scandir", errno.EACCES, of=f"{RAW}1{end}$", n_times=FOR_EVER) for end in ("/900", "")]
    with shim(lab.share, *closed):
        report = lab.verify(Depth.QUICK)
    assert kinds(report) == {}
    with shim(lab.share, closed[0]):
        report = lab.verify(Depth.QUICK)
    assert kinds(report) == {f"{RAW}1/900/": "stray"}
    assert "it may not be read" in report.damaged[0].reason


def test_a_copy_beside_a_certificate_is_told_the_same_way(mirrored: Lab, tmp_path: Path) -> None:
    """Without a catalog, too, a file that may not be read is told, and the check goes on."""
    file = tmp_path / "hela.jsonl"
    certify(mirrored.settings, DATASET, file)
    closed = Fault("scandir", errno.EACCES, of=f"{RAW}1/?$", n_times=FOR_EVER)
    with shim(mirrored.share, denied(PLACE), closed):
        report = asyncio.run(verify_against(mirrored.settings, VerifyRequest(depth=Depth.FULL), file))
    assert (kinds(report), exit_code_of(report)) == ({BLOCK: "unreadable"}, ExitCode.INCOMPLETE)


def swap(lab: Lab, fill: Callable[[Path, Path], object]) -> Clock:
    """Return a clock at whose third look another share is mounted in the place of the lab's."""
    looks = count()

    def tick() -> float:
        if next(looks) == 2:
            mine = lab.folder / "mine"
            lab.share.rename(mine)
            fill(mine, lab.share)
            Share(lab.share).write_marker(ShareRules())
        return 0.0

    return Clock(seconds=tick)


def leave_empty(_mine: Path, other: Path) -> None:
    """Let nothing lie there."""
    other.mkdir()


def add_a_file(mine: Path, other: Path) -> None:
    """Let all of it lie there, and one thing more."""
    shutil.copytree(mine, other)
    (other / HOME / RAW / "more").touch()


@pytest.mark.parametrize("fill", [leave_empty, add_a_file], ids=["empty", "with a file more"])
def test_another_share_in_the_middle_ends_the_check(lab: Lab, fill: Callable[[Path, Path], object]) -> None:
    """Under another share's mark nothing is called lost or stray: exit 5; mounted again, all is whole."""
    with pytest.raises(UnsafeError) as caught:
        lab.verify(clock=swap(lab, fill))
    assert (caught.value.exit_code, caught.value.what) == (5, "another share took the place of the share")
    shutil.rmtree(lab.share)
    (lab.folder / "mine").rename(lab.share)
    report = lab.verify(Depth.QUICK)
    assert (kinds(report), report.ok) == ({}, report.checked)

"""What the doctor says of what it sees, and of what goes wrong while it looks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mirror.app.doctor.bucket import clock
from mirror.app.doctor.checks import Check, blocking
from mirror.app.doctor.run import examine
from mirror.app.doctor.share import behaves
from mirror.app.short_look import cached
from mirror.errors import UnsafeError
from mirror.keys import ShareRules
from mirror.report.doctor import Diagnosis, ok
from mirror.report.text.doctor import render_doctor
from mirror.store.mounts import is_network, mount_of
from mirror.store.probe import Behaviour, probe_behaviour
from mirror.store.share import Share

RULES = ShareRules()
GOOD = Behaviour(RULES, True, "", True, 0.0, True, 0.0)
BEHAVIOURS = {
    "good": (GOOD, set()),
    "no-rename": (replace(GOOD, replaces_by_rename=False), {"rename problem"}),
    "no-fsync": (replace(GOOD, fsync_fault="Invalid argument"), {"fsync problem"}),
    "short-paths": (replace(GOOD, takes_long_paths=False), {"paths problem"}),
    "no-times": (replace(GOOD, time_step_seconds=None), {"times note"}),
    "no-flock": (replace(GOOD, excludes_by_flock=False), {"flock note"}),
    "clock": (replace(GOOD, clock_ahead_seconds=-90.0), {"clock note"}),
    "other-names": (replace(GOOD, rules=replace(RULES, max_name_bytes=143)), {"names problem"}),
}


@pytest.mark.parametrize(("behaviour", "expected"), BEHAVIOURS.values(), ids=BEHAVIOURS.keys())
def test_behaviour(behaviour: Behaviour, expected: set[str]) -> None:
    """Only what a mirror depends on is a problem, and each has its advice."""
    said = [one for one in behaves(behaviour, RULES) if one.state != "ok"]
    assert {f"{one.name} {one.state}" for one in said} == expected
    assert all(one.advice for one in said)


MOUNTS = {
    "nfs": ("nas:/vol /lab nfs4 rw,hard,acregmin=3,acregmax=60,acdirmax=60 0 0", []),
    "local": ("/dev/sda /lab ext4 rw,actimeo=600 0 0", []),
    "slow": ("nas:/vol /lab nfs4 rw,acregmin=600,acregmax=600,acdirmax=90 0 0", ["acregmax=600, acdirmax=90"]),
    "smb": ("//nas/lab /lab cifs rw,actimeo=61,closetimeo=1 0 0", ["actimeo=61"]),
    "nocto": ("nas:/vol /lab nfs4 rw,nocto,actimeo=odd 0 0", ["nocto"]),
    "both": ("nas:/vol /lab nfs rw,nocto,actimeo=3600 0 0", ["actimeo=3600", "nocto"]),
}


@pytest.mark.parametrize(("mounts", "words"), MOUNTS.values(), ids=MOUNTS.keys())
def test_mount_that_believes_too_long(mounts: str, words: list[str]) -> None:
    """Of a share on the network it is a note: what others write, and the beat of a lock, is seen too late."""
    said = list(cached(mount_of(Path("/lab/OpenOrganelle"), mounts)))
    assert [one.state for one in said] == ["note"] * len(words)
    assert all(word in one.found and one.advice for word, one in zip(words, said, strict=True))
    assert list(cached(None)) == []


def test_probing_leaves_nothing(tmp_path: Path) -> None:
    """What an ordinary folder does is found, and nothing stays on the share."""
    share = Share(tmp_path)
    share.own.mkdir()
    found = probe_behaviour(share)
    assert (found.replaces_by_rename, found.fsync_fault, found.excludes_by_flock) == (True, "", True)
    assert abs(found.clock_ahead_seconds) < 5
    assert list((share.own / "tmp").iterdir()) == []


def test_a_look_that_fails_is_a_finding() -> None:
    """With the words of its error; the other looks are made."""

    def fail() -> Iterator[Diagnosis]:
        """Look in vain."""
        raise UnsafeError("the share is not there", "/mnt/lab", hint="Is it mounted?")

    checks = [
        Check("share", blocking(fail)),
        Check("disk", blocking(lambda: (_ for _ in ()).throw(OSError(5, "Input/output error")))),
        Check("other", blocking(lambda: [ok("other", "is well")])),
    ]
    report = asyncio.run(examine(checks))
    assert report.problems == 2
    assert report.diagnoses[0].advice == "Is it mounted?"
    text = render_doctor(report)
    assert "Input/output error" in text
    assert text.endswith("2 problems found.")


@pytest.mark.parametrize(
    ("ahead_seconds", "is_signed", "states"),
    [(30, True, []), (-90, True, ["note"]), (1000, False, ["note"]), (-1000, True, ["problem"])],
    ids=["near", "minutes", "unsigned", "signed"],
)
def test_clock(ahead_seconds: float, is_signed: bool, states: list[str]) -> None:
    """A clock that is far off is a problem only where requests are signed."""
    assert [one.state for one in clock("bucket b", ahead_seconds, is_signed=is_signed)] == states


def test_which_file_systems_are_of_the_network() -> None:
    """By the kernel's name."""
    assert [
        kind for kind in ("ext4", "xfs", "tmpfs", "overlay", "cifs", "nfs", "ceph", "fuse") if is_network(kind)
    ] == [
        "cifs",
        "nfs",
        "ceph",
        "fuse",
    ]
